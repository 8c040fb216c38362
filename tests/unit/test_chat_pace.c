/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* Chat: the pace of users, those who do not read, how all of them go, and new options. */
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

/* --- pace */

static void
lines_over_the_rate_are_dropped_with_one_notice(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_gate_advance(*state, 10000);
	for (int i = 0; i < 15; i++)
		fake_conn_send(ann, "x\n");
	assert_int_equal(strlen(fake_conn_text(bob)), 10 * strlen("<ann> x\r\n"));
	assert_heard_only(ann, "*** Too fast: what you send now is lost. Slow down.\r\n");
	fake_conn_forget(bob);
	fake_gate_advance(*state, 1000);
	for (int i = 0; i < 15; i++)
		fake_conn_send(ann, "x\n");
	assert_int_equal(strlen(fake_conn_text(bob)), 5 * strlen("<ann> x\r\n"));
}

static void
going_on_and_on_over_the_rate_ends_the_connection(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	for (int i = 0; i < 600 && !ann->is_closed; i++)
		fake_conn_send(ann, "x\n");
	assert_true(ann->is_closed);
	assert_int_equal(ann->ending, ENDING_ABUSE);
	assert_heard(ann, "Good bye.\r\n");
	assert_heard(bob, "*** ann has left (talked too fast)\r\n");
}

static void
pause_forgives_what_was_too_much(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	for (int i = 0; i < 800; i++) {
		if (i == 400)
			fake_gate_advance(*state, 60000);
		fake_conn_send(ann, "x\n");
	}
	assert_false(ann->is_closed);
}

static void
line_without_end_counts_as_many(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	static char much[16384];

	memset(much, 'x', sizeof(much));
	for (int i = 0; i < 100 && !ann->is_closed; i++)
		fake_conn_send_bytes(ann, much, sizeof(much));
	assert_int_equal(ann->ending, ENDING_ABUSE);
}

/* --- slow readers */

static void
slow_reader_is_dropped_and_the_room_told(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_stop_reading(bob);
	for (int i = 0; i < 100 && !bob->is_closed; i++) {
		fake_gate_advance(*state, 1000);
		for (int byte = 0; byte < 1000; byte++)
			fake_conn_send(ann, "x");
		fake_conn_send(ann, "\n");
	}
	assert_true(bob->is_closed);
	assert_int_equal(bob->ending, ENDING_SLOW);
	assert_heard_only(ann, "*** bob has left (did not read what was said)\r\n");
}

static void
many_slow_readers_at_once_are_dropped_one_by_one(void **state)
{
	struct builtin *gate = *state;
	struct conn *slow[90];
	struct conn *ann = come_in(gate, "ann");

	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "slow%zu", i);
		slow[i] = come_in(gate, name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++) {
		fake_conn_stop_reading(slow[i]);
		while (slow[i]->held.length < FAKE_OUTPUT_MAX)
			assert_int_equal(conn_write(slow[i], "x", 1), 0);
	}
	fake_conn_send(ann, "hello\n");
	for (size_t i = 0; i < ARRAY_SIZE(slow); i++)
		assert_int_equal(slow[i]->ending, ENDING_SLOW);
	assert_heard(ann, "*** slow0 has left (did not read what was said)\r\n");
	fake_conn_forget(ann);
	fake_conn_send(ann, "/who\n");
	assert_heard_only(ann, "*** 1 in lobby:\r\n***   ann (0s)\r\n");
}

static void
slow_readers_may_vanish_within_the_drop(void **state)
{
	struct builtin *gate = *state;

	gate->closes_at_once = true;
	many_slow_readers_at_once_are_dropped_one_by_one(state);
}

static void
who_is_gone_for_other_reasons_is_announced_with_them(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");
	struct conn *eve = come_in(*state, "eve");

	fake_conn_reset(bob, ENDING_IDLE);
	fake_conn_reset(eve, ENDING_CLIENT_RESET);
	assert_heard_only(ann, "*** bob has left (was silent)\r\n*** eve has left\r\n");
}

static void
nobody_is_told_of_the_others_when_the_service_ends(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_reset(bob, ENDING_SHUTDOWN);
	assert_heard_only(ann, "");
}

/* --- options */

static void
reload_changes_pace_and_line_length(void **state)
{
	struct builtin *gate = *state;
	struct conn *ann = come_in(gate, "ann");
	struct conn *bob = come_in(gate, "bob");
	char line[201];

	memset(line, 'x', sizeof(line));
	fake_conn_send_bytes(ann, line, sizeof(line) - 1); /* kept under the old limit */
	gate->options.chat_line = 100;
	gate->options.chat_burst = 2;
	gate->options.chat_rate = 1;
	fake_gate_retune(gate);
	fake_conn_send(ann, "x\n");
	assert_heard(ann, "*** That line was cut after 100 bytes.\r\n");
	fake_conn_forget(bob);
	fake_gate_advance(gate, 60000);
	fake_conn_send(ann, "1\n2\n3\n");
	assert_heard_only(bob, "<ann> 1\r\n<ann> 2\r\n");
}

static void
service_does_not_start_with_an_impossible_lobby(void **state)
{
	struct service_options options = fake_gate_defaults();
	char name[] = "two words";
	struct builtin *gate = NULL;

	(void)state;
	options.chat_room = name;
	assert_int_equal(fake_gate_try(&gate, &chat_ops, &options), -22);
}

int
main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		CLAIM(lines_over_the_rate_are_dropped_with_one_notice),
		CLAIM(going_on_and_on_over_the_rate_ends_the_connection),
		CLAIM(pause_forgives_what_was_too_much),
		CLAIM(line_without_end_counts_as_many),
		CLAIM(slow_reader_is_dropped_and_the_room_told),
		CLAIM(many_slow_readers_at_once_are_dropped_one_by_one),
		CLAIM(slow_readers_may_vanish_within_the_drop),
		CLAIM(who_is_gone_for_other_reasons_is_announced_with_them),
		CLAIM(nobody_is_told_of_the_others_when_the_service_ends),
		CLAIM(reload_changes_pace_and_line_length),
		CLAIM(service_does_not_start_with_an_impossible_lobby),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
