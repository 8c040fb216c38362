/* SPDX-License-Identifier: ISC */
/* Configurations that come and go, stopping, and supervisors that lie. */
/* LINK: @BASE @GATE_ROOM src/config/banner_files.o src/config/banner.o src/config/complaint.o
 * src/config/meaning.o src/config/protocols.o services/chargen.o services/daytime.o
 * services/discard.o services/echo.o services/tcpmux.o tests/unit/fake_config.o
 * tests/unit/fake_services.o tests/unit/fake_supervisor.o -lseccomp */
/* WRAP: sandbox_enter */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_supervisor.h"

#include "base/shared_places.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void
a_connection_survives_a_reload(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int other_fd;

	(void)state;
	fake_start(&fake, "c club tcp4");
	client_fd = fake_connect(&fake, "c");
	fake_hear(client_fd, "hello\n", 6);
	assert_int_equal(fake_configure(&fake, "d daytime tcp4\nc club tcp4 instances=5"), 0);
	/* Not only the connection: the service's state with it. */
	other_fd = fake_connect(&fake, "c");
	fake_say(other_fd, "x", 1);
	fake_hear(client_fd, "x", 1);
	(void)close(client_fd);
	(void)close(other_fd);
	fake_finish(&fake);
}

static void
clients_of_a_removed_service_finish_and_no_new_ones_come(void **state)
{
	struct fake_supervisor fake;
	char byte;
	int client_fd;
	int late_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4\nd daytime tcp4");
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_hear(client_fd, "a", 1);
	assert_int_equal(fake_configure(&fake, "d daytime tcp4"), 0);
	fake_say(client_fd, "b", 1);
	fake_hear(client_fd, "b", 1);
	/* The test holds the socket, the gate must not accept from it. */
	late_fd = fake_connect(&fake, "e");
	fake_say(late_fd, "c", 1);
	(void)close(fake_connect(&fake, "d"));
	fake_wait_metric(&fake, "d", METRIC_connections, 1);
	assert_int_equal(recv(late_fd, &byte, 1, MSG_DONTWAIT), -1);
	(void)close(late_fd);
	(void)close(client_fd);
	fake_wait_active(&fake, "e", 0);
	fake_finish(&fake);
}

static void
a_configuration_that_cannot_start_changes_nothing(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4");
	client_fd = fake_connect(&fake, "e");
	assert_int_equal(fake_configure(&fake, "d daytime tcp4\nx unwilling tcp4"), EACCES);
	fake_say(client_fd, "a", 1);
	fake_hear(client_fd, "a", 1);
	(void)close(client_fd);
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "b", 1);
	fake_hear(client_fd, "b", 1);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
more_instances_let_waiting_clients_in(void **state)
{
	struct fake_supervisor fake;
	int first_fd;
	int second_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4 instances=1");
	first_fd = fake_connect(&fake, "e");
	fake_say(first_fd, "a", 1);
	fake_hear(first_fd, "a", 1);
	second_fd = fake_connect(&fake, "e");
	fake_say(second_fd, "b", 1);
	fake_wait_metric(&fake, "e", METRIC_waits, 1);
	assert_int_equal(fake_configure(&fake, "e echo tcp4 instances=2"), 0);
	fake_hear(second_fd, "b", 1);
	(void)close(first_fd);
	(void)close(second_fd);
	fake_finish(&fake);
}

static void
a_shorter_idle_time_counts_for_who_is_there(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4 idle=0");
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_hear(client_fd, "a", 1);
	assert_int_equal(fake_configure(&fake, "e echo tcp4 idle=50"), 0);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_service_that_becomes_another_lets_the_old_clients_finish(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int other_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4");
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_hear(client_fd, "a", 1);
	assert_int_equal(fake_configure(&fake, "e club tcp4"), 0);
	other_fd = fake_connect(&fake, "e");
	fake_hear(other_fd, "hello\n", 6);
	fake_say(client_fd, "b", 1);
	fake_hear(client_fd, "b", 1);
	(void)close(client_fd);
	(void)close(other_fd);
	fake_finish(&fake);
}

static void
a_builtin_that_becomes_a_program_and_one_again_lets_the_old_clients_finish(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int other_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4 idle=60000");
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_hear(client_fd, "a", 1);
	assert_int_equal(fake_configure(&fake, "e program tcp4 idle=60000"), 0);
	fake_say(client_fd, "b", 1);
	fake_hear(client_fd, "b", 1);
	other_fd = fake_connect(&fake, "e");
	fake_expect(&fake, MESSAGE_spawn);
	channel_done(&fake.message);
	fake_hear_end(other_fd);
	(void)close(other_fd);
	/* It is retuned as a program. */
	assert_int_equal(fake_configure(&fake, "e program tcp4 instances=5"), 0);
	fake_say(client_fd, "c", 1);
	fake_hear(client_fd, "c", 1);
	assert_int_equal(fake_configure(&fake, "e echo tcp4"), 0);
	other_fd = fake_connect(&fake, "e");
	fake_say(other_fd, "d", 1);
	fake_hear(other_fd, "d", 1);
	fake_say(client_fd, "e", 1);
	fake_hear(client_fd, "e", 1);
	(void)close(client_fd);
	(void)close(other_fd);
	fake_finish(&fake);
}

static void
a_stop_lets_clients_finish_within_the_grace(void **state)
{
	static const struct message_stop stop = { .grace_ms = 60000 };
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4");
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_hear(client_fd, "a", 1);
	fake_send(&fake, MESSAGE_stop, &stop);
	fake_say(client_fd, "b", 1);
	fake_hear(client_fd, "b", 1);
	(void)close(client_fd);
	fake_expect(&fake, MESSAGE_drained);
	assert_int_equal(fake.message.body.drained.connections_cut, 0);
	assert_int_equal(fake_wait(&fake), 0);
	fake_finish(&fake);
}

static void
a_stop_cuts_who_stays_beyond_the_grace(void **state)
{
	static const struct message_stop stop = { .grace_ms = 50 };
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "c club tcp4");
	client_fd = fake_connect(&fake, "c");
	fake_hear(client_fd, "hello\n", 6);
	fake_send(&fake, MESSAGE_stop, &stop);
	fake_expect(&fake, MESSAGE_drained);
	assert_int_equal(fake.message.body.drained.connections_cut, 1);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_expect_log(&fake, "shutdown");
	assert_int_equal(fake_wait(&fake), 0);
	assert_int_equal(shared_active(fake.shared, 0), 0);
	fake_finish(&fake);
}

