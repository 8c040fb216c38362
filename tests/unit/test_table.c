/* SPDX-License-Identifier: ISC */
/* Tables that fit a terminal, and the same rows as JSON. */
/* LINK: src/control/output.o src/control/table.o src/base/textbuf.o src/base/utf8.o -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "control/table.h"

#include <locale.h>
#include <string.h>

static const struct table_column columns[] = {
	{ .title = "NAME", .key = "name" },
	{ .title = "ADDRESS", .key = "address", .rank = 1 },
	{ .title = "N", .key = "count", .rank = 2, .is_right = true },
	{ .title = "NOTE", .key = "note", .rank = 3 },
};

static struct table *
make_table(const char *name)
{
	struct table *table = table_new(columns, ARRAY_SIZE(columns));

	assert_non_null(table);
	table_add_text(table, name);
	table_add_text(table, "192.0.2.1:12345");
	table_add_number(table, 42);
	table_add_text(table, "a note of great length");
	table_add_text(table, "b");
	table_add_text(table, NULL);
	table_add_number(table, 100000);
	table_add_text(table, "");
	return table;
}

/* What is printed for a terminal of that width; free it. */
static char *
print(struct output output, const char *name)
{
	struct table *table = make_table(name);
	char *text = NULL;
	size_t length = 0;

	output.file = open_memstream(&text, &length);
	assert_int_equal(table_print(table, &output, NULL), 0);
	(void)fclose(output.file);
	(void)table_free(table);
	return text;
}

static void
check(struct output output, const char *name, const char *wanted)
{
	auto_free char *text = print(output, name);

	assert_string_equal(text, wanted);
}

static void
without_a_width_nothing_is_cut(void **state)
{
	(void)state;
	check((struct output){ .is_utf8 = true }, "a",
		"NAME  ADDRESS               N  NOTE\n"
		"a     192.0.2.1:12345      42  a note of great length\n"
		"b     -                100000\n");
}

static void
the_least_important_text_is_cut_first(void **state)
{
	(void)state;
	check((struct output){ .is_utf8 = true, .columns = 45 }, "a",
		"NAME  ADDRESS               N  NOTE\n"
		"a     192.0.2.1:12345      42  a note of gre\u2026\n"
		"b     -                100000\n");
	check((struct output){ .columns = 45 }, "a",
		"NAME  ADDRESS               N  NOTE\n"
		"a     192.0.2.1:12345      42  a note of gre~\n"
		"b     -                100000\n");
}

static void
columns_are_left_out_when_cutting_is_not_enough(void **state)
{
	(void)state;
	check((struct output){ .is_utf8 = true, .columns = 26 }, "a",
		"NAME  ADDRESS            N\n"
		"a     192.0.2.1:1\u2026      42\n"
		"b     -             100000\n");
	check((struct output){ .is_utf8 = true, .columns = 18 }, "a",
		"NAME  ADDRESS\n"
		"a     192.0.2.1:1\u2026\n"
		"b     -\n");
	check((struct output){ .is_utf8 = true, .columns = 5 }, "a very long name",
		"NAME\n"
		"a ve\u2026\n"
		"b\n");
}

static void
no_line_is_wider_than_the_terminal(void **state)
{
	(void)state;
	for (uint32_t width = 1; width < 90; width++) {
		auto_free char *text = print((struct output){ .is_utf8 = true, .columns = width },
			"\u65e5\u672c\u8a9e");
		char *rest = text;

		for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n"))
			assert_true(output_width(line) <= width);
	}
}

static void
wide_letters_take_two_places(void **state)
{
	(void)state;
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		skip();
	assert_int_equal(output_width("\u65e5\u672c"), 4);
	check((struct output){ .is_utf8 = true, .columns = 11 },
		"\u65e5\u672c\u8a9e\u65e5\u672c\u8a9e",
		"NAME\n"
		"\u65e5\u672c\u8a9e\u65e5\u672c\u2026\n"
		"b\n");
	(void)setlocale(LC_CTYPE, "C");
}

static void
texts_from_outside_are_harmless(void **state)
{
	(void)state;
	check((struct output){ .is_utf8 = true, .columns = 33 }, "\033[2J\u202e\n",
		"NAME                     ADDRESS\n"
		"\\x1b[2J\\xe2\\x80\\xae\\x0a  192.0.2\u2026\n"
		"b                        -\n");
	check((struct output){ .columns = 14 }, "\u00e9\xff\\",
		"NAME\n"
		"\\xc3\\xa9\\xff\\\\\n"
		"b\n");
}

static void
colours_are_for_who_has_them(void **state)
{
	struct output output = { .has_colour = true };
	struct textbuf buf = TEXTBUF_INIT(100);

	(void)state;
	output_add_tone(&output, &buf, TONE_BAD, "x");
	output_add_tone(&output, &buf, TONE_PLAIN, "y");
	output.has_colour = false;
	output_add_tone(&output, &buf, TONE_BAD, "z");
	assert_string_equal(buf.text, "\033[31mx\033[0myz");
	textbuf_fini(&buf);
}

static void
what_is_no_terminal_is_neither_cut_nor_coloured(void **state)
{
	struct output output;
	FILE *file = tmpfile();

	(void)state;
	assert_non_null(file);
	(void)unsetenv("COLUMNS");
	output_init(&output, file, false);
	assert_int_equal(output.columns, 0);
	assert_false(output.has_colour);
	assert_true(output.is_utf8);
	(void)setenv("COLUMNS", "33", 1);
	output_init(&output, file, false);
	assert_int_equal(output.columns, 33);
	(void)setenv("COLUMNS", "-1", 1);
	output_init(&output, file, false);
	assert_int_equal(output.columns, 0);
	(void)unsetenv("COLUMNS");
	(void)fclose(file);
}

static void
the_same_rows_are_json(void **state)
{
	struct table *table = make_table("\xff\033");
	json_t *rows = table_json(table);
	char *text = json_dumps(rows, JSON_COMPACT);

	(void)state;
	assert_string_equal(text,
		"[{\"name\":\"\\\\xff\\\\x1b\",\"address\":\"192.0.2.1:12345\",\"count\":42,"
		"\"note\":\"a note of great length\"},"
		"{\"name\":\"b\",\"address\":null,\"count\":100000,\"note\":\"\"}]");
	free(text);
	json_decref(rows);
	(void)table_free(table);
}

static void
a_full_disk_is_an_error(void **state)
{
	FILE *full = fopen("/dev/full", "w");
	struct output output = { .file = full };
	struct table *table = make_table("a");

	(void)state;
	assert_non_null(full);
	assert_true(table_print(table, &output, NULL) < 0);
	output.is_json = true;
	assert_true(table_print(table, &output, NULL) < 0);
	(void)fclose(full);
	(void)table_free(table);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_width_nothing_is_cut),
		cmocka_unit_test(the_least_important_text_is_cut_first),
		cmocka_unit_test(columns_are_left_out_when_cutting_is_not_enough),
		cmocka_unit_test(no_line_is_wider_than_the_terminal),
		cmocka_unit_test(wide_letters_take_two_places),
		cmocka_unit_test(texts_from_outside_are_harmless),
		cmocka_unit_test(colours_are_for_who_has_them),
		cmocka_unit_test(what_is_no_terminal_is_neither_cut_nor_coloured),
		cmocka_unit_test(the_same_rows_are_json),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
