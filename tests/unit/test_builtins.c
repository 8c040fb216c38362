/* SPDX-License-Identifier: ISC */
/* LINK: services/echo.o services/discard.o services/chargen.o services/daytime.o services/time.o
 * tests/unit/fake_gate.o tests/unit/fake_client.o
 * WRAP: localtime_r */
/* The small services whose answer depends on nothing but the question and the clock. */
#include "tests/unit/fake_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define RING 95
#define LINE 74
#define PERIOD (RING * LINE)

struct tm *__wrap_localtime_r(const time_t *when, struct tm *ret_local);
struct tm *__real_localtime_r(const time_t *when, struct tm *ret_local);

static int localtime_calls;

struct tm *
__wrap_localtime_r(const time_t *when, struct tm *ret_local)
{
	localtime_calls++;
	return __real_localtime_r(when, ret_local);
}

static void
set_zone(const char *zone)
{
	assert_int_equal(setenv("TZ", zone, 1), 0);
	tzset();
}

static const struct fake_datagram *
ask(struct builtin *builtin, const char *question, size_t length)
{
	struct datagram_peer peer = fake_peer(1);

	fake_gate_forget_datagrams(builtin);
	fake_gate_datagram(builtin, &peer, question, length);
	return fake_gate_last_to(builtin, &peer);
}

static const char *
ask_stream(struct builtin *builtin)
{
	return fake_conn_text(fake_gate_connect(builtin));
}

static void
services_carry_the_names_of_their_rows(void **state)
{
	(void)state;
	assert_string_equal(echo_ops.name, "echo");
	assert_string_equal(discard_ops.name, "discard");
	assert_string_equal(chargen_ops.name, "chargen");
	assert_string_equal(daytime_ops.name, "daytime");
	assert_string_equal(time_ops.name, "time");
}

/* --- echo */

static void
echo_sends_back_what_arrives_and_ends_after_the_client(void **state)
{
	struct builtin *builtin = fake_gate_new(&echo_ops, NULL);
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	fake_conn_send(conn, "one");
	fake_conn_send(conn, " two");
	assert_string_equal(fake_conn_text(conn), "one two");
	assert_false(conn->is_closed);
	fake_conn_end(conn);
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_CLIENT_CLOSED);
	fake_gate_free(builtin);
}

static void
echo_owes_a_client_that_does_not_read_all_that_it_sent(void **state)
{
	struct builtin *builtin = fake_gate_new(&echo_ops, NULL);
	struct conn *conn = fake_gate_connect(builtin);
	char *sent = calloc(1, 200001);

	(void)state;
	assert_non_null(sent);
	for (size_t i = 0; i < 200000; i++)
		sent[i] = (char)('a' + i % 26);
	fake_conn_stop_reading(conn);
	fake_conn_send(conn, sent);
	fake_conn_end(conn);
	assert_true(conn->held.length <= FAKE_OUTPUT_MAX);
	fake_conn_read_again(conn);
	assert_string_equal(fake_conn_text(conn), sent);
	free(sent);
	fake_gate_free(builtin);
}

static void
echo_answers_a_datagram_with_itself_and_at_no_cost(void **state)
{
	struct builtin *builtin = fake_gate_new(&echo_ops, NULL);
	char *question = malloc(65507);
	const struct fake_datagram *answer;

	(void)state;
	assert_non_null(question);
	memset(question, 0xc3, 65507);
	builtin->reply_budget = 0;
	answer = ask(builtin, question, 65507);
	assert_non_null(answer);
	assert_int_equal(answer->length, 65507);
	assert_memory_equal(answer->bytes, question, 65507);
	free(question);
	fake_gate_free(builtin);
}

static void
echo_answers_an_empty_datagram_with_an_empty_one(void **state)
{
	struct builtin *builtin = fake_gate_new(&echo_ops, NULL);
	const struct fake_datagram *answer = ask(builtin, "", 0);

	(void)state;
	assert_non_null(answer);
	assert_int_equal(answer->length, 0);
	fake_gate_free(builtin);
}

/* --- discard */

