/* SPDX-License-Identifier: ISC */
/* LINK: services/tcpmux.o tests/unit/fake_gate.o tests/unit/fake_client.o */
/* tcpmux: whom a line hands over to, what is refused, and that nothing behind the line is read. */
#include "tests/unit/fake_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define REFUSAL "-Service not available\r\n"

static const struct fake_target targets[] = {
	{ "echo", false },
	{ "Git-Mirror", true },
	{ "echo2", true },
	{ NULL, false },
};

static struct builtin *
start(void)
{
	struct builtin *builtin = fake_gate_new(&tcpmux_ops, NULL);

	builtin->targets = targets;
	return builtin;
}

static void
assert_handed_over(const struct conn *conn, int64_t target, const char *wanted)
{
	assert_string_equal(fake_conn_text(conn), wanted);
	assert_int_equal(conn->target, target);
	assert_int_equal(conn->ending, ENDING_HANDED_OVER);
}

static void
assert_refused(const void *line, size_t length, enum ending ending)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);

	fake_conn_send_bytes(conn, line, length);
	assert_string_equal(fake_conn_text(conn), REFUSAL);
	assert_int_equal(conn->target, -1);
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ending);
	fake_gate_free(builtin);
}

static void
tcpmux_hands_over_to_the_service_that_was_named(void **state)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	assert_string_equal(tcpmux_ops.name, "tcpmux");
	fake_conn_send(conn, "echo\r\n");
	assert_handed_over(conn, 0, "");
	fake_gate_free(builtin);
}

static void
tcpmux_greets_for_a_service_that_does_not_greet_itself(void **state)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	fake_conn_send(conn, "Git-Mirror\r\n");
	assert_handed_over(conn, 1, "+\r\n");
	fake_gate_free(builtin);
}

static void
tcpmux_does_not_care_for_case_nor_for_the_cr(void **state)
{
	static const char *const lines[] = { "git-mirror\r\n", "GIT-MIRROR\n", "gIt-mIrRoR\r\n" };
	struct builtin *builtin = start();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct conn *conn = fake_gate_connect(builtin);

		fake_conn_send(conn, lines[i]);
		assert_handed_over(conn, 1, "+\r\n");
	}
	fake_gate_free(builtin);
}

static void
tcpmux_leaves_every_byte_behind_the_line_unread(void **state)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	assert_true(tcpmux_ops.is_exact);
	fake_conn_send(conn, "echo\r\nHELP\r\n\n");
	assert_handed_over(conn, 0, "");
	assert_int_equal(conn->input.length, 7);
	assert_string_equal(conn->input.bytes, "HELP\r\n\n");
	fake_gate_free(builtin);
}

static void
tcpmux_takes_a_name_that_comes_byte_by_byte(void **state)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	for (const char *byte = "echo2\r"; *byte; byte++) {
		fake_conn_send_bytes(conn, byte, 1);
		assert_int_equal(conn->input.length, 0); /* nothing waits to be shown again */
		assert_false(conn->is_closed);
	}
	fake_conn_send(conn, "\nrest");
	assert_handed_over(conn, 2, "+\r\n");
	assert_string_equal(conn->input.bytes, "rest");
	fake_gate_free(builtin);
}

static void
tcpmux_takes_a_name_as_long_as_a_line_may_be(void **state)
{
	char name[256] = "";
	const struct fake_target long_target[] = { { name, true }, { NULL, false } };
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	memset(name, 'n', 255);
	builtin->targets = long_target;
	fake_conn_send(conn, name);
	fake_conn_send(conn, "\r\n");
	assert_handed_over(conn, 0, "+\r\n");
	fake_gate_free(builtin);
}

/* --- refusals */

static void
tcpmux_refuses_a_name_that_nobody_has(void **state)
{
	(void)state;
	assert_refused("fortune\r\n", 9, ENDING_SERVED);
	assert_refused("ech\r\n", 5, ENDING_SERVED);
	assert_refused("echo3\r\n", 7, ENDING_SERVED);
	assert_refused(" echo\r\n", 7, ENDING_SERVED);
	assert_refused("\r\n", 2, ENDING_SERVED);
	assert_refused("\n", 1, ENDING_SERVED);
}

static void
tcpmux_refuses_a_name_with_control_bytes(void **state)
{
	(void)state;
	assert_refused("echo\0\r\n", 7, ENDING_SERVED);
	assert_refused("\0echo\r\n", 7, ENDING_SERVED);
	assert_refused("echo\0x\r\n", 8, ENDING_SERVED);
	assert_refused("echo\r\r\n", 7, ENDING_SERVED);
	assert_refused("HELP\0\r\n", 7, ENDING_SERVED);
	assert_refused("\033[2J\r\n", 6, ENDING_SERVED);
}

