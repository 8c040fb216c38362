/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* Chat on streams: names and lines. */
#include "services/chat.h"
#include "tests/unit/chat_people.h"

static int
set_up(void **state)
{
	*state = fake_gate_new(&chat_ops, NULL);
	return 0;
}

static int
tear_down(void **state)
{
	fake_gate_free(*state);
	return 0;
}

/* --- names */

static void
newcomer_is_greeted_and_asked_for_a_name_with_a_default(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	assert_heard_only(conn,
		"*** Welcome to the chat. 0 users are here; /help lists the commands.\r\n"
		"Your name [guest1]: ");
}

static void
empty_line_takes_the_name_that_was_offered(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	fake_conn_forget(conn);
	fake_conn_send(conn, "\r\n");
	assert_heard_only(conn, "\r\n*** You are guest1.\r\n*** You are alone in lobby.\r\n");
}

static void
command_as_name_takes_the_default_and_runs(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	fake_conn_send(conn, "/rooms\n");
	assert_heard(conn, "*** You are guest1.\r\n");
	assert_heard(conn, "*** 1 room:\r\n***   lobby (1)\r\n");
}

static void
nick_as_answer_to_the_prompt_is_the_name(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	fake_conn_send(conn, "/nick ann\n");
	assert_heard(conn, "*** You are ann.\r\n");
	assert_not_heard(conn, "You are guest");
}

static void
quit_at_the_prompt_ends_it_and_nobody_hears_of_it(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *conn = fake_gate_connect(*state);

	fake_conn_send(conn, "/quit\n");
	assert_heard(conn, "]: \r\n*** Good bye.\r\n");
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_SERVED);
	assert_heard_only(ann, "");
}

static void
program_may_send_name_and_lines_at_once(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bot = fake_gate_connect(*state);

	fake_conn_send(bot, "bot\nhello\nworld\n");
	assert_heard_only(ann, "*** bot has joined\r\n<bot> hello\r\n<bot> world\r\n");
}

static void
every_answer_to_the_prompt_begins_a_line(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	fake_conn_send(conn, "\xff\xf6"); /* are you there? */
	assert_heard(conn, "Your name [guest1]: \r\n*** Yes, the chat is here.\r\n");
	fake_conn_send(conn, "\xe9\nann\n");
	assert_heard(conn,
		"\r\n*** That was not UTF-8; others see a mark in place of it.\r\n*** A name is");
	assert_heard(conn, "Your name [guest1]: \r\n*** You are ann.\r\n");
}

static void
names_are_unique_without_regard_to_case(void **state)
{
	struct conn *conn;

	(void)come_in(*state, "\xc3\x84nne"); /* Aenne with umlaut */
	conn = fake_gate_connect(*state);
	fake_conn_forget(conn);
	fake_conn_send(conn, "\xc3\xa4NNE\n");
	assert_heard_only(conn, "\r\n*** The name \xc3\x84nne is taken.\r\nYour name [guest2]: ");
	fake_conn_send(conn, "bob\n");
	assert_heard(conn, "*** You are bob.");
}

static void
bad_and_reserved_names_are_refused_with_the_reason(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	fake_conn_send(conn, "hello everyone\n");
	assert_heard(conn,
		"*** A name is one word of letters, digits and _ - . only.\r\nYour name [");
	fake_conn_send(conn, "Root\n");
	assert_heard(conn, "*** The name Root is reserved.\r\n");
	fake_conn_send(conn, "abcdefghijklmnopqrstuvwxy\n");
	assert_heard(conn, "*** A name has at most 24 characters.\r\n");
	assert_not_heard(conn, "*** You are");
}

static void
default_name_that_somebody_took_is_replaced_by_the_next(void **state)
{
	struct conn *first = fake_gate_connect(*state);

	(void)come_in(*state, "guest1");
	fake_conn_send(first, "\n");
	assert_heard(first, "*** You are guest");
	assert_not_heard(first, "*** You are guest1.");
}