static void
discard_says_nothing_and_ends_after_the_client(void **state)
{
	struct builtin *builtin = fake_gate_new(&discard_ops, NULL);
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	fake_conn_send(conn, "anything at all");
	assert_int_equal(conn->input.length, 0);
	assert_string_equal(fake_conn_text(conn), "");
	assert_false(conn->is_closed);
	fake_conn_end(conn);
	assert_true(conn->is_closed);
	fake_gate_free(builtin);
}

static void
discard_does_not_answer_a_datagram(void **state)
{
	struct builtin *builtin = fake_gate_new(&discard_ops, NULL);

	(void)state;
	assert_null(ask(builtin, "anything", 8));
	fake_gate_free(builtin);
}

/* --- chargen */

/* That `text` is the pattern of RFC 864 from its line `first` on. */
static void
assert_pattern(const char *text, size_t length, size_t first)
{
	for (size_t i = 0; i < length; i++) {
		size_t line = first + i / LINE;
		size_t column = i % LINE;
		char wanted = (char)(' ' + (line + column) % RING);

		if (column >= 72)
			wanted = column == 72 ? '\r' : '\n';
		if (text[i] != wanted)
			fail_msg("byte %zu is %d instead of %d", i, text[i], wanted);
	}
}

static void
chargen_sends_the_rotating_pattern_without_a_seam(void **state)
{
	struct builtin *builtin = fake_gate_new(&chargen_ops, NULL);
	struct conn *conn = fake_gate_connect(builtin);
	size_t length;

	(void)state;
	assert_non_null(conn->block);
	length = conn->block_length + 3 * PERIOD + 17;
	fake_conn_take(conn, length);
	assert_pattern(fake_conn_text(conn), length, 0);
	fake_gate_free(builtin);
}

static void
chargen_repeats_a_block_that_is_long_enough_for_large_writes(void **state)
{
	struct builtin *builtin = fake_gate_new(&chargen_ops, NULL);
	struct conn *first = fake_gate_connect(builtin);
	struct conn *second = fake_gate_connect(builtin);

	(void)state;
	assert_true(first->block_length >= 200000);
	assert_ptr_equal(first->block, second->block); /* one for all clients */
	fake_gate_free(builtin);
}

static void
chargen_answers_each_datagram_with_the_next_line(void **state)
{
	struct builtin *builtin = fake_gate_new(&chargen_ops, NULL);

	(void)state;
	builtin->reply_budget = SIZE_MAX / 2;
	for (size_t line = 0; line < 2 * RING + 3; line++) {
		const struct fake_datagram *answer = ask(builtin, "\n", 1);

		assert_non_null(answer);
		assert_int_equal(answer->length, LINE);
		assert_pattern(answer->bytes, LINE, line);
	}
	fake_gate_free(builtin);
}

static void
chargen_sends_several_lines_only_as_the_question_pays_for_them(void **state)
{
	struct builtin *builtin = fake_gate_new(&chargen_ops, NULL);
	char question[2000] = { 0 };
	uint32_t lengths_seen = 0;

	(void)state;
	builtin->reply_budget = 0;
	for (size_t length = LINE; length <= sizeof(question); length++) {
		const struct fake_datagram *answer = ask(builtin, question, length);

		assert_non_null(answer);
		assert_true(answer->length <= length && answer->length <= 512);
		assert_int_equal(answer->length % LINE, 0);
		if (length >= 512)
			lengths_seen |= 1U << answer->length / LINE;
	}
	assert_int_equal(lengths_seen, 0x7e); /* one to six lines, by chance */
	fake_gate_free(builtin);
}

/* --- daytime */

static void
daytime_says_the_date_in_one_line_and_ends(void **state)
{
	struct builtin *builtin = fake_gate_new(&daytime_ops, NULL);
	struct conn *conn;

	(void)state;
	set_zone("UTC0");
	builtin->realtime = 1699056187;
	conn = fake_gate_connect(builtin);
	assert_string_equal(fake_conn_text(conn), "Sat Nov  4 00:03:07 2023\r\n");
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_SERVED);
	fake_gate_free(builtin);
}

static void
daytime_is_the_host_s_local_time(void **state)
{
	struct builtin *builtin = fake_gate_new(&daytime_ops, NULL);

	(void)state;
	set_zone("XYZ-5:30");
	builtin->realtime = 1700000000;
	assert_string_equal(ask_stream(builtin), "Wed Nov 15 03:43:20 2023\r\n");
	set_zone("UTC0");
	fake_gate_free(builtin);
}

