/* SPDX-License-Identifier: ISC */
/* LINK: src/base/textbuf.o src/base/utf8.o */
/* WRAP: realloc */
/* Growing texts: the bound, the remembered error, the escaping. */
#include "base/textbuf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static bool is_out_of_memory;

void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *
__wrap_realloc(void *memory, size_t size)
{
	return is_out_of_memory ? NULL : __real_realloc(memory, size);
}

static void
a_text_grows_piece_by_piece(void **test)
{
	struct textbuf buf = TEXTBUF_INIT(100000);

	(void)test;
	assert_null(buf.text);
	for (int i = 0; i < 1000; i++) {
		textbuf_add(&buf, "ab");
		textbuf_addf(&buf, "%d-%s", i % 10, "c");
		textbuf_add_bytes(&buf, "\0z", 2);
	}
	assert_int_equal(textbuf_error(&buf), 0);
	assert_int_equal(buf.length, 7000);
	assert_memory_equal(buf.text + 6993, "ab9-c\0z", 8);
	textbuf_fini(&buf);
	assert_null(buf.text);
}

static void
the_bound_is_exact_and_what_does_not_fit_leaves_the_text_as_it_was(void **test)
{
	struct textbuf buf = TEXTBUF_INIT(8);

	(void)test;
	textbuf_add(&buf, "1234567");
	textbuf_add(&buf, "8");
	assert_int_equal(textbuf_error(&buf), 0);
	textbuf_add(&buf, "9");
	assert_int_equal(textbuf_error(&buf), -ENOBUFS);
	assert_string_equal(buf.text, "12345678");
	textbuf_reset(&buf);
	assert_int_equal(textbuf_error(&buf), 0);
	assert_string_equal(buf.text, "");
	textbuf_addf(&buf, "%d", 123456789);
	assert_string_equal(buf.text, "");
	assert_int_equal(textbuf_error(&buf), -ENOBUFS);
	textbuf_fini(&buf);
}

static void
after_an_error_nothing_more_is_added_so_that_the_text_has_no_hole(void **test)
{
	struct textbuf buf = TEXTBUF_INIT(4);

	(void)test;
	textbuf_add(&buf, "ab");
	textbuf_add(&buf, "cdefg");
	textbuf_add(&buf, "h");
	textbuf_addf(&buf, "%c", 'i');
	textbuf_add_escaped(&buf, "j", 1);
	assert_string_equal(buf.text, "ab");
	assert_null(textbuf_take(&buf));
	assert_int_equal(textbuf_error(&buf), 0);
}

static void
escaping_that_hits_the_bound_adds_nothing_of_the_piece(void **test)
{
	struct textbuf buf = TEXTBUF_INIT(8);

	(void)test;
	textbuf_add(&buf, "ab");
	textbuf_add_escaped(&buf,
		"cd\x1b"
		"e",
		4);
	assert_int_equal(textbuf_error(&buf), -ENOBUFS);
	assert_string_equal(buf.text, "ab");
	textbuf_fini(&buf);
}

static void
lack_of_memory_is_remembered_and_the_text_kept(void **test)
{
	struct textbuf buf = TEXTBUF_INIT(100000);

	(void)test;
	is_out_of_memory = true;
	textbuf_add(&buf, "x");
	is_out_of_memory = false;
	assert_int_equal(textbuf_error(&buf), -ENOMEM);
	assert_null(buf.text);
	textbuf_reset(&buf);
	textbuf_add(&buf, "kept");
	is_out_of_memory = true;
	textbuf_addf(&buf, "%5000d", 1);
	is_out_of_memory = false;
	textbuf_add(&buf, "y");
	assert_int_equal(textbuf_error(&buf), -ENOMEM);
	assert_string_equal(buf.text, "kept");
	textbuf_fini(&buf);
}

static void
a_text_that_is_taken_is_the_callers_even_if_it_is_empty(void **test)
{
	struct textbuf buf = TEXTBUF_INIT(10);
	char *text;

	(void)test;
	textbuf_add(&buf, "mine");
	text = textbuf_take(&buf);
	assert_string_equal(text, "mine");
	free(text);
	assert_null(buf.text);
	assert_int_equal(buf.max, 10);
	text = textbuf_take(&buf);
	assert_string_equal(text, "");
	free(text);
}

static void
assert_escaped(const char *bytes, size_t length, const char *wanted)
{
	struct textbuf buf = TEXTBUF_INIT(1000);

	textbuf_add_escaped(&buf, bytes, length);
	textbuf_add(&buf, "");
	assert_int_equal(textbuf_error(&buf), 0);
	assert_string_equal(buf.text, wanted);
	textbuf_fini(&buf);
}

static void
what_prints_stays_and_everything_else_is_written_as_its_bytes(void **test)
{
	(void)test;
	assert_escaped("", 0, "");
	assert_escaped("plain text", 10, "plain text");
	assert_escaped("caf\xC3\xA9 \xE2\x82\xAC", 9, "caf\xC3\xA9 \xE2\x82\xAC");
	assert_escaped("a\\b", 3, "a\\\\b");
	assert_escaped("\x1b[31m\r\n\t\0\x7f", 9, "\\x1b[31m\\x0d\\x0a\\x09\\x00");
	assert_escaped("\x7f", 1, "\\x7f");
	assert_escaped("\xC2\x9B"
		       "0m",
		4, "\\xc2\\x9b0m");
	assert_escaped("\xE2\x80\xAE"
		       "x",
		4, "\\xe2\\x80\\xaex");
	assert_escaped("\xFF\xC3", 2, "\\xff\\xc3");
	assert_escaped("\xC0\xAF\xED\xA0\x80", 5, "\\xc0\\xaf\\xed\\xa0\\x80");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_grows_piece_by_piece),
		cmocka_unit_test(
			the_bound_is_exact_and_what_does_not_fit_leaves_the_text_as_it_was),
		cmocka_unit_test(after_an_error_nothing_more_is_added_so_that_the_text_has_no_hole),
		cmocka_unit_test(escaping_that_hits_the_bound_adds_nothing_of_the_piece),
		cmocka_unit_test(lack_of_memory_is_remembered_and_the_text_kept),
		cmocka_unit_test(a_text_that_is_taken_is_the_callers_even_if_it_is_empty),
		cmocka_unit_test(what_prints_stays_and_everything_else_is_written_as_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
