/* SPDX-License-Identifier: ISC */
/* The last events of a process, as others read them. */
/* LINK: src/base/log_ring.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log_ring.h"

#include <stdio.h>
#include <string.h>

static struct log_ring *
make_ring(void)
{
	struct log_ring *ring = test_calloc(1, sizeof(*ring));

	assert_non_null(ring);
	return ring;
}

static void
add(struct log_ring *ring, unsigned number)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "event %u", number);
	log_ring_add(ring, LOG_LEVEL_INFO, text, strlen(text));
}

static void
assert_next(const struct log_ring *ring, uint64_t *position, unsigned number,
	uint64_t wanted_missed)
{
	struct log_record record;
	uint64_t missed = 0;
	char text[32];

	(void)snprintf(text, sizeof(text), "event %u", number);
	assert_true(log_ring_read(ring, position, &record, &missed));
	assert_int_equal(record.length, strlen(text));
	assert_memory_equal(record.text, text, record.length);
	assert_int_equal(record.level, LOG_LEVEL_INFO);
	assert_true(record.time_us > 0);
	assert_int_equal(missed, wanted_missed);
}

static void
assert_no_more(const struct log_ring *ring, uint64_t *position)
{
	struct log_record record;
	uint64_t missed = 0;

	assert_false(log_ring_read(ring, position, &record, &missed));
	assert_int_equal(missed, 0);
}

static void
events_are_read_in_their_order_by_each_reader_on_its_own(void **state)
{
	struct log_ring *ring = make_ring();
	uint64_t first = 0, second = 0;

	(void)state;
	assert_no_more(ring, &first);
	add(ring, 1);
	add(ring, 2);
	assert_next(ring, &first, 1, 0);
	assert_next(ring, &first, 2, 0);
	assert_no_more(ring, &first);
	assert_next(ring, &second, 1, 0);
	test_free(ring);
}

static void
who_reads_too_slowly_is_told_how_many_are_gone(void **state)
{
	struct log_ring *ring = make_ring();
	uint64_t position = 0;

	(void)state;
	for (unsigned i = 1; i <= LOG_RING_SLOTS + 10; i++)
		add(ring, i);
	assert_next(ring, &position, 11, 10);
	assert_next(ring, &position, 12, 0);
	test_free(ring);
}

static void
the_last_events_can_be_begun_with(void **state)
{
	struct log_ring *ring = make_ring();
	uint64_t position;

	(void)state;
	assert_int_equal(log_ring_position(ring, 5), 0);
	for (unsigned i = 1; i <= 600; i++)
		add(ring, i);
	position = log_ring_position(ring, 2);
	assert_next(ring, &position, 599, 0);
	assert_next(ring, &position, 600, 0);
	position = log_ring_position(ring, UINT64_MAX);
	assert_next(ring, &position, 600 - LOG_RING_SLOTS + 1, 0);
	test_free(ring);
}

static void
a_long_event_is_cut(void **state)
{
	struct log_ring *ring = make_ring();
	char text[LOG_RING_TEXT + 500];
	struct log_record record;
	uint64_t position = 0, missed = 0;

	(void)state;
	memset(text, 'x', sizeof(text));
	log_ring_add(ring, LOG_LEVEL_ERR, text, sizeof(text));
	assert_true(log_ring_read(ring, &position, &record, &missed));
	assert_int_equal(record.length, LOG_RING_TEXT);
	test_free(ring);
}

static void
a_writer_that_lies_harms_nobody(void **state)
{
	struct log_ring *ring = make_ring();
	struct log_record record;
	uint64_t position = 7, missed = 0;

	(void)state;
	add(ring, 1);
	/* Backwards: another process has begun anew. */
	assert_no_more(ring, &position);
	assert_int_equal(position, 1);
	add(ring, 2);
	ring->slots[2].length = UINT32_MAX;
	ring->slots[2].level = 4711;
	assert_true(log_ring_read(ring, &position, &record, &missed));
	assert_int_equal(record.length, LOG_RING_TEXT);
	assert_int_equal(record.level, LOG_LEVEL_ERR);
	/* Events that there are none of: they are missing, and reading ends. */
	ring->last = UINT64_MAX;
	missed = 0;
	assert_false(log_ring_read(ring, &position, &record, &missed));
	assert_int_equal(missed, UINT64_MAX - 2);
	test_free(ring);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_are_read_in_their_order_by_each_reader_on_its_own),
		cmocka_unit_test(who_reads_too_slowly_is_told_how_many_are_gone),
		cmocka_unit_test(the_last_events_can_be_begun_with),
		cmocka_unit_test(a_long_event_is_cut),
		cmocka_unit_test(a_writer_that_lies_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
