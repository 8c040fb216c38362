/* SPDX-License-Identifier: ISC */
/* From lines to words, and words written so that they are read back. */
/* LINK: src/config/words.o src/config/source.o src/config/arena.o src/config/map.o
 * src/config/complaint.o src/base/textbuf.o src/base/utf8.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/words.h"

#include <stdio.h>
#include <string.h>

#define LINE_MOST 200

struct fixture {
	struct arena *arena;
	struct complaint_list *complaints;
	struct sources sources;
	struct words words;
};

static void
begin(struct fixture *fixture, const char *text, size_t length)
{
	const struct source_file *file;

	fixture->arena = arena_new();
	fixture->complaints = complaint_list_new();
	assert_non_null(fixture->arena);
	assert_non_null(fixture->complaints);
	sources_init(&fixture->sources, fixture->arena, fixture->complaints);
	file = source_copy(&fixture->sources, "t", text, length, LINE_MOST);
	assert_non_null(file);
	words_init(&fixture->words, file);
}

static void
end(struct fixture *fixture)
{
	words_fini(&fixture->words);
	sources_fini(&fixture->sources);
	(void)complaint_list_free(fixture->complaints);
	(void)arena_free(fixture->arena);
}

/* All lines of a text: words in angle brackets with their places, lines ended by a semicolon. */
static void
assert_words(const char *text, const char *wanted)
{
	struct textbuf found = TEXTBUF_INIT(4096);
	struct fixture fixture;

	begin(&fixture, text, strlen(text));
	textbuf_add(&found, "");
	while (words_next(&fixture.words, fixture.complaints) > 0) {
		for (size_t i = 0; i < fixture.words.count; i++) {
			const struct word *word = &fixture.words.items[i];

			textbuf_addf(&found, "%u:%u<%s>", word->where.line, word->where.column,
				word->text);
		}
		textbuf_add(&found, ";");
	}
	assert_string_equal(found.text, wanted);
	textbuf_fini(&found);
	end(&fixture);
}

static void
blanks_part_words_and_words_know_their_place(void **state)
{
	(void)state;
	assert_words("a b\n\n  c\td \n", "1:1<a>1:3<b>;3:3<c>3:5<d>;");
	assert_words("no line feed", "1:1<no>1:4<line>1:9<feed>;");
	assert_words("", "");
	assert_words("\n \n\t\n", "");
}

static void
a_comment_begins_only_where_a_word_could(void **state)
{
	(void)state;
	assert_words("# all\na # rest\na#b '#' \"#c\" \\#d #e\n",
		"2:1<a>;3:1<a#b>3:5<#>3:9<#c>3:14<#d>;");
	assert_words("a # not continued \\\nb\n", "1:1<a>;2:1<b>;");
}

static void
quotes_and_backslashes_work_as_in_a_shell_word(void **state)
{
	(void)state;
	assert_words("'a b' \"c d\" e\\ f", "1:1<a b>1:7<c d>1:13<e f>;");
	assert_words("a'b'\"c\"d '' \"\"", "1:1<abcd>1:10<>1:13<>;");
	assert_words("'\\\"' \"\\\\ \\\" \\n '\" \\\\", "1:1<\\\">1:6<\\ \" \\n '>1:19<\\>;");
}

static void
a_backslash_at_the_end_continues_the_line(void **state)
{
	(void)state;
	assert_words("a \\\n b\nc\n", "1:1<a>2:2<b>;3:1<c>;");
	assert_words("ab\\\ncd e\n", "1:1<abcd>2:4<e>;");
	assert_words("\"a\\\nb\" c\n", "1:1<ab>2:4<c>;");
	assert_words("a \\\r\n b\r\nc\r\n", "1:1<a>2:2<b>;3:1<c>;");
}

static void
a_quote_that_is_not_closed_is_a_mistake_and_the_next_line_is_read(void **state)
{
	struct fixture fixture;
	const char *text = "a 'b\nc \"d\ne\nf \\";

	(void)state;
	begin(&fixture, text, strlen(text));
	assert_int_equal(words_next(&fixture.words, fixture.complaints), 1);
	assert_string_equal(fixture.words.items[0].text, "e");
	assert_int_equal(words_next(&fixture.words, fixture.complaints), 0);
	assert_int_equal(complaint_count(fixture.complaints), 3);
	assert_memory_equal(complaint_message(fixture.complaints, 0), "t:1:3: ", 7);
	assert_memory_equal(complaint_message(fixture.complaints, 1), "t:2:3: ", 7);
	assert_memory_equal(complaint_message(fixture.complaints, 2), "t:4:3: ", 7);
	end(&fixture);
}

static void
lines_that_are_no_text_or_too_long_are_told_and_left_out(void **state)
{
	char text[512] = "a\nb\0b\nc\xff\nd\x01\n";
	size_t length = 14;
	struct fixture fixture;

	(void)state;
	memset(text + length, 'x', LINE_MOST + 1);
	length += LINE_MOST + 1;
	text[length++] = '\n';
	text[length++] = 'e';
	begin(&fixture, text, length);
	assert_int_equal(complaint_count(fixture.complaints), 4);
	assert_memory_equal(complaint_message(fixture.complaints, 0), "t:2:2: ", 7);
	assert_memory_equal(complaint_message(fixture.complaints, 1), "t:3:2: ", 7);
	assert_memory_equal(complaint_message(fixture.complaints, 2), "t:4:2: ", 7);
	assert_memory_equal(complaint_message(fixture.complaints, 3), "t:5:201: ", 9);
	assert_int_equal(words_next(&fixture.words, fixture.complaints), 1);
	assert_string_equal(fixture.words.items[0].text, "a");
	assert_int_equal(words_next(&fixture.words, fixture.complaints), 1);
	assert_string_equal(fixture.words.items[0].text, "e");
	assert_int_equal(fixture.words.items[0].where.line, 6);
	end(&fixture);
}

static void
a_byte_order_mark_is_no_word(void **state)
{
	(void)state;
	assert_words("\xef\xbb\xbf"
		     "a b\n",
		"1:1<a>1:3<b>;");
}

static void
every_word_is_read_back_as_it_was_written(void **state)
{
	static const char *const words[] = { "plain", "", " ", "#", "#a", "a#", "\"", "\\", "'",
		"a b", "\\\\", "\"'\\\"", "\t", "\xc3\xa9", "$x", "a\\", "[::1]:7/tcp", "key=a b" };
	struct textbuf line = TEXTBUF_INIT(4096);
	struct fixture fixture;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		word_write(words[i], &line);
		textbuf_add(&line, " ");
	}
	assert_true(line.length < LINE_MOST);
	begin(&fixture, line.text, line.length);
	assert_int_equal(words_next(&fixture.words, fixture.complaints), 1);
	assert_int_equal(complaint_count(fixture.complaints), 0);
	assert_int_equal(fixture.words.count, ARRAY_SIZE(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		assert_string_equal(fixture.words.items[i].text, words[i]);
	textbuf_fini(&line);
	end(&fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blanks_part_words_and_words_know_their_place),
		cmocka_unit_test(a_comment_begins_only_where_a_word_could),
		cmocka_unit_test(quotes_and_backslashes_work_as_in_a_shell_word),
		cmocka_unit_test(a_backslash_at_the_end_continues_the_line),
		cmocka_unit_test(a_quote_that_is_not_closed_is_a_mistake_and_the_next_line_is_read),
		cmocka_unit_test(lines_that_are_no_text_or_too_long_are_told_and_left_out),
		cmocka_unit_test(a_byte_order_mark_is_no_word),
		cmocka_unit_test(every_word_is_read_back_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
