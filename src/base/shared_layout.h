/* SPDX-License-Identifier: ISC */
/* How the shared memory is laid out; for shared.c and shared_places.c alone. */
#ifndef REEVE_SHARED_LAYOUT_H
#define REEVE_SHARED_LAYOUT_H

#include "base/shared.h"

#include <stdatomic.h>

#define CACHE_LINE 64

/* The memory: header, rows, then for each row one block a writer. */
struct header {
	uint64_t magic;
	uint64_t table; /* two programs that count different things must not share */
	uint32_t version;
	uint32_t rows;
	uint32_t writers;
	uint32_t unused;
	uint64_t size;
	unsigned char padding[CACHE_LINE - 40];
};

struct row {
	_Atomic uint64_t generation; /* odd while the name changes; 0: never used */
	_Atomic uint64_t waiting;    /* bit i: writer i was refused a place */
	uint64_t unused[6];
	char name[SHARED_NAME_MAX];
};

struct block {
	_Alignas(CACHE_LINE) _Atomic int64_t active;
	_Atomic int64_t ceiling; /* in the supervisor's block: one more than it is; 0: none */
	_Atomic uint64_t metrics[METRIC_COUNT];
};

_Static_assert(sizeof(struct header) == CACHE_LINE, "rows begin on a cache line");
_Static_assert(sizeof(struct row) == 2 * CACHE_LINE, "a row does not share cache lines");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock in shared memory would die with its owner");

struct shared {
	void *memory;
	size_t size;
	struct row *rows;
	struct block *blocks;
	/* Copies: what a gate writes into the header later changes nothing. */
	uint32_t row_count;
	uint32_t writer_count;
};

static inline struct block *
shared_block(const struct shared *shared, uint32_t row, uint32_t writer)
{
	return &shared->blocks[(size_t)row * shared->writer_count + writer];
}

#endif
