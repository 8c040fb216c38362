/* SPDX-License-Identifier: ISC */
/* LINK: services/qotd.o src/base/textbuf.o src/base/utf8.o tests/unit/fake_gate.o
 * tests/unit/fake_client.o */
/* qotd: what becomes of a file of quotations, for streams and for datagrams; and that the file
 * which is installed is fit for it. */
#include "tests/unit/fake_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CLIENTS 300 /* enough for chance to come to each of a few quotations */

static struct builtin *
start_with(const char *file, size_t length)
{
	struct builtin *builtin = fake_gate_new(&qotd_ops, NULL);

	builtin->file = file;
	builtin->file_length = length;
	fake_gate_retune(builtin);
	return builtin;
}

static const char *
ask_stream(struct builtin *builtin)
{
	const struct conn *conn = fake_gate_connect(builtin);

	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_SERVED);
	return fake_conn_text(conn);
}

static const struct fake_datagram *
ask_datagram(struct builtin *builtin)
{
	struct datagram_peer peer = fake_peer(1);

	fake_gate_forget_datagrams(builtin);
	builtin->reply_budget = SIZE_MAX / 2;
	fake_gate_datagram(builtin, &peer, "", 0);
	return fake_gate_last_to(builtin, &peer);
}

/* That a service with this file answers with that, by stream and by datagram. */
static void
assert_only_quote(const char *file, size_t length, const char *wanted)
{
	struct builtin *builtin = start_with(file, length);

	for (int i = 0; i < 20; i++) {
		const struct fake_datagram *answer = ask_datagram(builtin);

		assert_string_equal(ask_stream(builtin), wanted);
		assert_non_null(answer);
		assert_string_equal(answer->bytes, wanted);
	}
	fake_gate_free(builtin);
}

static void
qotd_without_a_file_has_three_quotations_of_its_own(void **state)
{
	struct builtin *builtin = fake_gate_new(&qotd_ops, NULL);
	const char *seen[3] = { "", "", "" };

	(void)state;
	assert_string_equal(qotd_ops.name, "qotd");
	for (int i = 0; i < CLIENTS; i++) {
		const char *text = ask_stream(builtin);
		const char *author = strstr(text, "\r\n\t-- ");

		assert_non_null(author);
		seen[author[6] == 'W' ? 0 : author[6] == 'I' ? 1 : 2] = text;
	}
	assert_non_null(strstr(seen[0], "William Shakespeare"));
	assert_non_null(strstr(seen[1], "Isaac Newton"));
	assert_non_null(strstr(seen[2], "Francis Bacon"));
	fake_gate_free(builtin);
}

static void
qotd_answers_with_each_text_of_the_file_and_no_other(void **state)
{
	static const char file[] = "w\n%\nx\n%\ny\n%\nz\n";
	struct builtin *builtin = start_with(file, strlen(file));
	int counts[4] = { 0 };

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		const char *text = ask_stream(builtin);

		assert_in_range(text[0], 'w', 'z');
		assert_string_equal(text + 1, "\r\n");
		counts[text[0] - 'w']++;
	}
	for (int i = 0; i < 4; i++)
		assert_true(counts[i] > CLIENTS / 10);
	fake_gate_free(builtin);
}

static void
qotd_ends_each_line_with_crlf(void **state)
{
	static const char unix_file[] = "one\ntwo\n\n  three";
	static const char dos_file[] = "%\r\none\r\ntwo\r\n\r\n  three\r\n%\r\n";
	static const char wanted[] = "one\r\ntwo\r\n\r\n  three\r\n";

	(void)state;
	assert_only_quote(unix_file, strlen(unix_file), wanted);
	assert_only_quote(dos_file, strlen(dos_file), wanted);
}

static void
qotd_parts_texts_only_at_a_line_that_is_a_percent_sign(void **state)
{
	static const char file[] = "%\n%\n\n50%\n%%\n% of\nall%\n% \t\n\n%\n \n%";

	(void)state;
	assert_only_quote(file, strlen(file), "50%\r\n%%\r\n% of\r\nall%\r\n");
}

static void
qotd_leaves_out_control_bytes_and_keeps_other_languages(void **state)
{
	static const char file[] = "\xc3\xa9t\xc3\xa9\033[2J\0 \a\x7f\tfin\n";

	(void)state;
	assert_only_quote(file, sizeof(file) - 1, "\xc3\xa9t\xc3\xa9[2J \tfin\r\n");
}

static void
qotd_with_a_file_that_holds_no_text_takes_its_own(void **state)
{
	static const char *const files[] = { "", "\n", "%\n%\n", "\n \n%\n\t\n%", "\n\033\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct builtin *builtin = start_with(files[i], strlen(files[i]));

		assert_non_null(strstr(ask_stream(builtin), "\t-- "));
		fake_gate_free(builtin);
	}
}

static void
qotd_takes_the_new_file_when_it_is_retuned(void **state)
{
	static const char before[] = "before\n";
	static const char after[] = "after\n";
	struct builtin *builtin = start_with(before, strlen(before));

	(void)state;
	assert_string_equal(ask_stream(builtin), "before\r\n");
	builtin->file = after;
	builtin->file_length = strlen(after);
	fake_gate_retune(builtin);
	assert_string_equal(ask_stream(builtin), "after\r\n");
	fake_gate_free(builtin);
}

