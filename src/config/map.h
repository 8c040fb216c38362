/* SPDX-License-Identifier: ISC */
/* From bytes to a pointer, in one step however many there are: services by name, ports by
 * address, what the host has said already. Names come from files, so the order of the buckets
 * does not follow from the file alone. */
#ifndef REEVE_MAP_H
#define REEVE_MAP_H

#include "base/util.h"

struct map;

struct map *map_new(void);
struct map *map_free(struct map *map); /* the keys and values stay their owners' */

/* The value of that key, or NULL. */
void *map_find(const struct map *map, const void *key, size_t length);

/* Note `value` (not NULL) under a key that is not there yet. The key is not copied and has to
 * stay where it is. 0 or -ENOMEM. */
int map_add(struct map *map, const void *key, size_t length, void *value);

#endif
