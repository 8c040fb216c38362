/* SPDX-License-Identifier: ISC */
/* The table of keys, made from config_keys.def. */
#include "config/keys.h"

#include "config/value.h"

#include <string.h>

/* Offsets of a scope's fields, and a field's place among its object's. */
#define OFFSET_DAEMON(name) offsetof(struct config_daemon, name)
#define OFFSET_SERVICE(name) offsetof(struct service_keys, name)
#define OFFSET_OPTION(name) \
	(offsetof(struct service_keys, options) + offsetof(struct service_options, name))

static const struct key keys[] = {
#define KEY(scope_, name_, kind_, default_, min_, max_, reload_, reader_, words_, help_) \
	{ .name = #name_,                                                                \
		.scope = KEY_##scope_,                                                   \
		.kind = KEY_##kind_,                                                     \
		.reader = KEY_READER_##reader_,                                          \
		.reload = KEY_##reload_,                                                 \
		.default_text = (default_),                                              \
		.min = (min_),                                                           \
		.max = (max_),                                                           \
		.words = (words_),                                                       \
		.help = (help_),                                                         \
		.offset = OFFSET_##scope_(name_),                                        \
		.place = KEY_PLACE_##name_ },
#include "config/config_keys.def"
#undef KEY
};

const struct key *
keys_all(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(keys);
	return keys;
}

bool
key_is_daemon(const struct key *key)
{
	return key->scope == KEY_DAEMON;
}

bool
key_is_service(const struct key *key)
{
	return key->scope != KEY_DAEMON;
}

const struct key *
keys_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

const struct key *
keys_find_service(size_t place)
{
	return &keys[KEY_PLACES_DAEMON + place];
}

const char *
key_reader_name(enum key_reader reader)
{
	switch (reader) {
	case KEY_READER_ANY:
		return "every service";
	case KEY_READER_PROGRAM:
		return "programs";
	case KEY_READER_REPLIER:
		return "built-ins and for programs on datagram sockets";
	case KEY_READER_STREAMS:
		return "services on stream sockets";
	case KEY_READER_DATAGRAMS:
		return "services on datagram sockets";
	case KEY_READER_SOCKET_FILE:
		return "unix sockets";
#define BUILTIN(name, speaks, gates, help) \
	case KEY_READER_##name:            \
		return "the built-in " #name;
#include "services/services.def"
#undef BUILTIN
	}
	return "nobody";
}

static void
set_defaults(void *object, bool (*belongs)(const struct key *key), struct arena *arena)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct textbuf problem = TEXTBUF_INIT(KEY_PROBLEM_MAX);

		if (belongs(&keys[i]) && keys[i].default_text != NULL)
			/* A default that does not suit its own row is found by the unit test. */
			(void)key_read(&keys[i], object, keys[i].default_text, arena, &problem);
		textbuf_fini(&problem);
	}
}

void
keys_set_daemon_defaults(struct config_daemon *object, struct arena *arena)
{
	memset(object, 0, sizeof(*object));
	set_defaults(object, key_is_daemon, arena);
}

void
keys_set_service_defaults(struct service_keys *object, struct arena *arena)
{
	memset(object, 0, sizeof(*object));
	set_defaults(object, key_is_service, arena);
}
