/* SPDX-License-Identifier: ISC */
/* Clients of programs: requests to the supervisor, and what programs say. */
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

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* What came with the last spawn message. */
enum { CONNECTION };

/* The supervisor has the gate hear a program: the write end of its stderr. */
static int
program_heard(struct fake_supervisor *fake)
{
	static const struct message_adopt adopt = { .connection = 77, .row = 0, .pid = 4242 };
	int pipe_fds[2];

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(channel_send(fake->channel_fd, MESSAGE_adopt, &adopt, NULL, 0, pipe_fds,
				 1),
		0);
	(void)close(pipe_fds[0]);
	return pipe_fds[1];
}

static void
a_client_of_a_program_goes_to_the_supervisor(void **state)
{
	struct fake_supervisor fake;
	struct sockaddr_in own;
	socklen_t length = sizeof(own);
	const struct message_spawn *spawn = &fake.message.body.spawn;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4\np program tcp4*");
	client_fd = fake_connect(&fake, "p");
	assert_int_equal(getsockname(client_fd, (struct sockaddr *)&own, &length), 0);
	fake_expect(&fake, MESSAGE_spawn);
	assert_int_equal(spawn->row, fake_row(&fake, "p"));
	assert_int_equal(spawn->protocol, PROTOCOL_TCP4);
	assert_int_equal(spawn->connection / 10000000000, 1);
	assert_int_equal(spawn->peer.family, AF_INET);
	assert_int_equal(spawn->peer.port, ntohs(own.sin_port));
	assert_int_equal(spawn->local.port, fake_find(&fake, "p")->bound.port);
	assert_int_equal(spawn->local.ip.v4.s_addr, htonl(INADDR_LOOPBACK));
	/* The socket blocks, and it is the client's. */
	assert_int_equal(fcntl(fake.message.fds[CONNECTION], F_GETFL) & O_NONBLOCK, 0);
	fake_say(fake.message.fds[CONNECTION], "hi", 2);
	fake_hear(client_fd, "hi", 2);
	/* The gate kept no copy: closing ours ends it. */
	channel_done(&fake.message);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
its_place_goes_along(void **state)
{
	struct fake_supervisor fake;
	int first_fd;
	int second_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 instances=1");
	first_fd = fake_connect(&fake, "p");
	fake_expect(&fake, MESSAGE_spawn);
	(void)shared_hand_over(fake.shared, 0, 1, SHARED_SUPERVISOR);
	second_fd = fake_connect(&fake, "p");
	fake_wait_metric(&fake, "p", METRIC_waits, 1);
	assert_int_equal(shared_active(fake.shared, 0), 1);
	assert_true(shared_release(fake.shared, 0, SHARED_SUPERVISOR));
	fake_send(&fake, MESSAGE_wake, &(struct message_wake){ .row = 0 });
	fake_expect(&fake, MESSAGE_spawn);
	(void)close(first_fd);
	(void)close(second_fd);
	fake_finish(&fake);
}

static void
what_a_program_says_is_logged_by_line(void **state)
{
	struct fake_supervisor fake;
	int stderr_fd;

	(void)state;
	fake_start(&fake, "p program tcp4");
	stderr_fd = program_heard(&fake);
	assert_int_equal(write(stderr_fd, "first\nsec", 9), 9);
	fake_expect_log(&fake, "first");
	assert_int_equal(write(stderr_fd, "ond\nlast \033[31m", 14), 14);
	fake_expect_log(&fake, "second");
	assert_false(fake_has_logged(&fake, "last"));
	(void)close(stderr_fd); /* the program ends */
	fake_expect_log(&fake, "last");
	assert_false(fake_has_logged(&fake, "\033"));
	fake_finish(&fake);
}

static void
a_line_without_end_is_cut(void **state)
{
	struct fake_supervisor fake;
	char line[3000];
	int stderr_fd;

	(void)state;
	memset(line, 'a', 1024);
	memset(line + 1024, 'b', sizeof(line) - 1024);
	line[1023] = '<';
	line[1024] = '>';
	fake_start(&fake, "p program tcp4");
	stderr_fd = program_heard(&fake);
	assert_int_equal(write(stderr_fd, line, sizeof(line)), sizeof(line));
	fake_expect_log(&fake, ">bbb");
	assert_true(fake_has_logged(&fake, "aaa<"));
	assert_false(fake_has_logged(&fake, "<>"));
	(void)close(stderr_fd);
	fake_finish(&fake);
}

static void
a_program_that_talks_too_much_is_counted_not_logged(void **state)
{
	struct fake_supervisor fake;
	char word[16];
	int stderr_fd;

	(void)state;
	fake_start(&fake, "p program tcp4");
	stderr_fd = program_heard(&fake);
	for (int i = 0; i < 1000; i++) {
		int length = snprintf(word, sizeof(word), "line%d\n", i);

		assert_int_equal(write(stderr_fd, word, (size_t)length), length);
	}
	(void)close(stderr_fd);
	fake_expect_log(&fake, "more lines in a second were left out");
	assert_true(fake_has_logged(&fake, "line99"));
	assert_false(fake_has_logged(&fake, "line500"));
	fake_finish(&fake);
}

static void
what_is_heard_carries_connection_and_pid(void **state)
{
	struct fake_supervisor fake;
	int stderr_fd;

	(void)state;
	fake_start(&fake, "p program tcp4");
	stderr_fd = program_heard(&fake);
	assert_int_equal(write(stderr_fd, "still here\n", 11), 11);
	fake_expect_log(&fake, "still here");
	assert_true(fake_has_logged(&fake, "4242"));
	assert_true(fake_has_logged(&fake, "id=77"));
	(void)close(stderr_fd);
	fake_finish(&fake);
}

static void
a_supervisor_that_is_behind_gets_every_client_in_the_end(void **state)
{
	enum { CLIENTS = 400 };
	struct fake_supervisor fake;
	static int client_fds[CLIENTS];

	(void)state;
	fake_start(&fake, "p program tcp4");
	for (size_t i = 0; i < CLIENTS; i++)
		client_fds[i] = fake_connect(&fake, "p");
	/* So many that the channel was full and the listener paused. */
	fake_wait_metric(&fake, "p", METRIC_connections, 100);
	for (size_t i = 0; i < CLIENTS; i++)
		fake_expect(&fake, MESSAGE_spawn);
	for (size_t i = 0; i < CLIENTS; i++)
		(void)close(client_fds[i]);
	fake_finish(&fake);
}

static void
tcpmux_hands_over_with_nothing_lost(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "m tcpmux tcp4\ne echo tcp4 tcpmux=2\np program tcp4 tcpmux=1");
	client_fd = fake_connect(&fake, "m");
	fake_say(client_fd, "E\r\nrest", 7);
	fake_hear(client_fd, "+", 1);
	assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
	while (true) {
		char byte;

		assert_int_equal(recv(client_fd, &byte, 1, 0), 1);
		if (byte == '\n')
			break;
	}
	fake_hear(client_fd, "rest", 4);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_wait_active(&fake, "e", 0);
	fake_wait_active(&fake, "m", 0);

	client_fd = fake_connect(&fake, "m");
	fake_say(client_fd, "p\nfor the program", 17);
	fake_expect(&fake, MESSAGE_spawn);
	assert_int_equal(fake.message.body.spawn.row, fake_row(&fake, "p"));
	assert_int_equal(fcntl(fake.message.fds[CONNECTION], F_GETFL) & O_NONBLOCK, 0);
	fake_hear(fake.message.fds[CONNECTION], "for the program", 15);
	fake_wait_active(&fake, "m", 0);
	assert_int_equal(shared_active(fake.shared, fake_row(&fake, "p")), 1);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
tcpmux_hands_nobody_to_a_service_that_is_full(void **state)
{
	struct fake_supervisor fake;
	int taken_fd;
	int client_fd;

	(void)state;
	fake_start(&fake, "m tcpmux tcp4\ne echo tcp4 tcpmux=2 instances=1");
	taken_fd = fake_connect(&fake, "e");
	fake_say(taken_fd, "a", 1);
	fake_hear(taken_fd, "a", 1);
	client_fd = fake_connect(&fake, "m");
	fake_say(client_fd, "e\r\n", 3);
	fake_hear(client_fd, "-", 1);
	(void)close(client_fd);
	(void)close(taken_fd);
	fake_wait_active(&fake, "e", 0);
	fake_wait_active(&fake, "m", 0);
	fake_finish(&fake);
}

/* tcpmux's answer, or the place that the client got with the program. */
static bool
is_refused(const struct fake_supervisor *fake, int client_fd, int64_t places_before)
{
	struct pollfd ready = { .fd = client_fd, .events = POLLIN };

	for (int i = 0; i < FAKE_PATIENCE_MS; i++) {
		if (shared_active(fake->shared, fake_row(fake, "p")) > places_before)
			return false;
		if (poll(&ready, 1, 1) == 1)
			return true;
	}
	fail_msg("tcpmux does nothing");
	return false;
}

static void
tcpmux_hands_no_more_to_programs_than_the_supervisor_follows(void **state)
{
	enum { CLIENTS = 800 };
	struct fake_supervisor fake;
	int count = 0;
	bool was_refused = false;

	(void)state;
	fake_start(&fake, "m tcpmux tcp4\np program tcp4 tcpmux=1");
	while (!was_refused && count < CLIENTS) {
		int client_fd = fake_connect(&fake, "m");

		fake_say(client_fd, "p\r\n", 3);
		was_refused = is_refused(&fake, client_fd, count);
		if (was_refused)
			fake_hear(client_fd, "-", 1);
		else
			count++;
		(void)close(client_fd);
	}
	assert_true(was_refused);
	for (int i = 0; i < count; i++)
		fake_expect(&fake, MESSAGE_spawn);
	fake_finish(&fake);
}

static void
tcpmux_hands_nobody_over_whose_pipes_would_be_too_many_descriptors(void **state)
{
	/* One descriptor each, and all that there are: a relay takes two more. */
	enum { CLIENTS = 3 };
	struct fake_supervisor fake;
	int client_fds[CLIENTS];

	(void)state;
	fake_start(&fake, NULL);
	fake.descriptors = 1;
	assert_int_equal(fake_configure(&fake, "m tcpmux tcp4\np program tcp4 tcpmux=1 stdio=1"),
		0);
	for (size_t i = 0; i < CLIENTS; i++)
		client_fds[i] = fake_connect(&fake, "m");
	fake_wait_active(&fake, "m", CLIENTS);
	fake_say(client_fds[0], "p\r\n", 3);
	fake_hear(client_fds[0], "-", 1);
	(void)close(client_fds[0]);
	(void)close(client_fds[1]);
	fake_wait_active(&fake, "m", 1);
	fake_say(client_fds[2], "p\r\n", 3);
	fake_expect(&fake, MESSAGE_spawn);
	(void)close(client_fds[2]);
	fake_finish(&fake);
}

static void
limit_descriptors(const struct fake_supervisor *fake, rlim_t limit)
{
	struct rlimit limits;

	assert_int_equal(prlimit(fake->gate_pid, RLIMIT_NOFILE, NULL, &limits), 0);
	limits.rlim_cur = limit;
	assert_int_equal(prlimit(fake->gate_pid, RLIMIT_NOFILE, &limits, NULL), 0);
}

static void
more_programs_than_there_are_descriptors_do_not_end_the_gate(void **state)
{
	enum { PROGRAMS = 200 };
	struct fake_supervisor fake;
	int stderr_fds[PROGRAMS];
	int client_fd;

	(void)state;
	fake_start(&fake, NULL);
	fake.descriptors = 1;
	assert_int_equal(fake_configure(&fake, "e echo tcp4"), 0);
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_hear(client_fd, "a", 1);
	limit_descriptors(&fake, 100);
	for (size_t i = 0; i < PROGRAMS; i++)
		stderr_fds[i] = program_heard(&fake);
	fake_say(client_fd, "b", 1);
	fake_hear(client_fd, "b", 1);
	fake_expect_log(&fake, "standard error");
	(void)close(client_fd);
	assert_int_equal(write(stderr_fds[0], "heard\n", 6), 6);
	fake_expect_log(&fake, "heard");
	for (size_t i = 0; i < PROGRAMS; i++)
		(void)close(stderr_fds[i]);
	fake_finish(&fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_of_a_program_goes_to_the_supervisor),
		cmocka_unit_test(its_place_goes_along),
		cmocka_unit_test(what_a_program_says_is_logged_by_line),
		cmocka_unit_test(a_line_without_end_is_cut),
		cmocka_unit_test(a_program_that_talks_too_much_is_counted_not_logged),
		cmocka_unit_test(what_is_heard_carries_connection_and_pid),
		cmocka_unit_test(a_supervisor_that_is_behind_gets_every_client_in_the_end),
		cmocka_unit_test(tcpmux_hands_over_with_nothing_lost),
		cmocka_unit_test(tcpmux_hands_nobody_to_a_service_that_is_full),
		cmocka_unit_test(tcpmux_hands_no_more_to_programs_than_the_supervisor_follows),
		cmocka_unit_test(
			tcpmux_hands_nobody_over_whose_pipes_would_be_too_many_descriptors),
		cmocka_unit_test(more_programs_than_there_are_descriptors_do_not_end_the_gate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