static void
who_never_gives_a_good_name_is_sent_away(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	for (int i = 0; i < 40 && !conn->is_closed; i++) {
		fake_conn_send(conn, "not a name\n");
		fake_gate_advance(*state, 1000);
	}
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_ABUSE);
}

static void
browser_is_sent_away(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *conn = fake_gate_connect(*state);

	fake_conn_send(conn, "POST / HTTP/1.1\r\nHost: chat\r\n\r\n/me is not who you think\r\n");
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_ABUSE);
	assert_heard_only(ann, "");
}

static void
browser_with_a_long_path_is_sent_away_as_well(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *conn = fake_gate_connect(*state);
	char path[CHAT_LINE_MAX + 1];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	fake_conn_send(conn, "POST /");
	fake_conn_send(conn, path);
	fake_conn_send(conn, " HTTP/1.1\r\nHost: chat\r\n\r\n/me is not who you think\r\n");
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_ABUSE);
	assert_heard_only(ann, "");
}

static void
name_is_free_again_when_its_user_has_gone(void **state)
{
	fake_conn_reset(come_in(*state, "ann"), ENDING_CLIENT_RESET);
	(void)come_in(*state, "Ann");
}

/* --- lines */

static void
line_reaches_the_others_and_not_its_sender(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann, "hello bob\n");
	assert_heard_only(bob, "<ann> hello bob\r\n");
	assert_heard_only(ann, "");
}

static void
line_ends_with_crlf_lf_cr_nul_or_cr(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send_bytes(ann,
		"1\r\n2\n3\r\0"
		"4\r5\r",
		11);
	fake_conn_send(ann, "\n6\n"); /* the LF belongs to the CR before it */
	assert_heard_only(bob,
		"<ann> 1\r\n<ann> 2\r\n<ann> 3\r\n<ann> 4\r\n<ann> 5\r\n<ann> 6\r\n");
}

static void
line_end_of_two_bytes_is_one_line_end(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	/* A second, empty line would take the name that was offered. */
	fake_conn_send(conn, "Root\r\n");
	fake_conn_send_bytes(conn, "Root\r\0", 6);
	fake_conn_end(conn);
	assert_not_heard(conn, "*** You are");
}

static void
line_may_come_byte_by_byte(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	for (const char *byte = "gr\xc3\xbc\xc3\x9f dich\r\n"; *byte; byte++)
		fake_conn_send_bytes(ann, byte, 1);
	assert_heard_only(bob, "<ann> gr\xc3\xbc\xc3\x9f dich\r\n");
	assert_heard_only(ann, "");
}

static void
end_of_input_ends_the_last_line_and_then_the_visit(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(bob, "last words");
	fake_conn_end(bob);
	assert_heard_only(ann, "<bob> last words\r\n*** bob has left\r\n");
	assert_true(bob->is_closed);
	assert_int_equal(bob->ending, ENDING_CLIENT_CLOSED);
}

static void
answers_are_still_sent_after_the_clients_end(void **state)
{
	struct conn *conn = fake_gate_connect(*state);

	fake_conn_stop_reading(conn);
	fake_conn_send(conn, "bot\n/who");
	fake_conn_end(conn);
	assert_false(conn->is_closed);
	fake_conn_read_again(conn);
	assert_heard(conn, "*** 1 in lobby:\r\n***   bot (0s)\r\n");
	assert_true(conn->is_closed);
}

static void
control_bytes_and_escapes_never_reach_anybody(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann,
		"a\x1b[31mb\x07"
		"c\x7f"
		"d\xc2\x9b"
		"e\xe2\x80\xae"
		"f\xe2\x80\x8bg\th \t\n");
	assert_heard_only(bob, "<ann> a[31mbcdefg h\r\n");
}

static void
what_is_no_utf8_is_replaced_and_its_sender_told_once(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann, "caf\xe9\ncaf\xe9\n");
	assert_heard_only(bob, "<ann> caf\xef\xbf\xbd\r\n<ann> caf\xef\xbf\xbd\r\n");
	assert_heard_only(ann, "*** That was not UTF-8; others see a mark in place of it.\r\n");
}

