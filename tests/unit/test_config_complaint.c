/* SPDX-License-Identifier: ISC */
/* The list of mistakes. */
/* LINK: src/config/complaint.o src/base/textbuf.o src/base/utf8.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/complaint.h"

#include <stdio.h>
#include <string.h>

static struct source
source_of(const char *text)
{
	return (struct source){ .name = "file", .text = text, .length = strlen(text), .order = 1 };
}

static void
assert_shown(const struct complaint_list *list, const char *wanted)
{
	struct textbuf shown = TEXTBUF_INIT(1 << 20);

	complaint_list_show(list, &shown);
	assert_int_equal(textbuf_error(&shown), 0);
	assert_string_equal(shown.text, wanted);
	textbuf_fini(&shown);
}

/* What one complaint at that place looks like. */
static void
assert_looks(const char *text, uint32_t line, uint32_t column, uint32_t length, const char *wanted)
{
	struct complaint_list *list = complaint_list_new();
	struct source source = source_of(text);
	struct where where = { &source, line, column, length };

	assert_non_null(list);
	complain(list, &where, NULL, "wrong");
	assert_shown(list, wanted);
	assert_null(complaint_list_free(list));
}

static void
a_complaint_shows_place_key_text_line_and_caret(void **state)
{
	struct complaint_list *list = complaint_list_new();
	struct source source = source_of("first\n\tinstances = 0;\n");
	struct where where = { &source, 2, 2, 9 };

	(void)state;
	complain(list, &where, "service.echo.instances", "%d is outside 1..%d", 0, 10);
	assert_shown(list,
		"file:2:2: service.echo.instances: 0 is outside 1..10\n"
		"    2 | \tinstances = 0;\n"
		"      | \t^^^^^^^^^\n");
	assert_string_equal(complaint_message(list, 0),
		"file:2:2: service.echo.instances: 0 is outside 1..10");
	assert_null(complaint_message(list, 1));
	(void)complaint_list_free(list);
}

static void
a_complaint_comes_in_pieces_as_it_was_noted(void **state)
{
	struct complaint_list *list = complaint_list_new();
	struct source source = source_of("x\n");
	struct where where = { &source, 1, 1, 1 };
	struct complaint_pieces pieces;

	(void)state;
	assert_false(complaint_pieces(list, 0, &pieces));
	complain(list, &where, "key", "\x01 is wrong");
	complain(list, NULL, NULL, "the host");
	assert_true(complaint_pieces(list, 0, &pieces));
	assert_null(pieces.file);
	assert_null(pieces.key);
	assert_int_equal(pieces.line, 0);
	assert_string_equal(pieces.text, "the host");
	assert_true(complaint_pieces(list, 1, &pieces));
	assert_string_equal(pieces.file, "file");
	assert_int_equal(pieces.line, 1);
	assert_int_equal(pieces.column, 1);
	assert_string_equal(pieces.key, "key");
	assert_string_equal(pieces.text, "\x01 is wrong");
	assert_false(complaint_pieces(list, 2, &pieces));
	(void)complaint_list_free(list);
}

static void
the_caret_stands_under_the_culprit_behind_wide_and_unprintable_bytes(void **state)
{
	(void)state;
	assert_looks("\xc3\xa9 x", 1, 4, 1, "file:1:4: wrong\n    1 | \xc3\xa9 x\n      |   ^\n");
	assert_looks("\x01 x", 1, 3, 1, "file:1:3: wrong\n    1 | \\x01 x\n      |      ^\n");
	assert_looks("a\xff", 1, 2, 1, "file:1:2: wrong\n    1 | a\\xff\n      |  ^^^^\n");
	assert_looks("a\t\tx\r\n", 1, 4, 1, "file:1:4: wrong\n    1 | a\t\tx\n      |  \t\t^\n");
}

static void
a_place_behind_the_line_is_marked_at_its_end(void **state)
{
	(void)state;
	assert_looks("ab\n", 1, 3, 1, "file:1:3: wrong\n    1 | ab\n      |   ^\n");
	assert_looks("", 1, 1, 1, "file:1:1: wrong\n    1 | \n      | ^\n");
	assert_looks("ab\n", 7, 1, 1, "file:7:1: wrong\n");
}

static void
a_place_without_column_or_line_shows_what_it_has(void **state)
{
	(void)state;
	assert_looks("ab\ncd\n", 2, 0, 0, "file:2: wrong\n    2 | cd\n");
	assert_looks("ab\n", 0, 0, 0, "file: wrong\n");
}

static void
a_long_line_is_shown_around_the_column(void **state)
{
	struct textbuf shown = TEXTBUF_INIT(1 << 20);
	struct complaint_list *list = complaint_list_new();
	char *text = calloc(1, 10001);
	struct source source;
	struct where where = { &source, 1, 5001, 4 };
	const char *caret;

	(void)state;
	assert_non_null(text);
	memset(text, 'a', 10000);
	memcpy(text + 5000, "BADS", 4);
	source = source_of(text);
	complain(list, &where, NULL, "wrong");
	complaint_list_show(list, &shown);
	assert_true(shown.length < 400);
	assert_non_null(strstr(shown.text, "| ...a"));
	assert_non_null(strstr(shown.text, "a...\n"));
	caret = strstr(shown.text, "^^^^");
	assert_non_null(caret);
	/* As far from the start of its line as the culprit from the start of the line above. */
	assert_int_equal(caret - strstr(shown.text, "\n      | ") - 1,
		strstr(shown.text, "BADS") - strstr(shown.text, "    1 | "));
	textbuf_fini(&shown);
	free(text);
	(void)complaint_list_free(list);
}