static void
qotd_needs_the_file_s_bytes_only_while_it_reads_them(void **state)
{
	char file[] = "kept\n";
	struct builtin *builtin = start_with(file, strlen(file));

	(void)state;
	memset(file, 'x', sizeof(file));
	assert_string_equal(ask_stream(builtin), "kept\r\n");
	fake_gate_free(builtin);
}

/* --- long texts */

static void
qotd_cuts_a_long_text_at_a_word_for_datagrams_only(void **state)
{
	char file[1001] = "";
	struct builtin *builtin;
	const struct fake_datagram *answer;

	(void)state;
	for (size_t i = 0; i < 200; i++)
		memcpy(file + 5 * i, "word ", 6);
	builtin = start_with(file, strlen(file));
	assert_int_equal(strlen(ask_stream(builtin)), 999 + 2);
	answer = ask_datagram(builtin);
	assert_true(answer->length > 490 && answer->length < 512);
	assert_string_equal(answer->bytes + answer->length - 10, "word ...\r\n");
	fake_gate_free(builtin);
}

static void
qotd_does_not_cut_what_just_fits_a_datagram(void **state)
{
	char file[511] = "";
	struct builtin *builtin;

	(void)state;
	memset(file, 'x', 510);
	builtin = start_with(file, 509);
	assert_int_equal(ask_datagram(builtin)->length, 511);
	builtin->file_length = 510;
	fake_gate_retune(builtin);
	assert_int_equal(ask_datagram(builtin)->length, 511); /* 505, blank, dots, CR LF */
	assert_string_equal(ask_datagram(builtin)->bytes + 505, " ...\r\n");
	fake_gate_free(builtin);
}

static void
qotd_never_cuts_within_a_character(void **state)
{
	char file[1201] = "";

	(void)state;
	for (size_t skip = 0; skip < 3; skip++) {
		struct builtin *builtin;
		const struct fake_datagram *answer;

		memset(file, 'x', skip);
		for (size_t i = 0; i < 300; i++)
			memcpy(file + skip + 3 * i, "\xe2\x82\xac", 4);
		builtin = start_with(file, strlen(file));
		answer = ask_datagram(builtin);
		assert_true(answer->length > 500 && answer->length < 512);
		assert_memory_equal(answer->bytes + answer->length - 9, "\xe2\x82\xac ...\r\n", 9);
		fake_gate_free(builtin);
	}
}

static void
qotd_sends_a_huge_text_as_far_as_a_client_s_share_holds_it(void **state)
{
	size_t length = 200000;
	char *file = malloc(length);
	struct builtin *builtin;

	(void)state;
	assert_non_null(file);
	memset(file, 'y', length);
	builtin = start_with(file, length);
	assert_in_range(strlen(ask_stream(builtin)), 16000, FAKE_OUTPUT_MAX);
	free(file);
	fake_gate_free(builtin);
}

/* --- the file that is installed */

static size_t
read_installed(char *text, size_t room)
{
	FILE *file = fopen("etc/qotd", "re"); /* tests run in the project's folder */
	size_t length;

	assert_non_null(file);
	length = fread(text, 1, room, file);
	assert_true(length > 0 && length < room);
	(void)fclose(file);
	return length;
}

static void
installed_quotations_fit_a_datagram_and_name_their_author(void **state)
{
	char text[65536];
	size_t length = read_installed(text, sizeof(text) - 1);
	size_t count = 0;
	char *rest = text;

	(void)state;
	text[length] = '\0';
	while (rest) {
		char *quote = rest;
		char *border = strstr(quote, "\n%\n");
		size_t wire_length;

		rest = border ? border + strlen("\n%\n") : NULL;
		if (border)
			border[1] = '\0';
		wire_length = strlen(quote);
		for (const char *byte = quote; *byte; byte++) {
			assert_true(*byte == '\n' || *byte == '\t' ||
				(*byte >= ' ' && *byte <= '~'));
			wire_length += *byte == '\n';
		}
		assert_true(wire_length < 512);
		assert_non_null(strstr(quote, "\n\t-- "));
		count++;
	}
	assert_in_range(count, 30, 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qotd_without_a_file_has_three_quotations_of_its_own),
		cmocka_unit_test(qotd_answers_with_each_text_of_the_file_and_no_other),
		cmocka_unit_test(qotd_ends_each_line_with_crlf),
		cmocka_unit_test(qotd_parts_texts_only_at_a_line_that_is_a_percent_sign),
		cmocka_unit_test(qotd_leaves_out_control_bytes_and_keeps_other_languages),
		cmocka_unit_test(qotd_with_a_file_that_holds_no_text_takes_its_own),
		cmocka_unit_test(qotd_takes_the_new_file_when_it_is_retuned),
		cmocka_unit_test(qotd_needs_the_file_s_bytes_only_while_it_reads_them),
		cmocka_unit_test(qotd_cuts_a_long_text_at_a_word_for_datagrams_only),
		cmocka_unit_test(qotd_does_not_cut_what_just_fits_a_datagram),
		cmocka_unit_test(qotd_never_cuts_within_a_character),
		cmocka_unit_test(qotd_sends_a_huge_text_as_far_as_a_client_s_share_holds_it),
		cmocka_unit_test(installed_quotations_fit_a_datagram_and_name_their_author),
	};

	return cmocka_run_group_tests_name("qotd", tests, NULL, NULL);
}
