/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* The commands of chat. */
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
help_lists_every_command(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/help\n");
#define COMMAND(name, alias, words, usage, help) assert_heard(ann, "*** /" #name " ");
#include "services/chat_commands.def"
#undef COMMAND
	fake_conn_forget(ann);
	fake_conn_send(ann, "/help msg\n");
	assert_heard_only(ann, "*** /msg NAME TEXT   /m     say something to one user alone\r\n");
}

static void
unknown_command_is_answered_with_the_nearest(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/jion games\n");
	assert_heard_only(ann, "*** No command /jion; did you mean /join?\r\n");
	fake_conn_forget(ann);
	fake_conn_send(ann, "/frobnicate\n");
	assert_heard_only(ann, "*** No command /frobnicate; /help lists them.\r\n");
}

static void
commands_have_aliases_and_no_case(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann, "/M BOB psst\n");
	assert_heard_only(bob, "[ann] psst\r\n");
}

static void
two_slashes_say_a_line_that_begins_with_one(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann, "//etc/passwd\n");
	assert_heard_only(bob, "<ann> /etc/passwd\r\n");
}

static void
missing_argument_is_answered_with_the_usage(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/msg bob\n");
	assert_heard_only(ann, "*** Usage: /msg NAME TEXT\r\n");
}

static void
nick_changes_the_name_and_the_room_is_told(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann, "/nick Zoe\n");
	assert_heard_only(ann, "*** You are Zoe.\r\n");
	assert_heard_only(bob, "*** ann is now Zoe\r\n");
	fake_conn_send(bob, "/nick zoe\n");
	assert_heard(bob, "*** The name Zoe is taken.\r\n");
	(void)come_in(*state, "ann"); /* free again */
}

static void
nick_may_change_the_case_of_ones_own_name(void **state)
{
	struct conn *ann = come_in(*state, "ann");

	fake_conn_send(ann, "/nick ANN\n/nick\n/nick ANN\n");
	assert_heard_only(ann, "*** You are ANN.\r\n*** You are ANN.\r\n*** You are ANN.\r\n");
}

static void
me_is_shown_to_all_and_to_its_sender(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(ann, "/me waves\n");
	assert_heard_only(bob, "* ann waves\r\n");
	assert_heard_only(ann, "* ann waves\r\n");
}

static void
private_line_reaches_one_user_in_any_room_and_is_confirmed(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");
	struct conn *eve = come_in(*state, "eve");

	fake_conn_send(bob, "/join games\n");
	fake_conn_forget(bob);
	fake_conn_forget(eve);
	fake_conn_forget(ann);
	fake_conn_send(ann, "/msg BOB  the key  is 5\n/msg nobody hi\n");
	assert_heard_only(bob, "[ann] the key  is 5\r\n");
	assert_heard_only(ann, "-> [bob] the key  is 5\r\n*** Nobody is called nobody.\r\n");
	assert_heard_only(eve, "");
}

static void
who_tells_names_and_idle_time(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob;

	fake_gate_advance(*state, 300000);
	bob = come_in(*state, "bob");
	fake_conn_send(bob, "/join games\n/who lobby\n");
	assert_heard(bob, "*** 1 in lobby:\r\n***   ann (5m)\r\n");
	fake_conn_send(bob, "/who *\n");
	assert_heard(bob,
		"*** 2 in all rooms:\r\n***   ann in lobby (5m)\r\n***   bob in games (0s)\r\n");
	fake_conn_send(ann, "/who nowhere\n");
	assert_heard(ann, "*** No room nowhere; /rooms lists them.\r\n");
}

static void
quit_tells_the_room_why_and_says_good_bye(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(bob, "/quit dinner is ready\nnever said\n");
	assert_heard_only(ann, "*** bob has left (dinner is ready)\r\n");
	assert_heard_only(bob, "*** Good bye.\r\n");
	assert_true(bob->is_closed);
	assert_int_equal(bob->ending, ENDING_SERVED);
}

static void
long_words_in_answers_are_cut_at_code_points(void **state)
{
	struct conn *ann = come_in(*state, "ann");
	struct conn *bob = come_in(*state, "bob");

	fake_conn_send(bob, "/quit a");
	for (int i = 0; i < 400; i++)
		fake_conn_send(bob, "\xc3\xbc");
	fake_conn_send(bob, "\n");
	assert_heard(ann, "\xc3\xbc)\r\n");
	assert_true(strlen(fake_conn_text(ann)) < 230);
}

int
main(void)
{
#define CLAIM(claim) cmocka_unit_test_setup_teardown(claim, set_up, tear_down)
	static const struct CMUnitTest tests[] = {
		CLAIM(help_lists_every_command),
		CLAIM(unknown_command_is_answered_with_the_nearest),
		CLAIM(commands_have_aliases_and_no_case),
		CLAIM(two_slashes_say_a_line_that_begins_with_one),
		CLAIM(missing_argument_is_answered_with_the_usage),
		CLAIM(nick_changes_the_name_and_the_room_is_told),
		CLAIM(nick_may_change_the_case_of_ones_own_name),
		CLAIM(me_is_shown_to_all_and_to_its_sender),
		CLAIM(private_line_reaches_one_user_in_any_room_and_is_confirmed),
		CLAIM(who_tells_names_and_idle_time),
		CLAIM(quit_tells_the_room_why_and_says_good_bye),
		CLAIM(long_words_in_answers_are_cut_at_code_points),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
