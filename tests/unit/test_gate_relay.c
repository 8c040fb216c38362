/* SPDX-License-Identifier: ISC */
/* Streams that the gate relays to programs: bytes, ends and times, each way on its own. */
/* LINK: @BASE @GATE_ROOM src/config/banner_files.o src/config/banner.o src/effects/terminal.o
 * src/config/complaint.o src/config/meaning.o src/config/protocols.o services/chargen.o
 * services/daytime.o services/discard.o services/echo.o services/tcpmux.o
 * tests/unit/fake_config.o tests/unit/fake_services.o tests/unit/fake_supervisor.o -lseccomp */
/* WRAP: sandbox_enter */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_supervisor.h"

#include "effects/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

enum { MUCH = 2000000 };

/* The program's ends of its pipes. */
struct program {
	int in_fd;
	int out_fd;
};

static struct program
program_started(struct fake_supervisor *fake)
{
	struct program program;

	fake_expect(fake, MESSAGE_spawn);
	assert_int_equal(fake->message.body.spawn.stdio, CONFIG_STDIO_PIPE);
	assert_int_equal(fake->message.fd_count, 2);
	program.in_fd = util_take_fd(&fake->message.fds[0]);
	program.out_fd = util_take_fd(&fake->message.fds[1]);
	return program;
}

static void
await(int own_fd, short events)
{
	struct pollfd ready = { .fd = own_fd, .events = events };

	assert_int_equal(poll(&ready, 1, FAKE_PATIENCE_MS), 1);
}

static void
program_reads(int in_fd, const char *bytes, size_t length)
{
	auto_free char *heard = malloc(length + 1);
	size_t have = 0;

	assert_non_null(heard);
	while (have < length) {
		ssize_t got;

		await(in_fd, POLLIN);
		got = read(in_fd, heard + have, length - have);
		assert_true(got > 0);
		have += (size_t)got;
	}
	assert_memory_equal(heard, bytes, length);
}

static void
program_reads_end(int in_fd)
{
	char byte;

	await(in_fd, POLLIN);
	assert_int_equal(read(in_fd, &byte, 1), 0);
}

static void
program_writes(int out_fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = write(out_fd, bytes, length);

		assert_true(sent > 0);
		bytes += sent;
		length -= (size_t)sent;
	}
}

