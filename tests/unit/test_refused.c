/* SPDX-License-Identifier: ISC */
/* LINK: src/base/netaddr.o src/base/refused.o -lpthread */
/* The sources that are refused most, beside a model that counts all of them; and what others read
 * while the table changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/refused.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#define SOURCES 4096
#define REFUSALS 50000
#define TURNS 50000

/* All three families, and prefixes that differ by length or scope alone. */
static uint32_t
source_of(uint32_t number, struct netaddr *ret_source)
{
	*ret_source = (struct netaddr){ .family = AF_UNIX };
	if (number == 0)
		return 0;
	if (number % 2 != 0) {
		ret_source->family = AF_INET;
		ret_source->ip.v4.s_addr = htonl(number / 4 << 8);
		return number % 4 == 1 ? 24 : 32;
	}
	ret_source->family = AF_INET6;
	ret_source->scope = number / 2 % 2;
	ret_source->ip.v6.s6_addr[0] = 0x20;
	memcpy(&ret_source->ip.v6.s6_addr[number % 4 == 0 ? 4 : 12], &number, sizeof(number));
	return 128;
}

static void
note(struct refused_table *table, uint32_t number)
{
	struct netaddr source;
	uint32_t length = source_of(number, &source);

	refused_note(table, &source, length);
}

static bool
find(const struct refused_table *table, uint32_t number, struct refused_row *ret_row)
{
	struct netaddr source;
	uint32_t length = source_of(number, &source);

	for (size_t i = 0; i < REFUSED_ROWS; i++)
		if (refused_read(table, i, ret_row) && ret_row->length == length &&
			netaddr_equal(&ret_row->source, &source))
			return true;
	return false;
}

static size_t
count_rows(const struct refused_table *table)
{
	struct refused_row row;
	size_t count = 0;

	for (size_t i = 0; i < REFUSED_ROWS; i++)
		count += refused_read(table, i, &row);
	return count;
}

static uint32_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

static void
assert_as_in_model(const struct refused_table *table, const uint64_t *model, uint64_t total)
{
	size_t found = 0;

	for (uint32_t i = 0; i < SOURCES; i++) {
		struct refused_row row;

		if (!find(table, i, &row)) {
			assert_true(model[i] <= total / REFUSED_ROWS);
			continue;
		}
		found++;
		assert_true(row.count >= model[i]);
		assert_true(row.count - row.error <= model[i]);
		assert_true(row.error <= total / REFUSED_ROWS);
	}
	assert_int_equal(found, count_rows(table)); /* nobody is in it twice */
}

/* From all the same number of times to few of them nearly always. */
static void
often_refused_sources_are_found_and_counted_within_their_errors(void **state)
{
	static const uint32_t choices[] = { 1, 2, 3, 5, 8 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct refused_table table = { .least = 0 };
		uint64_t *model = test_calloc(SOURCES, sizeof(*model));
		uint64_t seed = i;

		for (uint64_t total = 1; total <= REFUSALS; total++) {
			uint32_t number = SOURCES;

			for (uint32_t choice = 0; choice < choices[i]; choice++)
				number = next_random(&seed) % (number > 0 ? number : 1);
			model[number]++;
			note(&table, number);
			if (total % (REFUSALS / 10) == 0)
				assert_as_in_model(&table, model, total);
		}
		test_free(model);
	}
}

static void
a_few_sources_are_counted_exactly(void **state)
{
	struct refused_table table = { .least = 0 };
	struct refused_row row;

	(void)state;
	assert_int_equal(count_rows(&table), 0);
	for (uint32_t i = 0; i < REFUSED_ROWS; i++)
		for (uint32_t times = 0; times <= i; times++)
			note(&table, i);
	for (uint32_t i = 0; i < REFUSED_ROWS; i++) {
		assert_true(find(&table, i, &row));
		assert_int_equal(row.count, i + 1);
		assert_int_equal(row.error, 0);
	}
}

static void
what_is_forgotten_begins_anew(void **state)
{
	struct refused_table table = { .least = 0 };
	struct refused_row row;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++)
		note(&table, i);
	refused_forget(&table);
	assert_int_equal(count_rows(&table), 0);
	/* Nor does it matter that 15 was the least. */
	for (uint32_t i = 1; i <= 30; i++) {
		note(&table, 1);
		note(&table, 1000 + i);
	}
	assert_int_equal(count_rows(&table), 31);
	assert_true(find(&table, 1, &row));
	assert_int_equal(row.count, 30);
	assert_int_equal(row.error, 0);
}

static void
a_writer_that_lies_or_is_killed_harms_nobody(void **state)
{
	struct refused_table table = { .least = 0 };
	struct refused_row row;

	(void)state;
	note(&table, 1);
	table.changes[0] = table.changes[1] = 1; /* killed within */
	assert_false(refused_read(&table, 0, &row));
	assert_false(refused_read(&table, 1, &row));
	refused_forget(&table);
	note(&table, 1);
	note(&table, 2);
	assert_int_equal(count_rows(&table), 2);
	memset(&table, 0xff, sizeof(table));
	assert_int_equal(count_rows(&table), 0);
	for (size_t i = 0; i < REFUSED_ROWS; i++)
		table.changes[i] = 0;
	assert_int_equal(count_rows(&table), 0);
	note(&table, 3);
	refused_forget(&table);
	note(&table, 1);
	assert_int_equal(count_rows(&table), 1);
	for (size_t i = 0; i < REFUSED_ROWS; i++)
		table.counts[i] = INT64_MAX; /* two of them could not be summed up */
	assert_int_equal(count_rows(&table), 0);
}

/* ---------------------------------------------------------------- readers beside */

struct beside {
	struct refused_table table;
	_Atomic bool is_done;
};

/* All that is told of a source follows from its first four bytes. */
static uint32_t
striped(uint32_t number, struct netaddr *ret_source)
{
	*ret_source = (struct netaddr){ .family = AF_INET6, .scope = number };
	for (size_t i = 0; i < 4; i++)
		memcpy(&ret_source->ip.v6.s6_addr[4 * i], &number, sizeof(number));
	return number % 129;
}

static void *
write_beside(void *argument)
{
	struct beside *beside = argument;

	for (uint32_t i = 0; i < TURNS; i++) {
		struct netaddr source;
		uint32_t length = striped(i * UINT32_C(2654435761), &source);

		refused_note(&beside->table, &source, length);
	}
	atomic_store(&beside->is_done, true);
	return NULL;
}

static void
who_reads_while_rows_change_sees_no_row_of_two_sources(void **state)
{
	static struct beside beside;
	pthread_t writer;
	bool is_last;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_beside, &beside), 0);
	do {
		is_last = atomic_load(&beside.is_done);
		for (size_t i = 0; i < REFUSED_ROWS; i++) {
			struct refused_row row;
			struct netaddr source;

			if (!refused_read(&beside.table, i, &row))
				continue;
			assert_int_equal(row.length, striped(row.source.scope, &source));
			assert_true(netaddr_equal(&row.source, &source));
			assert_int_equal(row.count, row.error + 1); /* each comes once */
		}
	} while (!is_last);
	assert_int_equal(pthread_join(writer, NULL), 0);
	assert_int_equal(count_rows(&beside.table), REFUSED_ROWS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(often_refused_sources_are_found_and_counted_within_their_errors),
		cmocka_unit_test(a_few_sources_are_counted_exactly),
		cmocka_unit_test(what_is_forgotten_begins_anew),
		cmocka_unit_test(a_writer_that_lies_or_is_killed_harms_nobody),
		cmocka_unit_test(who_reads_while_rows_change_sees_no_row_of_two_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