static void
long_line_is_cut_at_a_code_point_and_the_rest_is_lost(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann, *bob;

	gate->options.chat_line = 64;
	ann = come_in(gate, "ann");
	bob = come_in(gate, "bob");
	for (int i = 0; i < 63; i++)
		fake_conn_send(ann, "x");
	fake_conn_send(ann, "\xc3\xbc and this is never seen by anybody\nnext\n");
	assert_heard(bob, "xxx\r\n<ann> next\r\n");
	assert_int_equal(strlen(fake_conn_text(bob)), strlen("<ann> \r\n<ann> next\r\n") + 63);
	assert_heard_only(ann, "*** That line was cut after 63 bytes.\r\n");
}

static void
end_of_a_cut_line_is_no_line(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann = come_in(gate, "ann");
	struct conn *bob = come_in(gate, "bob");

	gate->options.chat_line = 64;
	for (int i = 0; i < 100; i++)
		fake_conn_send(ann, "x");
	fake_conn_send(ann, "\n");
	assert_heard(ann, "*** That line was cut after 64 bytes.\r\n");
	assert_int_equal(strlen(fake_conn_text(bob)), strlen("<ann> \r\n") + 64);
}

static void
line_of_just_the_limit_is_whole(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann = come_in(gate, "ann");
	struct conn *bob = come_in(gate, "bob");
	char line[65];

	gate->options.chat_line = 64;
	memset(line, 'x', 64);
	line[64] = '\n';
	fake_conn_send_bytes(ann, line, sizeof(line));
	assert_heard_only(ann, "");
	assert_int_equal(strlen(fake_conn_text(bob)), strlen("<ann> \r\n") + 64);
}

static void
lines_that_grow_by_replacement_keep_to_the_limit(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann = come_in(gate, "ann");
	struct conn *bob = come_in(gate, "bob");

	gate->options.chat_line = 64;
	for (int i = 0; i < 60; i++)
		fake_conn_send(ann, "\xc0");
	fake_conn_send(ann, "\n");
	assert_true(strlen(fake_conn_text(bob)) <= strlen("<ann> \r\n") + 64);
	assert_heard(ann, "*** That line was cut after 63 bytes.");
}

int
main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		CLAIM(newcomer_is_greeted_and_asked_for_a_name_with_a_default),
		CLAIM(empty_line_takes_the_name_that_was_offered),
		CLAIM(command_as_name_takes_the_default_and_runs),
		CLAIM(nick_as_answer_to_the_prompt_is_the_name),
		CLAIM(quit_at_the_prompt_ends_it_and_nobody_hears_of_it),
		CLAIM(program_may_send_name_and_lines_at_once),
		CLAIM(every_answer_to_the_prompt_begins_a_line),
		CLAIM(names_are_unique_without_regard_to_case),
		CLAIM(bad_and_reserved_names_are_refused_with_the_reason),
		CLAIM(default_name_that_somebody_took_is_replaced_by_the_next),
		CLAIM(who_never_gives_a_good_name_is_sent_away),
		CLAIM(browser_is_sent_away),
		CLAIM(browser_with_a_long_path_is_sent_away_as_well),
		CLAIM(name_is_free_again_when_its_user_has_gone),
		CLAIM(line_reaches_the_others_and_not_its_sender),
		CLAIM(line_ends_with_crlf_lf_cr_nul_or_cr),
		CLAIM(line_end_of_two_bytes_is_one_line_end),
		CLAIM(line_may_come_byte_by_byte),
		CLAIM(end_of_input_ends_the_last_line_and_then_the_visit),
		CLAIM(answers_are_still_sent_after_the_clients_end),
		CLAIM(control_bytes_and_escapes_never_reach_anybody),
		CLAIM(what_is_no_utf8_is_replaced_and_its_sender_told_once),
		CLAIM(long_line_is_cut_at_a_code_point_and_the_rest_is_lost),
		CLAIM(end_of_a_cut_line_is_no_line),
		CLAIM(line_of_just_the_limit_is_whole),
		CLAIM(lines_that_grow_by_replacement_keep_to_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
