/* SPDX-License-Identifier: ISC */
/* Pools. Under a sanitizer each object is malloc's own, so that use after free shows. */
#include "gate/pool.h"

#include <string.h>

#define CHUNK_BYTES 65536
#define ALIGNMENT 16

struct pool_chunk {
	struct pool_chunk *next;
	_Alignas(ALIGNMENT) char bytes[];
};

struct pool_free {
	struct pool_free *next;
};

#define CHUNK_ROOM (CHUNK_BYTES - sizeof(struct pool_chunk) - ALIGNMENT)

/* The next object of the newest chunk, which malloc left untouched: pages cost nothing before
 * they are used. */
static void *
carve(struct pool *pool)
{
	void *object;

	if (!pool->chunks || pool->used_of_chunk + pool->size > CHUNK_ROOM) {
		size_t room = pool->size > CHUNK_ROOM ? pool->size : CHUNK_ROOM;
		struct pool_chunk *chunk = malloc(sizeof(*chunk) + room);

		if (!chunk)
			return NULL;
		chunk->next = pool->chunks;
		pool->chunks = chunk;
		pool->used_of_chunk = 0;
	}
	object = pool->chunks->bytes + pool->used_of_chunk;
	pool->used_of_chunk += pool->size;
	return object;
}

void *
pool_take(struct pool *pool, size_t size)
{
	void *object = pool->free;

	if (UTIL_HAS_SANITIZER)
		return calloc(1, size);
	if (pool->size == 0)
		pool->size = (uint32_t)((size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
	if (object)
		pool->free = pool->free->next;
	else
		object = carve(pool);
	if (!object)
		return NULL;
	pool->live++;
	return memset(object, 0, pool->size);
}

void
pool_give(struct pool *pool, void *object)
{
	struct pool_free *place = object;

	if (UTIL_HAS_SANITIZER) {
		free(object);
		return;
	}
	place->next = pool->free;
	pool->free = place;
	/* A crowd that has left takes its memory along. */
	if (--pool->live == 0 && pool->chunks && pool->chunks->next)
		pool_fini(pool);
}

void
pool_fini(struct pool *pool)
{
	struct pool_chunk *chunk = pool->chunks;

	while (chunk) {
		struct pool_chunk *next = chunk->next;

		free(chunk);
		chunk = next;
	}
	pool->chunks = NULL;
	pool->free = NULL;
	pool->used_of_chunk = 0;
}