static void
daytime_says_the_same_by_datagram(void **state)
{
	struct builtin *builtin = fake_gate_new(&daytime_ops, NULL);
	const struct fake_datagram *answer;

	(void)state;
	set_zone("UTC0");
	builtin->realtime = 1700000000;
	answer = ask(builtin, "", 0);
	assert_non_null(answer);
	assert_string_equal(answer->bytes, "Tue Nov 14 22:13:20 2023\r\n");
	fake_gate_free(builtin);
}

static void
daytime_formats_its_line_at_most_once_a_second(void **state)
{
	struct builtin *builtin = fake_gate_new(&daytime_ops, NULL);

	(void)state;
	set_zone("UTC0");
	builtin->realtime = 1700000000;
	localtime_calls = 0;
	for (int i = 0; i < 10; i++) {
		(void)ask_stream(builtin);
		(void)ask(builtin, "\n", 1);
	}
	assert_int_equal(localtime_calls, 1);
	builtin->realtime++;
	assert_string_equal(ask_stream(builtin), "Tue Nov 14 22:13:21 2023\r\n");
	builtin->realtime -= 60; /* somebody set the clock back */
	assert_string_equal(ask_stream(builtin), "Tue Nov 14 22:12:21 2023\r\n");
	assert_int_equal(localtime_calls, 3);
	fake_gate_free(builtin);
}

/* --- time */

static void
assert_time(int64_t realtime, const char *wanted)
{
	struct builtin *builtin = fake_gate_new(&time_ops, NULL);
	const struct fake_datagram *answer;
	struct conn *conn;

	builtin->realtime = realtime;
	conn = fake_gate_connect(builtin);
	assert_int_equal(conn->received.length, 4);
	assert_memory_equal(conn->received.bytes, wanted, 4);
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_SERVED);
	answer = ask(builtin, "", 0);
	assert_non_null(answer);
	assert_int_equal(answer->length, 4);
	assert_memory_equal(answer->bytes, wanted, 4);
	fake_gate_free(builtin);
}

static void
time_counts_seconds_since_1900_highest_byte_first(void **state)
{
	(void)state;
	assert_time(0, "\x83\xaa\x7e\x80");         /* 2,208,988,800, and */
	assert_time(420595200, "\x9c\xbc\x44\x80"); /* 2,629,584,000: both as RFC 868 says */
}

static void
time_wraps_to_zero_in_2036(void **state)
{
	(void)state;
	assert_time(2085978495, "\xff\xff\xff\xff");
	assert_time(2085978496, "\0\0\0\0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(services_carry_the_names_of_their_rows),
		cmocka_unit_test(echo_sends_back_what_arrives_and_ends_after_the_client),
		cmocka_unit_test(echo_owes_a_client_that_does_not_read_all_that_it_sent),
		cmocka_unit_test(echo_answers_a_datagram_with_itself_and_at_no_cost),
		cmocka_unit_test(echo_answers_an_empty_datagram_with_an_empty_one),
		cmocka_unit_test(discard_says_nothing_and_ends_after_the_client),
		cmocka_unit_test(discard_does_not_answer_a_datagram),
		cmocka_unit_test(chargen_sends_the_rotating_pattern_without_a_seam),
		cmocka_unit_test(chargen_repeats_a_block_that_is_long_enough_for_large_writes),
		cmocka_unit_test(chargen_answers_each_datagram_with_the_next_line),
		cmocka_unit_test(chargen_sends_several_lines_only_as_the_question_pays_for_them),
		cmocka_unit_test(daytime_says_the_date_in_one_line_and_ends),
		cmocka_unit_test(daytime_is_the_host_s_local_time),
		cmocka_unit_test(daytime_says_the_same_by_datagram),
		cmocka_unit_test(daytime_formats_its_line_at_most_once_a_second),
		cmocka_unit_test(time_counts_seconds_since_1900_highest_byte_first),
		cmocka_unit_test(time_wraps_to_zero_in_2036),
	};

	return cmocka_run_group_tests_name("builtins", tests, NULL, NULL);
}
