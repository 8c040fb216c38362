/* SPDX-License-Identifier: ISC */
/* What the readers share while one configuration is read: the table's reader (table.h), that of
 * reeve.conf (conf.h), and config_load, which starts them.
 *
 * Settings come in layers: the built-in defaults, the `defaults` block, a `service` block, the
 * service's line, what was set by hand; the last that has a key wins. */
#ifndef REEVE_READER_H
#define REEVE_READER_H

#include "config/config.h"
#include "config/keys.h"
#include "config/map.h"
#include "config/source.h"
#include "config/words.h"

/* Keys that one place sets: those whose `where` has a source. */
struct layer {
	struct service_keys keys;
	struct where where[KEY_PLACES_SERVICE];
	struct element_wheres elements[KEY_PLACES_SERVICE];
};

/* What settings are put into. */
struct target {
	void *object;
	struct where *wheres;            /* by the key's place */
	struct element_wheres *elements; /* the same; NULL: nobody asks for them */
};

/* A `service` block of reeve.conf. */
struct block {
	const char *name;
	struct where where;
	bool is_used; /* a line of the table has that name */
	struct layer layer;
	struct block *next;
};

struct reader {
	struct config *config;
	struct arena *arena;
	struct complaint_list *complaints;
	struct sources sources;
	struct arena *source_arena; /* the same if places are kept */
	bool keeps_places;          /* for who complains after the reading */

	/* The port of a service by the host's table, for "tcp" or "udp"; negative: none there.
	 * NULL: nothing is looked up. */
	int (*find_port)(const char *service, const char *transport);

	struct service_keys factory; /* the built-in defaults */
	struct layer defaults;
	struct block *blocks; /* in the order of the file */
	struct block **blocks_end;
	struct map *blocks_by_name;
	struct map *overrides_by_name;  /* of blocks, too; NULL: there are none */
	struct source_file *table_text; /* `table` of reeve.conf; NULL: none */
	bool has_unread_lines;          /* of the table: whose services they are is not known */
	size_t service_room;
	size_t endpoint_count; /* of all services */
};

/* One key as a file sets it. */
struct setting {
	const struct key *key;
	const char *text;
	const char *label; /* how complaints call it: "service.echo.instances" */
	struct where where;
};

/* Begin; NULL: no memory. What is wrong with the text itself is told with its place even if none
 * is kept. Finish: frees the reader and gives its config, or NULL when `error` is
 * not 0 or there was no memory. */
struct reader *reader_new(struct complaint_list *complaints, bool keeps_places);
struct config *reader_finish(struct reader *reader, int error);

/* Put a value into its object or complain. */
void setting_apply(struct reader *reader, const struct setting *setting,
	const struct target *target);
struct target layer_target(struct layer *layer);

/* The key of the daemon, or of services, that was perhaps meant by `name`; or `also` (may be
 * NULL). NULL: none is near. */
const char *setting_nearest(const char *name, enum key_scope wanted, const char *also);

/* Complain about a name that is no key of the daemon, or of services. */
void setting_complain_unknown(struct reader *reader, const char *name, const char *label,
	const struct where *where, enum key_scope wanted);

/* Give a service, whose handler and sockets are known, the keys of every layer, and their
 * places. */
void layer_merge(struct reader *reader, const struct layer *line, struct service_config *service,
	struct service_wheres *wheres);

/* Does a service read that key? */
bool layer_fits(const struct key *key, const struct service_config *service);

#endif
