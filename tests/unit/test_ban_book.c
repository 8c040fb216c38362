/* SPDX-License-Identifier: ISC */
/* The book of bans: its bound, who stays in it, and its lines, strictly read. */
/* LINK: src/model/ban_book.o src/model/ban_text.o src/model/ban.o src/model/client_source.o
 * src/model/rate.o src/base/shared_sources.o src/base/siphash.o src/base/netaddr.o
 * src/base/textbuf.o src/base/utf8.o src/base/verdict.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/ban_book.h"
#include "model/ban_text.h"

#include <stdio.h>
#include <string.h>

#define LIMIT 8
#define NOW 1000000
#define WALL INT64_C(1795000000) /* 2026-11-18T11:06:40Z */

/* The tests' own key: what it is does not matter to the book. */
static uint64_t
key_of(uint32_t number)
{
	return number % 4;
}

static struct ban
ban_of(uint32_t number, msec until, enum verdict verdict)
{
	struct ban ban = { .source = { .address.family = AF_INET, .length = 32 },
		.service = "echo",
		.number = 7,
		.until = until,
		.span = 1000,
		.verdict = verdict };

	ban.source.address.ip.v4.s_addr = number;
	return ban;
}

static struct ban *
add(struct ban_book *book, uint32_t number, msec until, enum verdict verdict)
{
	const struct ban like = ban_of(number, until, verdict);
	struct ban *dropped;
	struct ban *ban = ban_book_add(book, key_of(number), &like, &dropped);

	(void)ban_free(dropped);
	return ban;
}

static struct ban *
find(const struct ban_book *book, uint32_t number)
{
	const struct ban like = ban_of(number, 0, VERDICT_ADMIT);

	return ban_book_find(book, key_of(number), &like);
}

static void
those_that_stand_in_a_full_book_stay(void **state)
{
	struct ban_book *book = ban_book_new(LIMIT);

	(void)state;
	for (uint32_t i = 0; i < LIMIT; i++)
		assert_non_null(add(book, i, NOW + i, VERDICT_refuse_sensor));
	for (uint32_t i = LIMIT; i < 100000; i++)
		assert_null(add(book, i, NOW + 100, VERDICT_refuse_sensor));
	assert_int_equal(ban_book_count(book), LIMIT);
	for (uint32_t i = 0; i < LIMIT; i++)
		assert_non_null(find(book, i));
	(void)ban_book_free(book);
}

static void
a_ban_by_hand_takes_the_place_of_the_one_that_ends_first(void **state)
{
	struct ban_book *book = ban_book_new(LIMIT);

	(void)state;
	for (uint32_t i = 0; i < LIMIT; i++)
		(void)add(book, i, NOW + 100 - i, VERDICT_refuse_sensor);
	assert_non_null(add(book, 77, NOW + 1, VERDICT_ADMIT));
	assert_null(find(book, LIMIT - 1));
	for (uint32_t i = 100; i < 100 + LIMIT - 1; i++)
		assert_non_null(add(book, i, NOW + 1, VERDICT_ADMIT));
	assert_null(add(book, 200, NOW + 1, VERDICT_ADMIT)); /* all are made by hand now */
	assert_non_null(find(book, 77));
	(void)ban_book_free(book);
}

static void
a_ban_that_is_made_again_gets_the_later_end(void **state)
{
	struct ban_book *book = ban_book_new(LIMIT);
	struct ban *ban = add(book, 1, NOW + 10, VERDICT_refuse_sensor);

	(void)state;
	ban->is_exported = true;
	assert_ptr_equal(add(book, 1, NOW + 5, VERDICT_refuse_sensor), ban);
	assert_int_equal(ban->until, NOW + 10);
	assert_true(ban->is_exported);
	assert_ptr_equal(add(book, 1, NOW + 20, VERDICT_refuse_access), ban);
	assert_int_equal(ban->until, NOW + 20);
	assert_false(ban->is_exported);
	assert_int_equal(ban_book_count(book), 1);
	(void)ban_book_free(book);
}

