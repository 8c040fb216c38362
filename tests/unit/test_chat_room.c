/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* Rooms of chat: their beginning and end, topics, history, and crowds. */
#include "services/chat_room.h"
#include "services/chat_history.h"
#include "services/chat_room.h"
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

static void
say_slowly(struct conn *conn, const char *text)
{
	fake_conn_send(conn, text);
	fake_gate_advance(conn->builtin, 1000);
}

/* --- rooms */

static void
join_makes_a_room_and_both_rooms_are_told(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(bob, "/join #games\n");
	assert_heard_only(bob, "*** You are alone in games.\r\n");
	assert_heard_only(ann, "*** bob has left\r\n");
	fake_conn_forget(bob);
	fake_conn_send(ann, "/join GAMES\n");
	assert_heard(ann, "*** You are in games with 1 other.\r\n");
	assert_heard_only(bob, "*** ann has joined\r\n");
}

static void
lines_stay_in_their_room(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(bob, "/join games\n");
	fake_conn_forget(ann);
	fake_conn_send(bob, "hello?\n/me waits\n");
	assert_heard_only(ann, "");
}

static void
leave_goes_back_to_the_lobby(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/join games\n/leave\n");
	assert_heard(ann, "*** You are alone in lobby.\r\n");
	fake_conn_send(ann, "/leave\n");
	assert_heard(ann, "*** This is lobby; /quit leaves the chat.\r\n");
}

static void
empty_room_vanishes_and_the_lobby_stays(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/join games\n/topic chess\n/join other\n/rooms\n");
	assert_heard(ann, "*** 2 rooms:\r\n***   lobby (0)\r\n***   other (1)\r\n");
	fake_conn_forget(ann);
	fake_conn_send(ann, "/join games\n");
	assert_heard_only(ann, "*** You are alone in games.\r\n");
}

static void
members_are_kept_apart_when_some_leave(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");
	struct conn *eve = come_in(*state, "eve");
	struct conn *zoe;

	fake_conn_send(ann, "/quit\n");
	fake_conn_send(eve, "/quit\n");
	fake_conn_forget(bob);
	zoe = come_in(*state, "zoe");
	fake_conn_send(zoe, "hello\n/who\n");
	assert_heard_only(bob, "<zoe> hello\r\n");
	assert_heard(zoe, "*** 2 in lobby:\r\n");
}

static void
rooms_are_no_more_than_allowed(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann, *bob;

	gate->options.chat_rooms = 2;
	ann = come_in(gate, "ann");
	bob = come_in(gate, "bob");
	fake_conn_send(ann, "/join one\n");
	fake_conn_forget(bob);
	fake_conn_send(bob, "/join two\n");
	assert_heard_only(bob, "*** No more rooms: 2 are open.\r\n");
	fake_conn_send(ann, "/leave\n");
	fake_conn_forget(bob);
	fake_conn_send(bob, "/join two\n");
	assert_heard_only(bob, "*** You are alone in two.\r\n");
}

static void
name_of_a_room_is_checked(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/join my room\n/join <b>\n");
	assert_heard_only(ann,
		"*** The name of a room is one word of letters, digits and _ - . only.\r\n"
		"*** The name of a room is one word of letters, digits and _ - . only.\r\n");
}

static void
joining_ones_own_room_changes_nothing(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann, "/join LOBBY\n");
	assert_heard_only(ann, "*** You are in lobby already.\r\n");
	assert_heard_only(bob, "");
}

static void
rooms_lists_users_and_topic_of_each(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/topic all things\n");
	fake_conn_forget(ann);
	fake_conn_send(ann, "/rooms\n");
	assert_heard_only(ann, "*** 1 room:\r\n***   lobby (1) all things\r\n");
}