static void
complaints_are_in_the_order_of_files_lines_and_columns(void **state)
{
	struct complaint_list *list = complaint_list_new();
	struct source second = { "b", "x\ny\n", 4, NULL, 2 }, first = { "a", "x\ny\n", 4, NULL, 1 };
	const struct where places[] = { { &second, 1, 1, 1 }, { &first, 2, 1, 1 },
		{ &first, 1, 2, 1 }, { &first, 1, 1, 1 }, { &first, 1, 1, 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		complain(list, &places[i], NULL, "%zu", i);
	complain(list, NULL, NULL, "nowhere");
	assert_string_equal(complaint_message(list, 0), "nowhere");
	assert_string_equal(complaint_message(list, 1), "a:1:1: 3");
	assert_string_equal(complaint_message(list, 2), "a:1:1: 4");
	assert_string_equal(complaint_message(list, 3), "a:1:2: 2");
	assert_string_equal(complaint_message(list, 4), "a:2:1: 1");
	assert_string_equal(complaint_message(list, 5), "b:1:1: 0");
	(void)complaint_list_free(list);
}

static void
a_list_outlives_the_files_it_quotes(void **state)
{
	struct complaint_list *list = complaint_list_new();
	char *text = strdup("gone\n");
	struct source source = source_of(text);
	struct where where = { &source, 1, 1, 4 };

	(void)state;
	complain(list, &where, NULL, "wrong");
	free(text);
	assert_shown(list, "file:1:1: wrong\n    1 | gone\n      | ^^^^\n");
	(void)complaint_list_free(list);
}

static void
beyond_a_thousand_complaints_only_the_number_grows(void **state)
{
	struct complaint_list *list = complaint_list_new();
	struct textbuf shown = TEXTBUF_INIT(1 << 20);

	(void)state;
	for (size_t i = 0; i < 1234; i++)
		complain(list, NULL, NULL, "number %zu", i);
	assert_int_equal(complaint_count(list), 1234);
	assert_null(complaint_message(list, 1000));
	complaint_list_show(list, &shown);
	assert_non_null(strstr(shown.text, "and 234 more\n"));
	textbuf_fini(&shown);
	(void)complaint_list_free(list);
}

static void
what_was_said_of_a_place_is_not_said_again(void **state)
{
	struct complaint_list *list = complaint_list_new();
	struct source source = { "file", "one\ntwo\n", 8, NULL, 1 };
	struct where first = { &source, 1, 1, 3 }, second = { &source, 2, 1, 3 };

	(void)state;
	complain(list, &second, "key", "wrong");
	complain(list, &first, "key", "wrong");
	complain(list, &first, "key", "bad");
	for (size_t i = 0; i < 3; i++) {
		complain(list, &first, "key", "wrong");
		complain(list, &second, "key", "wrong");
	}
	assert_int_equal(complaint_count(list), 3);
	assert_string_equal(complaint_message(list, 0), "file:1:1: key: wrong");
	assert_string_equal(complaint_message(list, 1), "file:1:1: key: bad");
	assert_string_equal(complaint_message(list, 2), "file:2:1: key: wrong");
	(void)complaint_list_free(list);
}

static void
bytes_that_steer_a_terminal_are_escaped_in_names_keys_and_texts(void **state)
{
	struct complaint_list *list = complaint_list_new();
	struct source source = { "a\x1b[1m", "x", 1, NULL, 1 };
	struct where where = { &source, 0, 0, 0 };

	(void)state;
	complain(list, &where, "k\x07", "t\x1b%s", "\xff");
	assert_string_equal(complaint_message(list, 0), "a\\x1b[1m: k\\x07: t\\x1b\\xff");
	(void)complaint_list_free(list);
}

static void
the_nearest_word_is_one_that_was_mistyped(void **state)
{
	static const char *const words[] = { "instances", "tcp", "udp", "idle", "echo", NULL };
	static const struct {
		const char *typed;
		const char *wanted;
	} rows[] = {
		{ "instancs", "instances" },
		{ "Instances", "instances" },
		{ "insntaces", "instances" },
		{ "tpc", "tcp" },
		{ "tcpp", "tcp" },
		{ "idel", "idle" },
		{ "ehco", "echo" },
		{ "gopher", NULL },
		{ "on", NULL },
		{ "", NULL },
		{ "instancesinstancesinstancesinstances", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *found = complaint_nearest(rows[i].typed, words);

		if (rows[i].wanted == NULL)
			assert_null(found);
		else
			assert_string_equal(found, rows[i].wanted);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_complaint_shows_place_key_text_line_and_caret),
		cmocka_unit_test(a_complaint_comes_in_pieces_as_it_was_noted),
		cmocka_unit_test(
			the_caret_stands_under_the_culprit_behind_wide_and_unprintable_bytes),
		cmocka_unit_test(a_place_behind_the_line_is_marked_at_its_end),
		cmocka_unit_test(a_place_without_column_or_line_shows_what_it_has),
		cmocka_unit_test(a_long_line_is_shown_around_the_column),
		cmocka_unit_test(complaints_are_in_the_order_of_files_lines_and_columns),
		cmocka_unit_test(a_list_outlives_the_files_it_quotes),
		cmocka_unit_test(beyond_a_thousand_complaints_only_the_number_grows),
		cmocka_unit_test(what_was_said_of_a_place_is_not_said_again),
		cmocka_unit_test(bytes_that_steer_a_terminal_are_escaped_in_names_keys_and_texts),
		cmocka_unit_test(the_nearest_word_is_one_that_was_mistyped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