/* Against a plain array, by a fixed row of chance. */
static void
the_book_holds_what_was_added_and_not_taken(void **state)
{
	struct ban_book *book = ban_book_new(64);
	bool is_there[128] = { false };
	uint32_t seed = 1;
	size_t count = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		uint32_t number = (seed = seed * 1103515245 + 12345) >> 16 & 127;
		struct ban *ban = find(book, number);

		assert_int_equal(ban != NULL, is_there[number]);
		if (ban != NULL) {
			(void)ban_free(ban_book_take(book, ban));
			count--;
		} else if (add(book, number, NOW, VERDICT_refuse_ban) != NULL)
			count++;
		is_there[number] = find(book, number) != NULL;
		assert_int_equal(ban_book_count(book), count);
		for (size_t i = 0; i < count; i++)
			assert_int_equal(ban_book_at(book, i)->place, i);
	}
	(void)ban_book_free(book);
}

/* ---------------------------------------------------------------- text */

static void
a_line_is_read_as_it_was_written(void **state)
{
	static const char *const lines[] = {
		"2026-11-18T12:06:40Z 3600 192.0.2.7/32 =all sensor\n",
		"2026-11-18T12:06:40Z 7200 2001:db8::/48 chat source-rate\n",
		"2026-11-18T11:06:41Z 1 user:1000 admin hand\n",
		"2027-01-01T00:00:00Z 31536000 0.0.0.0/0 =all hand\n",
		"2026-11-18T12:06:40Z 3600 fe80::%7/64 echo access\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct textbuf again = TEXTBUF_INIT(BAN_LINE_MAX);
		char line[BAN_LINE_MAX];
		struct ban ban;

		(void)snprintf(line, sizeof(line), "%s", lines[i]);
		line[strcspn(line, "\n")] = '\0';
		assert_null(ban_read(&ban, line, NOW, WALL));
		ban_write(&ban, NOW, WALL, &again);
		assert_string_equal(again.text, lines[i]);
		textbuf_fini(&again);
	}
}

static void
a_clock_that_was_set_makes_no_ban_longer_than_it_was(void **state)
{
	char line[] = "2026-11-18T12:06:40Z 3600 192.0.2.7/32 =all sensor";
	char copy[sizeof(line)];
	struct ban ban;

	(void)state;
	memcpy(copy, line, sizeof(line));
	assert_null(ban_read(&ban, copy, NOW, 0));
	assert_int_equal(ban.until, NOW + 3600 * 1000);
	memcpy(copy, line, sizeof(line));
	assert_null(ban_read(&ban, copy, NOW, WALL + 3599));
	assert_int_equal(ban.until, NOW + 1000);
	assert_null(ban_read(&ban, line, NOW, WALL + 4000));
	assert_true(ban.until < NOW);
}