static void
long_lists_are_cut_and_tell_how_many_more(void **state)
{
	struct builtin *gate = *state;
	struct conn *last = NULL;

	for (int i = 0; i < 60; i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "user%d\n/join r%d\n", i, i);
		last = fake_gate_connect(gate);
		fake_conn_send(last, text);
	}
	fake_conn_forget(last);
	fake_conn_send(last, "/rooms\n");
	assert_heard(last, "*** 61 rooms:\r\n");
	assert_heard(last, "***   and 11 more\r\n");
	fake_conn_forget(last);
	fake_conn_send(last, "/who *\n");
	assert_heard(last, "*** 60 in all rooms:\r\n");
	assert_heard(last, "***   and 10 more\r\n");
}

/* --- topics */

static void
topic_is_shown_with_who_set_it(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");
	struct conn *eve;

	fake_conn_send(ann, "/topic tea and cake\n");
	assert_heard_only(ann, "*** ann has set the topic: tea and cake\r\n");
	assert_heard_only(bob, "*** ann has set the topic: tea and cake\r\n");
	fake_gate_advance(*state, 120000);
	eve = fake_gate_connect(*state);
	fake_conn_send(eve, "eve\n/topic\n/topic -\n/topic\n");
	assert_heard(eve,
		"*** You are in lobby with 2 others.\r\n"
		"*** Topic: tea and cake (ann, 2m ago)\r\n"
		"*** Topic: tea and cake (ann, 2m ago)\r\n"
		"*** eve has removed the topic\r\n*** lobby has no topic.\r\n");
}

static void
topic_is_cut_at_a_code_point(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/topic x");
	for (int i = 0; i < 200; i++)
		fake_conn_send(ann, "\xc3\xbc");
	fake_conn_send(ann, "\n");
	assert_int_equal(strlen(fake_conn_text(ann)),
		strlen("*** ann has set the topic: \r\n") + 255);
}

/* --- history */

static void
newcomer_sees_the_last_lines_marked_as_earlier(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann, *bob;

	gate->options.chat_history = 3;
	ann = come_in(gate, "ann");
	for (int i = 0; i < 5; i++) {
		char line[32];

		(void)snprintf(line, sizeof(line), "line %d\n", i);
		say_slowly(ann, line);
	}
	say_slowly(ann, "/me waves\n");
	bob = fake_gate_connect(gate);
	fake_conn_forget(bob);
	fake_conn_send(bob, "bob\n");
	assert_heard_only(bob,
		"\r\n*** You are bob.\r\n*** You are in lobby with 1 other.\r\n"
		"| 3s <ann> line 3\r\n| 2s <ann> line 4\r\n| 1s * ann waves\r\n");
}

static void
private_lines_and_notices_are_not_remembered(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");
	struct conn *eve = fake_gate_connect(*state);

	fake_conn_send(ann, "/msg bob secret\n");
	fake_conn_send(bob, "/nick rob\n");
	fake_conn_send(eve, "eve\n");
	assert_not_heard(eve, "| ");
}

static void
history_ends_with_its_room(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/join games\nhello\n/leave\n");
	fake_conn_forget(ann);
	fake_conn_send(ann, "/join games\n");
	assert_heard_only(ann, "*** You are alone in games.\r\n");
}

static void
reload_shrinks_the_history(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann = come_in(gate, "ann");
	struct conn *bob;

	fake_conn_send(ann, "one\ntwo\nthree\n");
	gate->options.chat_history = 1;
	fake_gate_retune(gate);
	bob = fake_gate_connect(gate);
	fake_conn_send(bob, "bob\n");
	assert_not_heard(bob, "<ann> two");
	assert_heard(bob, "| 0s <ann> three\r\n");
}

static void
history_is_bounded_in_bytes(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann, *bob;
	static char line[8000];

	gate->options.chat_history = 1000;
	gate->options.chat_line = 8192;
	ann = come_in(gate, "ann");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 20; i++) {
		fake_conn_send_bytes(ann, line, sizeof(line));
		fake_gate_advance(gate, 1000);
	}
	bob = fake_gate_connect(gate);
	fake_conn_stop_reading(bob);
	fake_conn_send(bob, "bob\n");
	assert_false(bob->is_closed);
	assert_true(bob->held.length <= CHAT_HISTORY_BYTES + 1000);
	assert_true(bob->held.length >= 3 * sizeof(line));
}