static void
a_gate_ends_when_its_supervisor_is_gone(void **state)
{
	struct fake_supervisor fake;
	int status;

	(void)state;
	fake_start(&fake, "e echo tcp4");
	assert_int_equal(shutdown(fake.channel_fd, SHUT_RDWR), 0);
	status = fake_wait(&fake);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
	assert_false(fake_has_logged(&fake, "made no sense"));
	fake_finish(&fake);
}

static void
assert_rejected(struct fake_supervisor *fake, const char *rule)
{
	int status = fake_wait(fake);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
	assert_true(fake_has_logged(fake, "made no sense"));
	assert_true(fake_has_logged(fake, rule));
	fake_finish(fake);
}

static void
a_message_out_of_phase_ends_the_gate(void **state)
{
	static const struct message_commit commit = { .generation = 1 };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake, NULL);
	fake_send(&fake, MESSAGE_commit, &commit);
	assert_rejected(&fake, "not permitted in this phase");
}

static void
a_number_of_services_that_is_not_the_texts_ends_the_gate(void **state)
{
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake, NULL);
	fake_send_config(&fake, "e echo tcp4", 2);
	assert_rejected(&fake, "another number of services");
}

static void
a_text_that_is_wrong_ends_the_gate(void **state)
{
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake, NULL);
	fake_send_config(&fake, "e echo carrier-pigeon", 1);
	assert_rejected(&fake, "no correct configuration");
}

static void
a_row_beyond_the_memory_ends_the_gate(void **state)
{
	static const struct message_services services = { .count = 1 };
	static const struct message_services_row row = { .row = 4000000000 };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake, NULL);
	fake_send_config(&fake, "e echo tcp4", 1);
	assert_int_equal(channel_send(fake.channel_fd, MESSAGE_services, &services, &row, 1, NULL,
				 0),
		0);
	assert_rejected(&fake, "a row beyond the shared memory");
}

static void
a_commit_of_an_unfinished_configuration_ends_the_gate(void **state)
{
	static const struct message_commit commit = { .generation = 1 };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake, NULL);
	fake_send_config(&fake, "e echo tcp4", 1);
	fake_send(&fake, MESSAGE_commit, &commit);
	assert_rejected(&fake, "a service without row");
}

static void
a_listener_that_was_never_given_ends_the_gate(void **state)
{
	static const struct message_services services = { .count = 1 };
	static const struct message_services_row row = { .row = 0 };
	static const struct message_listeners listeners = { .count = 1 };
	static const struct message_listeners_row listener = { .listener = 7 };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake, NULL);
	fake_send_config(&fake, "e echo tcp4", 1);
	assert_int_equal(channel_send(fake.channel_fd, MESSAGE_services, &services, &row, 1, NULL,
				 0),
		0);
	assert_int_equal(channel_send(fake.channel_fd, MESSAGE_listeners, &listeners, &listener, 1,
				 NULL, 0),
		0);
	assert_rejected(&fake, "a listener that this gate does not have");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_survives_a_reload),
		cmocka_unit_test(clients_of_a_removed_service_finish_and_no_new_ones_come),
		cmocka_unit_test(a_configuration_that_cannot_start_changes_nothing),
		cmocka_unit_test(more_instances_let_waiting_clients_in),
		cmocka_unit_test(a_shorter_idle_time_counts_for_who_is_there),
		cmocka_unit_test(a_service_that_becomes_another_lets_the_old_clients_finish),
		cmocka_unit_test(
			a_builtin_that_becomes_a_program_and_one_again_lets_the_old_clients_finish),
		cmocka_unit_test(a_stop_lets_clients_finish_within_the_grace),
		cmocka_unit_test(a_stop_cuts_who_stays_beyond_the_grace),
		cmocka_unit_test(a_gate_ends_when_its_supervisor_is_gone),
		cmocka_unit_test(a_message_out_of_phase_ends_the_gate),
		cmocka_unit_test(a_number_of_services_that_is_not_the_texts_ends_the_gate),
		cmocka_unit_test(a_text_that_is_wrong_ends_the_gate),
		cmocka_unit_test(a_row_beyond_the_memory_ends_the_gate),
		cmocka_unit_test(a_commit_of_an_unfinished_configuration_ends_the_gate),
		cmocka_unit_test(a_listener_that_was_never_given_ends_the_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
