/* SPDX-License-Identifier: ISC */
/* Measures in the shared memory: histograms, and what processes tell of themselves. */
#include "base/shared_measures.h"

#include "base/shared_layout.h"

#include <string.h>
#include <time.h>

static const struct histogram_row {
	struct histogram_shape shape;
	unsigned int first_cell;
} histogram_rows[] = {
#define HISTOGRAM(name, first_us, shift, bounds, help) \
	[HISTOGRAM_##name] = { { first_us, shift, bounds }, CELL_##name },
#include "base/metrics.def"
};

#define HISTOGRAM(name, first_us, shift, bounds, help) \
	_Static_assert((bounds) < HISTOGRAM_BUCKETS_MAX, #name " has too many buckets");
#include "base/metrics.def"

struct histogram_shape
histogram_shape(enum histogram histogram)
{
	return histogram_rows[histogram].shape;
}

/* --- how long things took */

int64_t
shared_clock_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The number of the first bound that is not below it. */
static unsigned int
bucket_of(const struct histogram_shape *shape, uint64_t took_us)
{
	uint64_t above_first = took_us > 0 ? (took_us - 1) / shape->first_us : 0;
	unsigned int doublings =
		above_first > 0 ? 64 - (unsigned int)__builtin_clzll(above_first) : 0;
	unsigned int bucket = (doublings + shape->shift - 1) / shape->shift;

	return bucket < shape->bounds ? bucket : shape->bounds;
}

void
shared_observe(struct shared *shared, uint32_t row, uint32_t writer, enum histogram histogram,
	int64_t took_us)
{
	const struct histogram_row *kind = &histogram_rows[histogram];
	uint64_t took = took_us > 0 ? (uint64_t)took_us : 0;
	_Atomic uint64_t *cells = shared_timings(shared, row, writer)->cells + kind->first_cell;

	shared_note_written(&shared->rows[row], writer);
	(void)atomic_fetch_add_explicit(&cells[bucket_of(&kind->shape, took)], 1,
		memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&cells[kind->shape.bounds + 1], took, memory_order_relaxed);
}

void
shared_read_histogram(const struct shared *shared, uint32_t row, enum histogram histogram,
	struct histogram_counts *ret_counts)
{
	const struct histogram_row *kind = &histogram_rows[histogram];

	*ret_counts = (struct histogram_counts){ .sum_us = 0 };
	for (uint32_t writer = 0; writer < shared->writer_count; writer++) {
		const _Atomic uint64_t *cells;

		if (!shared_is_written(shared, row, writer))
			continue;
		cells = shared_timings(shared, row, writer)->cells + kind->first_cell;
		for (unsigned int i = 0; i <= kind->shape.bounds; i++)
			ret_counts->buckets[i] +=
				atomic_load_explicit(&cells[i], memory_order_relaxed);
		ret_counts->sum_us +=
			atomic_load_explicit(&cells[kind->shape.bounds + 1], memory_order_relaxed);
	}
}

/* --- what processes tell of themselves */

void
shared_tell(struct shared *shared, uint32_t writer, enum process_metric metric, uint64_t value)
{
	atomic_store_explicit(&shared->processes[writer].told[metric], value, memory_order_relaxed);
}

void
shared_tell_more(struct shared *shared, uint32_t writer, enum process_metric metric,
	uint64_t amount)
{
	(void)atomic_fetch_add_explicit(&shared->processes[writer].told[metric], amount,
		memory_order_relaxed);
}

uint64_t
shared_told(const struct shared *shared, uint32_t writer, enum process_metric metric)
{
	return atomic_load_explicit(&shared->processes[writer].told[metric], memory_order_relaxed);
}

struct refused_table *
shared_refused(const struct shared *shared, uint32_t writer)
{
	return &shared->refused[writer];
}

void
shared_release_of(const struct shared *shared, char ret_release[SHARED_RELEASE_MAX])
{
	const struct header *header = shared->memory;

	memcpy(ret_release, header->release, SHARED_RELEASE_MAX);
	ret_release[SHARED_RELEASE_MAX - 1] = '\0';
}