static void
tcpmux_refuses_a_line_that_is_too_long(void **state)
{
	char line[300];

	(void)state;
	memset(line, 'n', sizeof(line));
	assert_refused(line, 257, ENDING_ABUSE); /* without waiting for its end */
	line[256] = '\n';
	assert_refused(line, 257, ENDING_ABUSE);
	line[256] = '\r';
	line[257] = '\n';
	assert_refused(line, 258, ENDING_ABUSE);
}

static void
tcpmux_refuses_when_the_target_is_full_and_does_not_greet(void **state)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	builtin->full_target = "Git-Mirror";
	fake_conn_send(conn, "git-mirror\r\n");
	assert_string_equal(fake_conn_text(conn), "-Too many clients, try again later\r\n");
	assert_int_equal(conn->target, -1);
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_SERVED);
	fake_gate_free(builtin);
}

static void
tcpmux_says_nothing_before_a_line_is_complete(void **state)
{
	struct builtin *builtin = start();
	struct conn *silent = fake_gate_connect(builtin);
	struct conn *hesitant = fake_gate_connect(builtin);

	(void)state;
	fake_conn_send(hesitant, "echo");
	assert_false(silent->is_closed);
	assert_false(hesitant->is_closed);
	assert_string_equal(fake_conn_text(silent), "");
	assert_string_equal(fake_conn_text(hesitant), "");
	fake_gate_free(builtin);
}

static void
tcpmux_ends_with_a_client_that_leaves_within_its_line(void **state)
{
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);

	(void)state;
	fake_conn_send(conn, "echo");
	fake_conn_end(conn);
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_CLIENT_CLOSED);
	assert_int_equal(conn->target, -1);
	assert_string_equal(fake_conn_text(conn), "");
	fake_gate_free(builtin);
}

/* --- HELP */

static void
help_lists_a_name_on_each_line_and_ends(void **state)
{
	static const char *const lines[] = { "HELP\r\n", "help\n" };
	struct builtin *builtin = start();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct conn *conn = fake_gate_connect(builtin);

		fake_conn_send(conn, lines[i]);
		assert_string_equal(fake_conn_text(conn), "echo\r\nGit-Mirror\r\necho2\r\n");
		assert_true(conn->is_closed);
		assert_int_equal(conn->ending, ENDING_SERVED);
	}
	fake_gate_free(builtin);
}

#define MANY 2000
#define NAME_ROOM 64

static void
help_that_is_long_goes_on_as_the_client_reads(void **state)
{
	struct fake_target *many = calloc(MANY + 1, sizeof(*many));
	char(*names)[NAME_ROOM] = calloc(MANY, sizeof(*names));
	struct builtin *builtin = start();
	struct conn *conn = fake_gate_connect(builtin);
	const char *text;

	(void)state;
	assert_non_null(many);
	assert_non_null(names);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(names[i], NAME_ROOM, "a-service-with-quite-a-long-name-number-%04d",
			i);
		many[i].name = names[i];
	}
	builtin->targets = many;
	fake_conn_stop_reading(conn);
	fake_conn_send(conn, "HELP\r\n");
	assert_false(conn->is_finished);
	fake_conn_send(conn, "echo\r\n"); /* is not taken for another question */
	assert_int_equal(conn->target, -1);
	fake_conn_read_again(conn);
	assert_true(conn->is_closed);
	assert_int_equal(conn->ending, ENDING_SERVED);
	text = fake_conn_text(conn);
	for (int i = 0; i < MANY; i++) {
		size_t length = strlen(names[i]);

		assert_memory_equal(text, names[i], length);
		assert_memory_equal(text + length, "\r\n", 2);
		text += length + 2;
	}
	assert_string_equal(text, "");
	fake_gate_free(builtin);
	free(names);
	free(many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcpmux_hands_over_to_the_service_that_was_named),
		cmocka_unit_test(tcpmux_greets_for_a_service_that_does_not_greet_itself),
		cmocka_unit_test(tcpmux_does_not_care_for_case_nor_for_the_cr),
		cmocka_unit_test(tcpmux_leaves_every_byte_behind_the_line_unread),
		cmocka_unit_test(tcpmux_takes_a_name_that_comes_byte_by_byte),
		cmocka_unit_test(tcpmux_takes_a_name_as_long_as_a_line_may_be),
		cmocka_unit_test(tcpmux_refuses_a_name_that_nobody_has),
		cmocka_unit_test(tcpmux_refuses_a_name_with_control_bytes),
		cmocka_unit_test(tcpmux_refuses_a_line_that_is_too_long),
		cmocka_unit_test(tcpmux_refuses_when_the_target_is_full_and_does_not_greet),
		cmocka_unit_test(tcpmux_says_nothing_before_a_line_is_complete),
		cmocka_unit_test(tcpmux_ends_with_a_client_that_leaves_within_its_line),
		cmocka_unit_test(help_lists_a_name_on_each_line_and_ends),
		cmocka_unit_test(help_that_is_long_goes_on_as_the_client_reads),
	};

	return cmocka_run_group_tests_name("tcpmux", tests, NULL, NULL);
}
