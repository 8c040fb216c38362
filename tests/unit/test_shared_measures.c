/* SPDX-License-Identifier: ISC */
/* LINK: src/base/refused.o src/base/shared.o src/base/shared_measures.o src/base/shared_places.o */
/* Measures in the shared memory: buckets, what processes tell, and what reading costs. */
#include "base/shared_measures.h"
#include "base/shared_places.h"
#include "base/shared_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define WRITERS 3

struct memory {
	struct shared *shared;
	int shared_fd;
};

static int
set_up(void **test)
{
	static struct memory memory;

	assert_int_equal(shared_create(&memory.shared, &memory.shared_fd, 20000, WRITERS), 0);
	*test = &memory;
	return 0;
}

static int
tear_down(void **test)
{
	struct memory *memory = *test;

	(void)shared_free(memory->shared);
	(void)close(memory->shared_fd);
	return 0;
}

static uint64_t
count_in(const struct shared *shared, enum histogram histogram, unsigned int bucket)
{
	struct histogram_counts counts;

	shared_read_histogram(shared, 1, histogram, &counts);
	return counts.buckets[bucket];
}

static void
what_took_as_long_as_a_bound_says_is_below_it_and_a_microsecond_more_is_not(void **test)
{
	const struct memory *memory = *test;

	for (unsigned int kind = 0; kind < HISTOGRAM_COUNT; kind++) {
		enum histogram histogram = (enum histogram)kind;
		struct histogram_shape shape = histogram_shape(histogram);

		for (unsigned int i = 0; i < shape.bounds; i++) {
			int64_t bound = (int64_t)(shape.first_us << (i * shape.shift));

			shared_observe(memory->shared, 1, 1, histogram, bound);
			assert_int_equal(count_in(memory->shared, histogram, i), i > 0 ? 2 : 1);
			shared_observe(memory->shared, 1, 2, histogram, bound + 1);
			assert_int_equal(count_in(memory->shared, histogram, i), i > 0 ? 2 : 1);
			assert_int_equal(count_in(memory->shared, histogram, i + 1), 1);
		}
	}
}

static void
what_took_longer_than_all_bounds_is_in_the_last_bucket(void **test)
{
	const struct memory *memory = *test;
	const enum histogram histogram = HISTOGRAM_connection_duration_seconds;
	struct histogram_shape shape = histogram_shape(histogram);
	struct histogram_counts counts;

	shared_observe(memory->shared, 1, 0, histogram, INT64_MAX);
	shared_observe(memory->shared, 1, 0, histogram, 0);
	shared_observe(memory->shared, 1, 0, histogram, -5); /* a clock that a gate lied about */
	shared_observe(memory->shared, 1, 0, histogram, INT64_MIN);
	shared_read_histogram(memory->shared, 1, histogram, &counts);
	assert_int_equal(counts.buckets[shape.bounds], 1);
	assert_int_equal(counts.buckets[0], 3);
	assert_int_equal(counts.sum_us, INT64_MAX);
}

static void
histograms_of_services_and_of_writers_are_kept_apart_and_added_up(void **test)
{
	const struct memory *memory = *test;
	struct histogram_counts counts;

	for (uint32_t writer = 0; writer < WRITERS; writer++)
		shared_observe(memory->shared, 1, writer, HISTOGRAM_accept_to_handler_seconds,
			100 + writer);
	shared_add(memory->shared, 2, 1, METRIC_connections, 5);
	shared_read_histogram(memory->shared, 1, HISTOGRAM_accept_to_handler_seconds, &counts);
	assert_int_equal(counts.buckets[3], WRITERS);
	assert_int_equal(counts.sum_us, 303);
	shared_read_histogram(memory->shared, 1, HISTOGRAM_connection_duration_seconds, &counts);
	assert_int_equal(counts.sum_us, 0);
	shared_read_histogram(memory->shared, 2, HISTOGRAM_accept_to_handler_seconds, &counts);
	assert_int_equal(counts.sum_us, 0);
	shared_name_row(memory->shared, 1, "another");
	shared_read_histogram(memory->shared, 1, HISTOGRAM_accept_to_handler_seconds, &counts);
	assert_int_equal(counts.buckets[3], 0);
	assert_int_equal(counts.sum_us, 0);
}

