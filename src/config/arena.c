/* SPDX-License-Identifier: ISC */
/* Memory that is freed together: a chain of chunks, filled from the front. The first are small, for
 * most configurations are; what is large beside the next one gets a chunk of its own. */
#include "config/arena.h"

#include "config/map.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

#define CHUNK_LEAST ((size_t)4 * 1024)
#define CHUNK_MOST ((size_t)64 * 1024)

struct chunk {
	struct chunk *next;
	alignas(max_align_t) char bytes[];
};

struct arena {
	struct chunk *chunks;
	size_t next_size; /* of the next chunk that is shared */
	char *free_from;  /* in the newest of these */
	size_t free_length;
	struct map *texts; /* that were interned */
	struct map *lists; /* likewise; of their own, for they are aligned and end in a NULL */
	struct map *objects;
	int error;
};

struct arena *
arena_new(void)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (arena != NULL)
		arena->next_size = CHUNK_LEAST;
	return arena;
}

struct arena *
arena_free(struct arena *arena)
{
	if (arena == NULL)
		return NULL;
	while (arena->chunks != NULL) {
		struct chunk *chunk = arena->chunks;

		arena->chunks = chunk->next;
		free(chunk);
	}
	arena_stop_interning(arena);
	free(arena);
	return NULL;
}

static char *
add_chunk(struct arena *arena, size_t size)
{
	struct chunk *chunk = NULL;

	if (size <= SIZE_MAX - sizeof(*chunk))
		chunk = calloc(1, sizeof(*chunk) + size);
	if (chunk == NULL) {
		arena->error = -ENOMEM;
		return NULL;
	}
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk->bytes;
}

/* `alignment` is a power of two. */
static void *
take_aligned(struct arena *arena, size_t size, size_t alignment)
{
	size_t padding = -(uintptr_t)arena->free_from & (alignment - 1);
	char *taken;

	if (size > arena->next_size / 4)
		return add_chunk(arena, size);
	if (size + padding > arena->free_length) {
		taken = add_chunk(arena, arena->next_size);
		if (taken == NULL)
			return NULL;
		arena->free_from = taken;
		arena->free_length = arena->next_size;
		if (arena->next_size < CHUNK_MOST)
			arena->next_size *= 2;
		padding = 0;
	}
	taken = arena->free_from + padding;
	arena->free_from += size + padding;
	arena->free_length -= size + padding;
	return taken;
}

void *
arena_take(struct arena *arena, size_t size)
{
	return take_aligned(arena, size, alignof(max_align_t));
}

char *
arena_copy(struct arena *arena, const char *bytes, size_t length)
{
	char *copy = length < SIZE_MAX ? take_aligned(arena, length + 1, 1) : NULL;

	if (copy != NULL && length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

static bool
has_map(struct arena *arena, struct map **map)
{
	if (*map == NULL)
		*map = map_new();
	if (*map == NULL)
		arena->error = -ENOMEM;
	return *map != NULL;
}

char *
arena_intern(struct arena *arena, const char *bytes, size_t length)
{
	char *text;

	if (!has_map(arena, &arena->texts))
		return NULL;
	text = map_find(arena->texts, bytes, length);
	if (text != NULL)
		return text;
	text = arena_copy(arena, bytes, length);
	if (text != NULL)
		(void)map_add(arena->texts, text, length, text); /* or it is copied again */
	return text;
}

char **
arena_intern_list(struct arena *arena, char *const *texts, size_t count)
{
	size_t length = count * sizeof(*texts);
	char **list;

	if (!has_map(arena, &arena->lists))
		return NULL;
	list = map_find(arena->lists, texts, length);
	if (list != NULL)
		return list;
	list = arena_take(arena, length + sizeof(*list));
	if (list == NULL)
		return NULL;
	if (count > 0)
		memcpy(list, texts, length);
	(void)map_add(arena->lists, list, length, list); /* or it is kept again */
	return list;
}

const void *
arena_intern_object(struct arena *arena, const void *object, size_t size)
{
	void *kept;

	if (!has_map(arena, &arena->objects))
		return NULL;
	kept = map_find(arena->objects, object, size);
	if (kept != NULL)
		return kept;
	kept = arena_take(arena, size);
	if (kept == NULL)
		return NULL;
	memcpy(kept, object, size);
	(void)map_add(arena->objects, kept, size, kept); /* or it is kept again */
	return kept;
}

void
arena_stop_interning(struct arena *arena)
{
	arena->objects = map_free(arena->objects);
	arena->lists = map_free(arena->lists);
	arena->texts = map_free(arena->texts);
}

int
arena_error(const struct arena *arena)
{
	return arena->error;
}