static void
history_of_all_rooms_together_is_bounded(void **state)
{
	struct builtin *gate = *state;
	const struct chat *chat = gate->state;
	struct conn *first = NULL, *last = NULL;
	static char line[8000];
	size_t most = 0;

	gate->options.chat_rooms = 1000;
	gate->options.chat_line = 8192;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (int i = 0; i < 300; i++) {
		struct conn *conn = fake_gate_connect(gate);
		char text[64];

		(void)snprintf(text, sizeof(text), "user%d\n/join r%d\n", i, i);
		fake_conn_send(conn, text);
		for (int j = 0; j < (i == 0 ? 1 : 4); j++)
			fake_conn_send_bytes(conn, line, sizeof(line));
		first = first ? first : conn;
		last = conn;
		most = chat->history_bytes > most ? chat->history_bytes : most;
	}
	assert_true(most > CHAT_HISTORY_BYTES_ALL - sizeof(line) * 2);
	assert_true(most <= CHAT_HISTORY_BYTES_ALL);
	/* A room's new line takes the place of its own old ones. */
	line[0] = 'y';
	fake_conn_send_bytes(first, line, sizeof(line));
	fake_conn_forget(last);
	fake_conn_send(last, "/join r0\n");
	assert_heard(last, "| 0s <user0> yxx");
	assert_not_heard(last, "<user0> xxx");
}

static void
reload_may_change_the_lobby(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann = come_in(gate, "ann");
	struct conn *bob;
	char name[] = "hall", bad[] = "two words";

	gate->options.chat_room = name;
	fake_gate_retune(gate);
	fake_conn_send(ann, "/leave\n/rooms\n");
	assert_heard_only(ann, "*** You are alone in hall.\r\n*** 1 room:\r\n***   hall (1)\r\n");
	gate->options.chat_room = bad;
	fake_gate_retune(gate);
	bob = fake_gate_connect(gate);
	fake_conn_send(bob, "bob\n");
	assert_heard(bob, "*** You are in hall with 1 other.\r\n");
}

/* --- crowds */

static struct conn *
fill(struct builtin *gate, int from, int to)
{
	struct conn *conn = NULL;

	for (int i = from; i < to; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "user%d\n", i);
		conn = fake_gate_connect(gate);
		fake_conn_send(conn, name);
	}
	return conn;
}

static void
crowd_is_told_in_sums_who_comes_and_goes(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann = come_in(gate, "ann");
	struct conn *last;

	last = fill(gate, 0, 99);
	assert_heard(ann, "*** user98 has joined\r\n");
	fake_conn_forget(ann);
	last = fill(gate, 99, 117);
	fake_conn_send(last, "/nick zoe\n");
	fake_conn_send(last, "/quit\n");
	assert_heard_only(ann, "");
	assert_true(gate->wants_ticks);
	fake_gate_advance(gate, 2000);
	assert_heard_only(ann, "");
	fake_gate_advance(gate, 4000);
	assert_heard_only(ann, "*** +18 joined, 1 left, 1 took new names; 117 are here\r\n");
	assert_false(gate->wants_ticks);
	fake_conn_forget(ann);
	fake_gate_advance(gate, 20000);
	assert_heard_only(ann, "");
}

static void
ten_thousand_users_share_a_room(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann, *last;
	uint64_t before;

	ann = come_in(gate, "ann");
	last = fill(gate, 0, 10000);
	/* Greeting, prompt, line end, name and room to each, and the first hundred to each other:
	 * far from the fifty million that telling each of each would be. */
	assert_true(gate->write_count < 60000);
	before = gate->write_count;
	fake_conn_send(last, "hello all\n");
	assert_int_equal(gate->write_count - before, 10000);
	assert_heard(ann, "<user9999> hello all\r\n");
	fake_conn_forget(last);
	fake_conn_send(last, "/who\n");
	assert_heard(last, "*** 10001 in lobby:\r\n");
	assert_heard(last, "***   and 9951 more\r\n");
	assert_true(strlen(fake_conn_text(last)) < 4096);
	fake_conn_forget(ann);
	fake_gate_advance(gate, 6000);
	assert_heard_only(ann, "*** +9901 joined; 10001 are here\r\n");
}