static void
what_is_not_quite_a_line_is_no_ban(void **state)
{
	static const char *const lines[] = {
		"",
		" ",
		"2026-11-18T12:06:40Z",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/32 =all",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/32 =all sensor ",
		"2026-11-18T12:06:40Z  3600 192.0.2.7/32 =all sensor",
		" 2026-11-18T12:06:40Z 3600 192.0.2.7/32 =all sensor",
		"2026-11-18T12:06:40 3600 192.0.2.7/32 =all sensor",
		"2026-11-18 12:06:40Z 3600 192.0.2.7/32 =all sensor",
		"2026-02-30T14:06:40Z 3600 192.0.2.7/32 =all sensor",
		"2026-11-18T12:06:40ZZ 3600 192.0.2.7/32 =all sensor",
		"99999-11-18T12:06:40Z 3600 192.0.2.7/32 =all sensor",
		"1969-11-18T12:06:40Z 3600 192.0.2.7/32 =all sensor",
		"2026-11-18T12:06:40Z 0 192.0.2.7/32 =all sensor",
		"2026-11-18T12:06:40Z -1 192.0.2.7/32 =all sensor",
		"2026-11-18T12:06:40Z 03600 192.0.2.7/32 =all sensor",
		"2026-11-18T12:06:40Z 99999999 192.0.2.7/32 =all sensor",
		"2026-11-18T12:06:40Z 99999999999999999999 192.0.2.7/32 =all sensor",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/24 =all sensor",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/33 =all sensor",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/ =all sensor",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/+32 =all sensor",
		"2026-11-18T12:06:40Z 3600 2001:db8::/129 =all sensor",
		"2026-11-18T12:06:40Z 3600 localhost/32 =all sensor",
		"2026-11-18T12:06:40Z 3600 user: =all sensor",
		"2026-11-18T12:06:40Z 3600 user:4294967295 =all sensor",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/32 =some sensor",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/32 a/b sensor",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/32 a\033[1m sensor",
		"2026-11-18T12:06:40Z 3600 192.0.2.7/32 =all Sensor",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char line[BAN_LINE_MAX];
		struct ban ban;

		(void)snprintf(line, sizeof(line), "%s", lines[i]);
		if (!ban_read(&ban, line, NOW, WALL))
			fail_msg("read as a ban: %s", lines[i]);
	}
}

static void
an_address_without_length_is_what_a_ban_from_all_takes_for_one_source(void **state)
{
	struct ban_source source;
	char text[BAN_SOURCE_TEXT_MAX];

	(void)state;
	assert_null(ban_source_read(&source, "192.0.2.7"));
	assert_string_equal(ban_source_write(&source, text), "192.0.2.7/32");
	assert_null(ban_source_read(&source, "2001:db8::7"));
	assert_string_equal(ban_source_write(&source, text), "2001:db8::/64");
	assert_null(ban_source_read(&source, "::ffff:192.0.2.7"));
	assert_string_equal(ban_source_write(&source, text), "192.0.2.7/32");
	assert_null(ban_source_read(&source, "::/0"));
	assert_string_equal(ban_source_write(&source, text), "::/0");
}

static bool
holds(const char *outer_text, const char *inner_text)
{
	struct ban_source outer, inner;

	assert_null(ban_source_read(&outer, outer_text));
	assert_null(ban_source_read(&inner, inner_text));
	return ban_source_holds(&outer, &inner);
}

static void
a_network_holds_what_lies_in_it(void **state)
{
	(void)state;
	assert_true(holds("10.0.0.0/8", "10.1.2.3"));
	assert_true(holds("10.1.2.3", "10.1.2.3/32"));
	assert_true(holds("0.0.0.0/0", "10.0.0.0/8"));
	assert_true(holds("2001:db8::/32", "2001:db8:1::/48"));
	assert_true(holds("user:7", "user:7"));
	assert_false(holds("10.1.2.3", "10.0.0.0/8"));
	assert_false(holds("11.0.0.0/8", "10.1.2.3"));
	assert_false(holds("0.0.0.0/0", "::/0"));
	assert_false(holds("user:7", "user:8"));
	assert_false(holds("0.0.0.0/0", "user:8"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_that_stand_in_a_full_book_stay),
		cmocka_unit_test(a_ban_by_hand_takes_the_place_of_the_one_that_ends_first),
		cmocka_unit_test(a_ban_that_is_made_again_gets_the_later_end),
		cmocka_unit_test(the_book_holds_what_was_added_and_not_taken),
		cmocka_unit_test(a_line_is_read_as_it_was_written),
		cmocka_unit_test(a_clock_that_was_set_makes_no_ban_longer_than_it_was),
		cmocka_unit_test(what_is_not_quite_a_line_is_no_ban),
		cmocka_unit_test(
			an_address_without_length_is_what_a_ban_from_all_takes_for_one_source),
		cmocka_unit_test(a_network_holds_what_lies_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