static char *
much(void)
{
	char *bytes = malloc(MUCH);

	assert_non_null(bytes);
	for (size_t i = 0; i < MUCH; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return bytes;
}

static void
a_program_has_two_pipes_that_block(void **state)
{
	struct fake_supervisor fake;
	struct program program;
	struct stat status;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	assert_int_equal(fstat(program.in_fd, &status), 0);
	assert_true(S_ISFIFO(status.st_mode));
	assert_int_equal(fstat(program.out_fd, &status), 0);
	assert_true(S_ISFIFO(status.st_mode));
	assert_int_equal(fcntl(program.in_fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fcntl(program.out_fd, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fake.message.body.spawn.local.port, fake_find(&fake, "p")->bound.port);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
bytes_go_both_ways(void **state)
{
	static const char *const names[] = { "t4", "t6", "x" };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake,
		"t4 program tcp4 stdio=1\nt6 program tcp6 stdio=1\nx program unix stdio=1");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int client_fd = fake_connect(&fake, names[i]);
		struct program program = program_started(&fake);

		fake_say(client_fd, "question", 8);
		program_reads(program.in_fd, "question", 8);
		program_writes(program.out_fd, "answer", 6);
		fake_hear(client_fd, "answer", 6);
		(void)close(program.in_fd);
		(void)close(program.out_fd);
		fake_hear_end(client_fd);
		(void)close(client_fd);
	}
	fake_finish(&fake);
}

static void
a_clients_end_is_the_programs_end_of_input_and_it_may_go_on(void **state)
{
	struct fake_supervisor fake;
	struct program program;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	fake_say(client_fd, "all", 3);
	assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
	program_reads(program.in_fd, "all", 3);
	program_reads_end(program.in_fd);
	program_writes(program.out_fd, "still here", 10);
	fake_hear(client_fd, "still here", 10);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	fake_hear_end(client_fd);
	fake_expect_log(&fake, "ending=client-closed");
	assert_true(fake_has_logged(&fake, "bytes_in=3 bytes_out=10"));
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_programs_end_of_output_is_the_clients_and_it_may_go_on(void **state)
{
	struct fake_supervisor fake;
	struct program program;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	program_writes(program.out_fd, "enough", 6);
	(void)close(program.out_fd);
	fake_hear(client_fd, "enough", 6);
	fake_hear_end(client_fd);
	fake_say(client_fd, "more", 4);
	program_reads(program.in_fd, "more", 4);
	(void)close(client_fd);
	program_reads_end(program.in_fd);
	(void)close(program.in_fd);
	fake_expect_log(&fake, "bytes_in=4 bytes_out=6");
	fake_finish(&fake);
}

static void
a_client_that_does_not_read_is_not_read_for(void **state)
{
	struct fake_supervisor fake;
	auto_free char *bytes = much();
	struct program program;
	size_t written = 0;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program unix stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	assert_int_equal(fcntl(program.out_fd, F_SETFL, O_NONBLOCK), 0);
	/* Until nothing has moved for a while. */
	for (int quiet = 0; quiet < 20; quiet++) {
		ssize_t sent = write(program.out_fd, bytes + written, MUCH - written);

		if (sent > 0) {
			written += (size_t)sent;
			quiet = 0;
		}
		(void)poll(NULL, 0, 1);
	}
	assert_true(written < MUCH);
	fake_hear(client_fd, bytes, written);
	(void)close(program.out_fd);
	(void)close(program.in_fd);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_program_that_does_not_read_is_not_fed(void **state)
{
	struct fake_supervisor fake;
	auto_free char *bytes = much();
	struct program program;
	size_t said = 0;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program unix stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	for (int quiet = 0; quiet < 20; quiet++) {
		ssize_t sent = send(client_fd, bytes + said, MUCH - said, MSG_DONTWAIT);

		if (sent > 0) {
			said += (size_t)sent;
			quiet = 0;
		}
		(void)poll(NULL, 0, 1);
	}
	assert_true(said < MUCH);
	/* Nor does that hold up the other direction. */
	program_writes(program.out_fd, "answer", 6);
	fake_hear(client_fd, "answer", 6);
	(void)close(client_fd);
	program_reads(program.in_fd, bytes, said);
	program_reads_end(program.in_fd);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	fake_finish(&fake);
}

static void
input_that_the_program_does_not_want_does_no_harm_to_its_answer(void **state)
{
	struct fake_supervisor fake;
	auto_free char *bytes = much();
	struct program program;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	(void)close(program.in_fd);
	fake_say(client_fd, bytes, MUCH);
	program_writes(program.out_fd, "answer", 6);
	(void)close(program.out_fd);
	fake_say(client_fd, bytes, MUCH);
	fake_hear(client_fd, "answer", 6);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_client_that_vanishes_closes_the_programs_pipes(void **state)
{
	static const struct linger at_once = { .l_onoff = 1 };
	struct fake_supervisor fake;
	struct program program;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		0);
	(void)close(client_fd);
	program_reads_end(program.in_fd);
	fake_expect_log(&fake, "ending=client-reset");
	assert_int_equal(write(program.out_fd, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	fake_finish(&fake);
}

/* With its input held up nobody reads from the client, who would find out. */
static void
a_client_that_vanishes_is_noticed_by_a_program_that_does_nothing(void **state)
{
	static const struct linger at_once = { .l_onoff = 1 };
	struct fake_supervisor fake;
	auto_free char *bytes = much();
	struct program program;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	for (int quiet = 0; quiet < 20; quiet++) {
		if (send(client_fd, bytes, MUCH, MSG_DONTWAIT) > 0)
			quiet = 0;
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		0);
	(void)close(client_fd);
	fake_expect_log(&fake, "ending=client-reset");
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	fake_finish(&fake);
}

static void
a_silent_connection_ends_after_its_idle_time(void **state)
{
	struct fake_supervisor fake;
	struct program program;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1 idle=30");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	program_reads_end(program.in_fd);
	fake_hear_end(client_fd);
	fake_expect_log(&fake, "ending=idle");
	fake_wait_metric(&fake, "p", METRIC_idle_ends, 1);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static msec
now(void)
{
	struct timespec moment;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &moment), 0);
	return (msec)moment.tv_sec * 1000 + moment.tv_nsec / 1000000;
}

/* For how long nothing has moved, as the gate tells it of its only connection. */
static msec
idle_of_only(struct fake_supervisor *fake)
{
	const struct message_census asked = { .filter.row = CENSUS_ANY_ROW, .rows = 1 };
	int memory_fd = memfd_create("census", MFD_CLOEXEC);
	struct census_row row;
	int error;

	assert_true(memory_fd >= 0);
	error = channel_send(fake->channel_fd, MESSAGE_census, &asked, NULL, 0, &memory_fd, 1);
	assert_int_equal(error, 0);
	fake_expect(fake, MESSAGE_counted);
	assert_int_equal(fake->message.body.counted.rows, 1);
	assert_int_equal(pread(memory_fd, &row, sizeof(row), 0), sizeof(row));
	(void)close(memory_fd);
	return row.idle_ms;
}

static void
await_count(int own_fd, unsigned long what, int wanted)
{
	int count = -1;

	for (int i = 0; i < FAKE_PATIENCE_MS && count != wanted; i++) {
		assert_int_equal(ioctl(own_fd, what, &count), 0);
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(count, wanted);
}

/* In pages, so that none of its pipe's stays half empty. */
static void
a_program_that_slowly_takes_what_was_read_long_ago_is_not_idle(void **state)
{
	struct fake_supervisor fake;
	auto_free char *bytes = much();
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct program program;
	int client_fd, capacity;
	msec started, idle;

	(void)state;
	fake_start(&fake, "p program unix stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	capacity = fcntl(program.in_fd, F_GETPIPE_SZ);
	for (int sent = 0; sent < capacity; sent += (int)page)
		fake_say(client_fd, bytes, page);
	await_count(program.in_fd, FIONREAD, capacity);
	fake_say(client_fd, bytes, 2 * page);
	await_count(client_fd, SIOCOUTQ, 0);
	while (idle_of_only(&fake) < 20)
		(void)poll(NULL, 0, 1);
	started = now();
	program_reads(program.in_fd, bytes, page);
	await_count(program.in_fd, FIONREAD, capacity);
	idle = idle_of_only(&fake);
	assert_true(idle <= now() - started);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_client_that_never_speaks_ends_after_first_byte(void **state)
{
	struct fake_supervisor fake;
	struct program program;
	int client_fd;
	int other_fd;
	struct program other;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1 idle=0 first_byte=1000");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	other_fd = fake_connect(&fake, "p");
	other = program_started(&fake);
	fake_say(other_fd, "x", 1);
	program_writes(program.out_fd, "banner", 6); /* is not the client's byte */
	fake_hear(client_fd, "banner", 6);
	program_reads_end(program.in_fd);
	fake_hear_end(client_fd);
	fake_expect_log(&fake, "ending=first-byte");
	program_reads(other.in_fd, "x", 1);
	program_writes(other.out_fd, "y", 1);
	fake_hear(other_fd, "y", 1);
	(void)close(other.in_fd);
	(void)close(other.out_fd);
	(void)close(other_fd);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_program_that_could_not_be_started_is_the_clients_end(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	fake_expect(&fake, MESSAGE_spawn);
	channel_done(&fake.message);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_reload_leaves_connections_alone(void **state)
{
	struct fake_supervisor fake;
	struct program program;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	assert_int_equal(fake_configure(&fake, "e echo tcp4"), 0);
	fake_say(client_fd, "after", 5);
	program_reads(program.in_fd, "after", 5);
	program_writes(program.out_fd, "answer", 6);
	fake_hear(client_fd, "answer", 6);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_gate_that_stops_waits_for_them_and_then_cuts_them(void **state)
{
	struct fake_supervisor fake;
	struct program program;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=1");
	client_fd = fake_connect(&fake, "p");
	program = program_started(&fake);
	fake_send(&fake, MESSAGE_stop, &(struct message_stop){ .grace_ms = 100 });
	fake_say(client_fd, "x", 1);
	program_reads(program.in_fd, "x", 1);
	fake_expect(&fake, MESSAGE_drained);
	assert_int_equal(fake.message.body.drained.connections_cut, 1);
	program_reads_end(program.in_fd);
	(void)close(program.in_fd);
	(void)close(program.out_fd);
	(void)close(client_fd);
	assert_int_equal(fake_wait(&fake), 0);
	fake_finish(&fake);
}

/* The supervisor's part for a program on a terminal; the slave is the program's. */
static int
terminal_started(struct fake_supervisor *fake)
{
	int master_fd;
	int slave_fd;

	fake_expect(fake, MESSAGE_spawn);
	assert_int_equal(fake->message.body.spawn.stdio, CONFIG_STDIO_PTY);
	assert_int_equal(fake->message.fd_count, 1);
	assert_int_equal(terminal_open((uid_t)-1, &master_fd, &slave_fd), 0);
	assert_int_equal(terminal_send(fake->message.fds[0], master_fd), 0);
	(void)close(master_fd);
	channel_done(&fake->message);
	return slave_fd;
}

static void
a_terminal_takes_lines_and_gives_its_own(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int slave_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=2");
	client_fd = fake_connect(&fake, "p");
	fake_say(client_fd, "early\r", 6); /* before there is a terminal */
	slave_fd = terminal_started(&fake);
	fake_say(client_fd, "\nnext\r", 6); /* the rest of a line's end, in another piece */
	program_reads(slave_fd, "early\nnext\n", 11);
	program_writes(slave_fd, "answer\n", 7);
	fake_hear(client_fd, "answer\r\n", 8); /* and no echo */
	(void)close(slave_fd);
	fake_hear_end(client_fd);
	fake_expect_log(&fake, "ending=served");
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_clients_end_lasts_on_a_terminal(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int slave_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=2");
	client_fd = fake_connect(&fake, "p");
	slave_fd = terminal_started(&fake);
	fake_say(client_fd, "part", 4);
	assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
	program_reads(slave_fd, "part", 4);
	program_reads_end(slave_fd);
	program_reads_end(slave_fd);
	program_writes(slave_fd, "bye", 3);
	fake_hear(client_fd, "bye", 3);
	(void)close(slave_fd);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_client_that_vanishes_hangs_its_terminal_up(void **state)
{
	static const struct linger at_once = { .l_onoff = 1 };
	struct fake_supervisor fake;
	int client_fd;
	int slave_fd;
	char byte;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=2");
	client_fd = fake_connect(&fake, "p");
	slave_fd = terminal_started(&fake);
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		0);
	(void)close(client_fd);
	await(slave_fd, POLLIN);
	assert_true(read(slave_fd, &byte, 1) <= 0);
	fake_expect_log(&fake, "ending=client-reset");
	(void)close(slave_fd);
	fake_finish(&fake);
}

static void
without_a_terminal_the_client_sees_the_end(void **state)
{
	static const struct linger at_once = { .l_onoff = 1 };
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "p program tcp4 stdio=2");
	client_fd = fake_connect(&fake, "p");
	fake_expect(&fake, MESSAGE_spawn);
	channel_done(&fake.message); /* the program could not be started */
	fake_hear_end(client_fd);
	(void)close(client_fd);
	/* One that vanishes before there is a terminal is not waited for. */
	client_fd = fake_connect(&fake, "p");
	fake_expect(&fake, MESSAGE_spawn);
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		0);
	(void)close(client_fd);
	fake_expect_log(&fake, "ending=client-reset");
	fake_finish(&fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_has_two_pipes_that_block),
		cmocka_unit_test(bytes_go_both_ways),
		cmocka_unit_test(a_clients_end_is_the_programs_end_of_input_and_it_may_go_on),
		cmocka_unit_test(a_programs_end_of_output_is_the_clients_and_it_may_go_on),
		cmocka_unit_test(a_client_that_does_not_read_is_not_read_for),
		cmocka_unit_test(a_program_that_does_not_read_is_not_fed),
		cmocka_unit_test(input_that_the_program_does_not_want_does_no_harm_to_its_answer),
		cmocka_unit_test(a_client_that_vanishes_closes_the_programs_pipes),
		cmocka_unit_test(a_client_that_vanishes_is_noticed_by_a_program_that_does_nothing),
		cmocka_unit_test(a_silent_connection_ends_after_its_idle_time),
		cmocka_unit_test(a_program_that_slowly_takes_what_was_read_long_ago_is_not_idle),
		cmocka_unit_test(a_client_that_never_speaks_ends_after_first_byte),
		cmocka_unit_test(a_program_that_could_not_be_started_is_the_clients_end),
		cmocka_unit_test(a_reload_leaves_connections_alone),
		cmocka_unit_test(a_gate_that_stops_waits_for_them_and_then_cuts_them),
		cmocka_unit_test(a_terminal_takes_lines_and_gives_its_own),
		cmocka_unit_test(a_clients_end_lasts_on_a_terminal),
		cmocka_unit_test(a_client_that_vanishes_hangs_its_terminal_up),
		cmocka_unit_test(without_a_terminal_the_client_sees_the_end),
	};

	(void)signal(SIGPIPE, SIG_IGN); /* the tests play the program */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
