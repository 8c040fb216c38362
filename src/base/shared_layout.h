/* SPDX-License-Identifier: ISC */
/* How the shared memory is laid out; for shared.c and the other shared_*.c alone. */
#ifndef REEVE_SHARED_LAYOUT_H
#define REEVE_SHARED_LAYOUT_H

#include "base/log_ring.h"
#include "base/refused.h"
#include "base/shared_measures.h"

#include <stdatomic.h>

#define CACHE_LINE 64

/* The memory: header, one process a writer, rows, then for each row one block a writer, and then
 * for each row one timings a writer; at last one table a writer of the sources that it refused,
 * and one ring of events a writer. */
struct header {
	uint64_t magic;
	uint64_t table; /* two programs that count different things must not share */
	uint32_t version;
	uint32_t rows;
	uint32_t writers;
	uint32_t unused;
	uint64_t size;
	char release[SHARED_RELEASE_MAX]; /* of who made it */
};

/* What a writer tells of itself. */
struct process {
	_Alignas(CACHE_LINE) _Atomic uint64_t told[PROCESS_COUNT];
};

struct row {
	_Atomic uint64_t generation; /* odd while the name changes; 0: never used */
	_Atomic uint64_t waiting;    /* bit i: writer i was refused a place */
	_Atomic uint64_t written;    /* bit i: writer i has a block here that is not all zeroes */
	_Atomic int64_t places;
	_Atomic uint64_t tickets; /* that were drawn in its queue */
	_Atomic uint32_t number;
	unsigned char unused[20];
	char name[SHARED_NAME_MAX];
};

struct block {
	_Alignas(CACHE_LINE) _Atomic int64_t active;
	_Atomic int64_t ceiling; /* in the supervisor's block: one more than it is; 0: none */
	_Atomic int64_t seats;   /* in the queue */
	_Atomic uint64_t ticket; /* the oldest of them */
	_Atomic uint64_t metrics[METRIC_COUNT];
};

/* The buckets of each histogram, and behind them the sum. */
enum timing_cell {
#define HISTOGRAM(name, first_us, shift, bounds, help) \
	CELL_##name, CELL_sum_of_##name = CELL_##name + (bounds) + 1,
#include "base/metrics.def"
	CELL_COUNT
};

struct timings {
	_Alignas(CACHE_LINE) _Atomic uint64_t cells[CELL_COUNT];
};

_Static_assert(sizeof(struct header) == CACHE_LINE, "rows begin on a cache line");
_Static_assert(sizeof(struct row) == 2 * CACHE_LINE, "a row does not share cache lines");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock in shared memory would die with its owner");

struct shared {
	void *memory;
	size_t size;
	struct process *processes;
	struct row *rows;
	struct block *blocks;
	struct timings *timings;
	struct refused_table *refused;
	struct log_ring *rings;
	/* Copies: what a gate writes into the header later changes nothing. */
	uint32_t row_count;
	uint32_t writer_count;
};

static inline struct block *
shared_block(const struct shared *shared, uint32_t row, uint32_t writer)
{
	return &shared->blocks[(size_t)row * shared->writer_count + writer];
}

static inline struct timings *
shared_timings(const struct shared *shared, uint32_t row, uint32_t writer)
{
	return &shared->timings[(size_t)row * shared->writer_count + writer];
}

/* Before a writer's first word in a row. */
static inline void
shared_note_written(struct row *row, uint32_t writer)
{
	const uint64_t bit = UINT64_C(1) << writer;

	if ((atomic_load_explicit(&row->written, memory_order_relaxed) & bit) == 0)
		(void)atomic_fetch_or(&row->written, bit);
}

static inline bool
shared_is_written(const struct shared *shared, uint32_t row, uint32_t writer)
{
	return (atomic_load(&shared->rows[row].written) >> writer & 1) != 0;
}

#endif