static void
each_process_tells_its_own_values(void **test)
{
	const struct memory *memory = *test;
	char release[SHARED_RELEASE_MAX];

	shared_tell(memory->shared, 1, PROCESS_gate_descriptors, 7);
	shared_tell(memory->shared, 1, PROCESS_gate_descriptors, 5);
	shared_tell_more(memory->shared, SHARED_SUPERVISOR, PROCESS_reloads, 1);
	shared_tell_more(memory->shared, SHARED_SUPERVISOR, PROCESS_reloads, 1);
	assert_int_equal(shared_told(memory->shared, 1, PROCESS_gate_descriptors), 5);
	assert_int_equal(shared_told(memory->shared, 2, PROCESS_gate_descriptors), 0);
	assert_int_equal(shared_told(memory->shared, 0, PROCESS_reloads), 2);
	shared_release_of(memory->shared, release);
	assert_string_equal(release, REEVE_VERSION);
}

static uint64_t
count_refused(const struct memory *memory, uint32_t writer)
{
	uint64_t count = 0;

	for (size_t i = 0; i < REFUSED_ROWS; i++) {
		struct refused_row row;

		if (refused_read(shared_refused(memory->shared, writer), i, &row))
			count += row.count;
	}
	return count;
}

static void
whom_each_gate_refused_is_kept_apart_and_forgotten_with_the_gate(void **test)
{
	const struct netaddr source = { .family = AF_UNIX };
	const struct memory *memory = *test;

	for (uint32_t writer = 1; writer < WRITERS; writer++) {
		struct refused_table *table = shared_refused(memory->shared, writer);

		assert_int_equal((uintptr_t)table % _Alignof(struct refused_table), 0);
		for (uint32_t i = 0; i < writer; i++)
			refused_note(table, &source, 0);
	}
	for (uint32_t writer = 0; writer < WRITERS; writer++)
		assert_int_equal(count_refused(memory, writer), writer);
	shared_forget_writer(memory->shared, 1);
	assert_int_equal(count_refused(memory, 1), 0);
	assert_int_equal(count_refused(memory, 2), 2);
}

static void
a_row_says_which_of_a_name_it_is_and_how_many_it_may_hold(void **test)
{
	const struct memory *memory = *test;
	struct shared_facts facts;

	assert_false(shared_row_facts(memory->shared, 3, &facts));
	shared_name_row(memory->shared, 3, "echo");
	assert_true(shared_row_facts(memory->shared, 3, &facts));
	assert_string_equal(facts.name, "echo");
	assert_int_equal(facts.number, 1);
	assert_false(facts.is_used);
	shared_describe_row(memory->shared, 3, 2, 1000);
	shared_add(memory->shared, 3, 1, METRIC_waits, 1);
	assert_true(shared_row_facts(memory->shared, 3, &facts));
	assert_int_equal(facts.number, 2);
	assert_int_equal(facts.places, 1000);
	assert_true(facts.is_used);
	shared_name_row(memory->shared, 3, "chat");
	assert_true(shared_row_facts(memory->shared, 3, &facts));
	assert_int_equal(facts.places, 0);
	assert_false(facts.is_used);
}

static off_t
memory_used(const struct memory *memory)
{
	struct stat status;

	assert_int_equal(fstat(memory->shared_fd, &status), 0);
	return status.st_blocks * 512;
}

/* A page that is read is as real as one that is written. */
static void
looking_at_services_that_nobody_uses_makes_no_pages(void **test)
{
	const struct memory *memory = *test;
	struct histogram_counts counts;
	uint64_t seen = 0;
	off_t before;

	for (uint32_t row = 0; row < 10000; row++)
		shared_name_row(memory->shared, row, "service");
	shared_forget_writer(memory->shared, 1); /* looks at all rows */
	before = memory_used(memory);
	for (uint32_t row = 0; row < 10000; row++) {
		for (unsigned int metric = 0; metric < METRIC_COUNT; metric++)
			seen += shared_read(memory->shared, row, (enum metric)metric);
		shared_read_histogram(memory->shared, row, HISTOGRAM_connection_duration_seconds,
			&counts);
		seen += (uint64_t)shared_active(memory->shared, row) + counts.sum_us;
		seen += shared_ceiling(memory->shared, row) != SHARED_NO_CEILING;
	}
	shared_forget_writer(memory->shared, 1);
	assert_int_equal(seen, 0);
	assert_int_equal(memory_used(memory), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			what_took_as_long_as_a_bound_says_is_below_it_and_a_microsecond_more_is_not,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_took_longer_than_all_bounds_is_in_the_last_bucket, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			histograms_of_services_and_of_writers_are_kept_apart_and_added_up, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(each_process_tells_its_own_values, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			whom_each_gate_refused_is_kept_apart_and_forgotten_with_the_gate, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_row_says_which_of_a_name_it_is_and_how_many_it_may_hold, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(looking_at_services_that_nobody_uses_makes_no_pages,
			set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
