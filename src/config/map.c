/* SPDX-License-Identifier: ISC */
/* A hash table with open addressing that is never more than half full. */
#include "config/map.h"

#include <errno.h>
#include <string.h>

#define FIRST_ROOM 64

struct slot {
	const void *key;
	size_t length;
	uint64_t hash;
	void *value; /* NULL: free */
};

struct map {
	struct slot *slots;
	size_t room; /* a power of two, or 0 */
	size_t count;
	uint64_t seed;
};

struct map *
map_new(void)
{
	struct map *map = calloc(1, sizeof(*map));

	/* Where the kernel put it differs from run to run: enough against a file that was made
	 * to collide. */
	if (map != NULL)
		map->seed = (uint64_t)(uintptr_t)map ^ 0x9e3779b97f4a7c15U;
	return map;
}

struct map *
map_free(struct map *map)
{
	if (map != NULL)
		free(map->slots);
	free(map);
	return NULL;
}

/* FNV-1a by words of eight bytes, each mixed so that the low bits depend on all: settings of a
 * service are hundreds of bytes, and hashed for each line. */
static uint64_t
hash_bytes(uint64_t seed, const void *key, size_t length)
{
	const unsigned char *bytes = key;
	uint64_t hash = seed ^ length;

	for (uint64_t word = 0; length > 0; word = 0) {
		size_t taken = length < sizeof(word) ? length : sizeof(word);

		memcpy(&word, bytes, taken);
		hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
		hash ^= hash >> 32;
		bytes += taken;
		length -= taken;
	}
	return hash * 0x9e3779b97f4a7c15U >> 16;
}

/* The slot of that key, or the free one where it belongs. `room` is not 0. */
static struct slot *
find_slot(struct slot *slots, size_t room, uint64_t hash, const void *key, size_t length)
{
	size_t at = (size_t)hash & (room - 1);

	while (slots[at].value != NULL) {
		if (slots[at].hash == hash && slots[at].length == length &&
			memcmp(slots[at].key, key, length) == 0)
			break;
		at = (at + 1) & (room - 1);
	}
	return &slots[at];
}

void *
map_find(const struct map *map, const void *key, size_t length)
{
	if (map->room == 0)
		return NULL;
	return find_slot(map->slots, map->room, hash_bytes(map->seed, key, length), key, length)
		->value;
}

static int
grow(struct map *map)
{
	size_t room = map->room > 0 ? map->room * 2 : FIRST_ROOM;
	struct slot *slots = calloc(room, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < map->room; i++) {
		const struct slot *old = &map->slots[i];

		if (old->value != NULL)
			*find_slot(slots, room, old->hash, old->key, old->length) = *old;
	}
	free(map->slots);
	map->slots = slots;
	map->room = room;
	return 0;
}

int
map_add(struct map *map, const void *key, size_t length, void *value)
{
	uint64_t hash = hash_bytes(map->seed, key, length);
	struct slot *slot;

	if (map->count * 2 >= map->room && grow(map) < 0)
		return -ENOMEM;
	slot = find_slot(map->slots, map->room, hash, key, length);
	*slot = (struct slot){ .key = key, .length = length, .hash = hash, .value = value };
	map->count++;
	return 0;
}
