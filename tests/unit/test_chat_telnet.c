/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* Chat with telnet clients: negotiation is understood, refused, and never shown. */
#include "tests/unit/chat_people.h"

#define IAC "\xff"
#define DONT "\xfe"
#define DO "\xfd"
#define WONT "\xfc"
#define WILL "\xfb"
#define SB "\xfa"
#define SE "\xf0"
#define AYT "\xf6"
#define IP "\xf4"

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

static void
client_that_never_negotiates_sees_no_telnet_bytes(void **state)
{
	struct conn *ann = fake_gate_connect(*state);

	fake_conn_send(ann, "ann\r\n/help\r\nhello\r\n/who\r\n/quit\r\n");
	assert_not_heard(ann, IAC);
}

static void
options_are_refused_once_each(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann,
		IAC WILL "\x1f" IAC DO "\x01" IAC WILL "\x1f" IAC DO "\x01" IAC WILL "\x01");
	assert_heard_only(ann, IAC DONT "\x1f" IAC WONT "\x01" IAC DONT "\x01");
}

static void
refusals_are_not_answered(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, IAC WONT "\x1f" IAC DONT "\x01");
	assert_heard_only(ann, "");
}

static void
telnet_commands_vanish_wherever_segments_are_cut(void **state)
{
	static const char bytes[] = "he" IAC WILL "\x1f"
				    "l" IAC SB "\x18"
				    "\x01xterm" IAC IAC "y" IAC SE "l" IAC IP "o" IAC "\xf1"
				    "\r\n";
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	for (size_t cut = 0; cut < sizeof(bytes) - 1; cut++) {
		fake_conn_forget(bob);
		fake_conn_send_bytes(ann, bytes, cut);
		fake_conn_send_bytes(ann, bytes + cut, sizeof(bytes) - 1 - cut);
		assert_heard_only(bob, "<ann> hello\r\n");
		fake_gate_advance(*state, 1000);
	}
	for (size_t i = 0; i < sizeof(bytes) - 1; i++)
		fake_conn_send_bytes(ann, bytes + i, 1);
	assert_heard(bob, "<ann> hello\r\n<ann> hello\r\n");
}

static void
doubled_iac_is_a_byte_and_no_utf8(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann, "a" IAC IAC "b\n");
	assert_heard_only(bob,
		"<ann> a\xef\xbf\xbd"
		"b\r\n");
}

static void
iac_before_a_letter_is_no_telnet(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann,
		"a" IAC "b\n"
		"c" IAC "\nd\n");
	assert_heard_only(bob,
		"<ann> a\xef\xbf\xbd"
		"b\r\n<ann> c\xef\xbf\xbd\r\n<ann> d\r\n");
}

static void
are_you_there_is_answered_at_the_users_pace(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, IAC AYT);
	assert_heard_only(ann, "*** Yes, the chat is here.\r\n");
	for (int i = 0; i < 600; i++)
		fake_conn_send(ann, IAC AYT);
	assert_int_equal(ann->ending, ENDING_ABUSE);
}

static void
timing_mark_is_answered_each_time(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	/* What telnet sends at Ctrl-C; it shows nothing until the mark is answered. */
	fake_conn_send(ann, IAC IP IAC DO "\x06" IAC IP IAC DO "\x06");
	assert_heard_only(ann, IAC WONT "\x06" IAC WONT "\x06");
}

static void
flood_of_timing_marks_ends_the_connection(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	for (int i = 0; i < 600; i++)
		fake_conn_send(ann, IAC DO "\x06");
	assert_int_equal(ann->ending, ENDING_ABUSE);
}

static void
lost_end_of_a_subnegotiation_is_found_again(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann,
		IAC SB "\x18"
		       "abc" IAC WILL "\x1f"
		       "hello\n");
	assert_heard_only(bob, "<ann> hello\r\n");
}

int
main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		CLAIM(client_that_never_negotiates_sees_no_telnet_bytes),
		CLAIM(options_are_refused_once_each),
		CLAIM(refusals_are_not_answered),
		CLAIM(telnet_commands_vanish_wherever_segments_are_cut),
		CLAIM(doubled_iac_is_a_byte_and_no_utf8),
		CLAIM(iac_before_a_letter_is_no_telnet),
		CLAIM(are_you_there_is_answered_at_the_users_pace),
		CLAIM(timing_mark_is_answered_each_time),
		CLAIM(flood_of_timing_marks_ends_the_connection),
		CLAIM(lost_end_of_a_subnegotiation_is_found_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