/* Ten users say as much as is delivered at once. */
static struct conn *
use_up_deliveries(struct builtin *gate)
{
	enum { TALKERS = 10 };
	struct conn *talkers[TALKERS];

	for (int i = 0; i < TALKERS; i++)
		talkers[i] = come_in(gate,
			(const char *[]){
				"t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9" }[i]);
	(void)fill(gate, 0, CHAT_DELIVERIES_BURST / 100 - TALKERS);
	fake_gate_advance(gate, 6000);
	for (struct conn *conn = gate->conns; conn; conn = conn->next)
		fake_conn_forget(conn);
	for (int i = 0; i < 100; i++)
		fake_conn_send(talkers[i % TALKERS], "x\n");
	assert_not_heard(talkers[0], "too busy");
	return talkers[0];
}

static void
what_many_say_together_is_bounded_and_the_sender_is_told(void **state)
{
	struct builtin *gate = *state;
	struct conn *talker = use_up_deliveries(gate);
	struct conn *bob = gate->conns;
	static const char *const lost[] = { "lost line\n", "/me lost\n", "/topic lost\n" };

	fake_conn_forget(bob);
	for (size_t i = 0; i < ARRAY_SIZE(lost); i++) {
		fake_conn_forget(talker);
		fake_conn_send(bob, lost[i]);
		assert_heard_only(bob, "*** The chat is too busy; that was lost.\r\n");
		assert_heard_only(talker, "");
		fake_conn_forget(bob);
	}
	fake_gate_advance(gate, 20);
	fake_conn_send(bob, "again\n");
	assert_heard(talker, "> again\r\n");
	assert_no_text(fake_conn_text(talker), "lost");
}

static void
who_comes_to_a_busy_chat_is_told_of_later(void **state)
{
	struct builtin *gate = *state;
	struct conn *talker = use_up_deliveries(gate);
	struct conn *bob = gate->conns;
	struct conn *eve;

	fake_conn_send(bob, "/join den\n");
	eve = fake_gate_connect(gate);
	fake_conn_send(eve, "eve\n");
	fake_conn_forget(talker);
	fake_conn_forget(bob);
	fake_conn_send(eve, "/join den\n");
	assert_heard(eve, "*** You are in den with 1 other.\r\n");
	assert_heard_only(bob, "");
	fake_gate_advance(gate, 6000);
	assert_heard(bob, "joined; 2 are here\r\n");
}

int
main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		CLAIM(join_makes_a_room_and_both_rooms_are_told),
		CLAIM(lines_stay_in_their_room),
		CLAIM(leave_goes_back_to_the_lobby),
		CLAIM(empty_room_vanishes_and_the_lobby_stays),
		CLAIM(members_are_kept_apart_when_some_leave),
		CLAIM(rooms_are_no_more_than_allowed),
		CLAIM(name_of_a_room_is_checked),
		CLAIM(joining_ones_own_room_changes_nothing),
		CLAIM(rooms_lists_users_and_topic_of_each),
		CLAIM(long_lists_are_cut_and_tell_how_many_more),
		CLAIM(topic_is_shown_with_who_set_it),
		CLAIM(topic_is_cut_at_a_code_point),
		CLAIM(newcomer_sees_the_last_lines_marked_as_earlier),
		CLAIM(private_lines_and_notices_are_not_remembered),
		CLAIM(history_ends_with_its_room),
		CLAIM(reload_shrinks_the_history),
		CLAIM(history_is_bounded_in_bytes),
		CLAIM(history_of_all_rooms_together_is_bounded),
		CLAIM(reload_may_change_the_lobby),
		CLAIM(crowd_is_told_in_sums_who_comes_and_goes),
		CLAIM(ten_thousand_users_share_a_room),
		CLAIM(what_many_say_together_is_bounded_and_the_sender_is_told),
		CLAIM(who_comes_to_a_busy_chat_is_told_of_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
