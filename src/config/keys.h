/* SPDX-License-Identifier: ISC */
/* The rows of config_keys.def as a table. Values lie in struct config_daemon or in struct
 * service_keys, at the row's offset; value.h reads and writes them. */
#ifndef REEVE_KEYS_H
#define REEVE_KEYS_H

#include "config/arena.h"
#include "config/config.h"

enum key_scope { KEY_DAEMON, KEY_SERVICE, KEY_OPTION };
enum key_reload { KEY_LIVE, KEY_RESTART };

enum key_kind {
	KEY_BOOL,
	KEY_COUNT,
	KEY_BYTES,
	KEY_MSEC,
	KEY_MODE,
	KEY_RATE,
	KEY_LOAD,
	KEY_CHOICE,
	KEY_STRING,
	KEY_TEXT,
	KEY_PATH,
	KEY_USER,
	KEY_GROUP,
	KEY_RLIMIT,
	KEY_LIST,
	KEY_NAMES,
	KEY_RULES,
	KEY_HOURS,
};

/* Who reads a service's key: the first four, or the built-in of that name. */
enum key_reader {
	KEY_READER_ANY,
	KEY_READER_PROGRAM,
	KEY_READER_REPLIER,
	KEY_READER_STREAMS,
	KEY_READER_DATAGRAMS,
	KEY_READER_SOCKET_FILE,
#define BUILTIN(name, speaks, gates, help) KEY_READER_##name,
#include "services/services.def"
#undef BUILTIN
};

struct key {
	const char *name;
	enum key_scope scope;
	enum key_kind kind;
	enum key_reader reader;
	enum key_reload reload;
	const char *default_text; /* NULL: none */
	int64_t min;
	int64_t max;
	const char *words; /* CHOICE: "first|second" */
	const char *help;
	size_t offset; /* of the value in its object */
	size_t place;  /* of its `where` among those of its object */
};

/* The places of the keys of an object among each other: DAEMON, or SERVICE and OPTION together.
 * They are the indices of arrays of `where`s. */
#define KEY_PLACE_IF_DAEMON_DAEMON(name) KEY_PLACE_##name,
#define KEY_PLACE_IF_DAEMON_SERVICE(name)
#define KEY_PLACE_IF_DAEMON_OPTION(name)
#define KEY_PLACE_IF_SERVICE_DAEMON(name)
#define KEY_PLACE_IF_SERVICE_SERVICE(name) KEY_PLACE_##name,
#define KEY_PLACE_IF_SERVICE_OPTION(name) KEY_PLACE_##name,

enum {
#define KEY(scope, name, ...) KEY_PLACE_IF_DAEMON_##scope(name)
#include "config/config_keys.def"
#undef KEY
	KEY_PLACES_DAEMON
};

enum {
#define KEY(scope, name, ...) KEY_PLACE_IF_SERVICE_##scope(name)
#include "config/config_keys.def"
#undef KEY
	KEY_PLACES_SERVICE
};

/* All rows, in their order: those of the daemon first. */
const struct key *keys_all(size_t *ret_count);
bool key_is_daemon(const struct key *key);
bool key_is_service(const struct key *key); /* SERVICE or OPTION */

/* "programs", "the built-in chat": for whom the key is. */
const char *key_reader_name(enum key_reader reader);

/* The SERVICE or OPTION key of that place. */
const struct key *keys_find_service(size_t place);

/* By whole name; NULL if there is none. */
const struct key *keys_find(const char *name);

/* Every default into an object. Texts are copied into the arena. */
void keys_set_daemon_defaults(struct config_daemon *object, struct arena *arena);
void keys_set_service_defaults(struct service_keys *object, struct arena *arena);

#endif
