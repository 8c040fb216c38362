/* SPDX-License-Identifier: ISC */
/* LINK: src/base/siphash.o services/chat_name.o src/base/name.o services/chat_table.o
 * services/chat_text.o src/base/textbuf.o src/base/utf8.o */
/* Chat's ground: text of strangers, names, the hash and the table. */
#include "base/siphash.h"
#include "services/chat_name.h"
#include "services/chat_table.h"
#include "services/chat_text.h"

#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
names_fold_case_in_latin_greek_cyrillic_and_armenian(void **state)
{
	static const char *const pairs[][2] = {
		{ "Ann.9-_", "aNN.9-_" },
		{ "\xc3\x84\xc3\x96\xc3\x9e", "\xc3\xa4\xc3\xb6\xc3\xbe" }, /* Latin-1 */
		{ "\xc5\xbb\xc5\xb9\xc5\x81\xc5\xb8",
			"\xc5\xbc\xc5\xba\xc5\x82\xc3\xbf" }, /* ZZLY */
		{ "\xce\xa3\xce\x9f\xce\xa6\xce\x9f\xce\xa3",
			"\xcf\x83\xce\xbf\xcf\x86\xce\xbf\xcf\x82" },
		{ "\xd0\x98\xd0\x92\xd0\x90\xd0\x9d\xd0\x81",
			"\xd0\xb8\xd0\xb2\xd0\xb0\xd0\xbd\xd1\x91" },
		{ "\xd4\xb1", "\xd5\xa1" }, { "\xe1\xba\xa4", "\xe1\xba\xa5" }, /* Vietnamese */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (!chat_name_equal(pairs[i][0], pairs[i][1]))
			fail_msg("pair %zu", i);
	assert_false(chat_name_equal("ann", "anna"));
	assert_false(chat_name_equal("\xc3\x97", "\xc3\xb7")); /* times, divided by */
}

static void
names_are_one_word_of_letters_of_one_script(void **state)
{
	static const char *const good[] = { "ann", "_x_", "7of9", "j.r-r", "\xc3\x84nne",
		"\xd0\x98\xd0\xb2\xd0\xb0\xd0\xbd", "\xe5\xbc\xa0\xe4\xbc\x9f",
		"\xd9\x85\xd8\xb1\xd9\x8a\xd9\x85", "abcdefghijklmnopqrstuvwx" };
	static const char *const bad[] = { "", "a b", "-x", ".x", "_", "a<b", "a*", "a|b", "[x]",
		"z\xc2\xa0z", "\xe2\x80\xa6", "\xf0\x9f\x98\x80", "a\xcc\x88", "\xef\xbf\xbd",
		"\xef\xbc\xa1", "\xd0\xb0nn", "ann\xff", "abcdefghijklmnopqrstuvwxy", "a/b",
		"x\xc5\x9f\xe3\x80\x9f" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (name_mistake(good[i], NAME_USER_POINTS))
			fail_msg("%s: %s", good[i], name_mistake(good[i], NAME_USER_POINTS));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (!name_mistake(bad[i], NAME_USER_POINTS))
			fail_msg("%zu: \"%s\"", i, bad[i]);
}

static void
cleaning_never_tears_a_code_point(void **state)
{
	static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80";
	char to[sizeof(text)];

	(void)state;
	for (size_t max = 0; max < sizeof(text); max++) {
		struct chat_cleaned cleaned = chat_text_clean(text, strlen(text), false, to, max);

		assert_true(cleaned.length <= max);
		assert_true(cleaned.length == 0 || cleaned.length == 1 || cleaned.length == 3 ||
			cleaned.length == 6 || cleaned.length == 10);
		assert_int_equal(cleaned.was_cut, max < strlen(text));
		assert_false(cleaned.was_invalid);
		assert_int_equal(chat_text_cut(text, strlen(text), max), cleaned.length);
	}
}

static void
half_a_code_point_at_a_cut_is_no_mistake_of_its_writer(void **state)
{
	static const char *const halves[] = { "x\xc3", "x\xe2\x82", "x\xe0", "x\xed",
		"x\xf0\x9f\x98", "x\xf0", "x\xf4" };
	char to[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(halves); i++) {
		struct chat_cleaned cleaned =
			chat_text_clean(halves[i], strlen(halves[i]), true, to, sizeof(to) - 1);

		assert_string_equal(to, "x");
		assert_false(cleaned.was_invalid);
		cleaned = chat_text_clean(halves[i], strlen(halves[i]), false, to, sizeof(to) - 1);
		assert_true(cleaned.was_invalid);
	}
	assert_true(chat_text_clean("x\xff", 2, true, to, sizeof(to) - 1).was_invalid);
}

static void
reserved_words_are_so_in_any_case(void **state)
{
	(void)state;
	assert_true(chat_name_is_reserved("Server"));
	assert_true(chat_name_is_reserved("ADMIN"));
	assert_false(chat_name_is_reserved("servers"));
}

static void
ages_are_short(void **state)
{
	char age[CHAT_AGE_BYTES];

	(void)state;
	assert_string_equal(chat_text_age(0, age), "0s");
	assert_string_equal(chat_text_age(59999, age), "59s");
	assert_string_equal(chat_text_age(60000, age), "1m");
	assert_string_equal(chat_text_age(3600000, age), "1h");
	assert_string_equal(chat_text_age(172800000, age), "2d");
}

__attribute__((format(printf, 2, 3))) static void
add_notice(struct textbuf *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	chat_text_add_notice(text, format, arguments);
	va_end(arguments);
}

static void
long_notice_is_cut_at_a_code_point(void **state)
{
	struct textbuf text = TEXTBUF_INIT(4096);
	char words[2001] = "x";

	(void)state;
	for (size_t i = 1; i + 2 < sizeof(words); i += 2)
		memcpy(words + i, "\xc3\xbc", 3);
	add_notice(&text, "%s", words);
	assert_int_equal(textbuf_error(&text), 0);
	assert_int_equal(utf8_check(text.text, text.length), text.length);
	assert_int_equal(text.length, strlen("*** \r\n") + 999);
	textbuf_fini(&text);
}

static void
hash_is_siphash(void **state)
{
	/* The example of the paper's appendix A. */
	struct siphash_key key = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	unsigned char bytes[15];

	(void)state;
	for (unsigned char i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	assert_int_equal(siphash(&key, bytes, sizeof(bytes)), 0xa129ca6149be45e5);
}

static void
table_finds_all_it_holds_and_nothing_else(void **state)
{
	struct chat_link links[1000];
	struct chat_table table;

	(void)state;
	assert_int_equal(chat_table_init(&table), 0);
	for (uint64_t i = 0; i < ARRAY_SIZE(links); i++) {
		links[i].hash = i / 2 * 64; /* pairs of one hash, and few chains */
		chat_table_add(&table, &links[i]);
	}
	for (uint64_t i = 0; i < ARRAY_SIZE(links); i += 2) {
		struct chat_link *first = chat_table_first(&table, links[i].hash);
		struct chat_link *second = chat_table_next(first);

		assert_true((first == &links[i] && second == &links[i + 1]) ||
			(first == &links[i + 1] && second == &links[i]));
		assert_null(chat_table_next(second));
		chat_table_remove(&table, &links[i]);
		assert_ptr_equal(chat_table_first(&table, links[i].hash), &links[i + 1]);
		chat_table_remove(&table, &links[i + 1]);
		assert_null(chat_table_first(&table, links[i].hash));
	}
	assert_int_equal(table.count, 0);
	chat_table_fini(&table);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_fold_case_in_latin_greek_cyrillic_and_armenian),
		cmocka_unit_test(names_are_one_word_of_letters_of_one_script),
		cmocka_unit_test(cleaning_never_tears_a_code_point),
		cmocka_unit_test(half_a_code_point_at_a_cut_is_no_mistake_of_its_writer),
		cmocka_unit_test(reserved_words_are_so_in_any_case),
		cmocka_unit_test(ages_are_short),
		cmocka_unit_test(long_notice_is_cut_at_a_code_point),
		cmocka_unit_test(hash_is_siphash),
		cmocka_unit_test(table_finds_all_it_holds_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
