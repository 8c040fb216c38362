/* SPDX-License-Identifier: ISC */
/* What else the shared memory holds for those who watch: how long things took, in buckets of
 * exponential size, for each service (HISTOGRAM in metrics.def); what each process tells of
 * itself (PROCESS); and whom it refused. As with the counters each writer has its own cells, and
 * who reads adds up. */
#ifndef REEVE_SHARED_MEASURES_H
#define REEVE_SHARED_MEASURES_H

#include "base/refused.h"
#include "base/shared.h"

#define SHARED_RELEASE_MAX 24
#define HISTOGRAM_BUCKETS_MAX 24

enum histogram {
#define HISTOGRAM(name, first_us, shift, bounds, help) HISTOGRAM_##name,
#include "base/metrics.def"
	HISTOGRAM_COUNT
};

enum process_metric {
#define PROCESS(name, kind, whose, help) PROCESS_##name,
#include "base/metrics.def"
	PROCESS_COUNT
};

/* What a histogram is like: bucket i holds what took up to first_us << (i * shift), the last one
 * (that of number `bounds`) all the rest. */
struct histogram_shape {
	uint64_t first_us;
	unsigned int shift;
	unsigned int bounds;
};

/* The counts of one, all writers' together; each bucket alone, not those below it. */
struct histogram_counts {
	uint64_t buckets[HISTOGRAM_BUCKETS_MAX];
	uint64_t sum_us;
};

struct histogram_shape histogram_shape(enum histogram histogram);

/* Monotonic microseconds, read now: to measure with, for whoever plans goes by the loop's time. */
int64_t shared_clock_us(void);

/* Note that it took so many microseconds (less than nothing is nothing): two additions. */
void shared_observe(struct shared *shared, uint32_t row, uint32_t writer, enum histogram histogram,
	int64_t took_us);
void shared_read_histogram(const struct shared *shared, uint32_t row, enum histogram histogram,
	struct histogram_counts *ret_counts);

/* Tell a value of this writer's own, or add to it; read a writer's. */
void shared_tell(struct shared *shared, uint32_t writer, enum process_metric metric,
	uint64_t value);
void shared_tell_more(struct shared *shared, uint32_t writer, enum process_metric metric,
	uint64_t amount);
uint64_t shared_told(const struct shared *shared, uint32_t writer, enum process_metric metric);

/* The sources that this writer refused most, since it began. */
struct refused_table *shared_refused(const struct shared *shared, uint32_t writer);

/* The release of the daemon that made the memory. */
void shared_release_of(const struct shared *shared, char ret_release[SHARED_RELEASE_MAX]);

#endif
