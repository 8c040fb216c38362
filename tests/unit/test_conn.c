/* SPDX-License-Identifier: ISC */
/* Connections of built-ins, as clients of a real gate see them. */
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

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

static void
echo_sends_back_what_arrives(void **state)
{
	static const char *const names[] = { "t4", "t6", "u", "q" };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake, "t4 echo tcp4\nt6 echo tcp6\nu echo unix\nq echo unix-seqpacket");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int client_fd = fake_connect(&fake, names[i]);

		fake_say(client_fd, "hello", 5);
		fake_hear(client_fd, "hello", 5);
		(void)close(client_fd);
		fake_wait_active(&fake, names[i], 0);
	}
	fake_finish(&fake);
}

/* In a child, since neither side may wait for the other. */
static pid_t
say_in_a_child(int client_fd, const char *bytes, size_t length)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	while (length > 0) {
		ssize_t sent = send(client_fd, bytes, length, MSG_NOSIGNAL);

		if (sent <= 0)
			_exit(1);
		bytes += sent;
		length -= (size_t)sent;
	}
	_exit(shutdown(client_fd, SHUT_WR) == 0 ? 0 : 1);
}

static void
ten_megabytes_and_a_half_close_come_back_byte_for_byte(void **state)
{
	static const char *const names[] = { "t", "u" };
	enum { LENGTH = 10000000 };
	struct fake_supervisor fake;
	static char bytes[LENGTH];

	(void)state;
	for (size_t i = 0; i < LENGTH; i++)
		bytes[i] = (char)(i * 2654435761U >> 24);
	fake_start(&fake, "t echo tcp4\nu echo unix");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int client_fd = fake_connect(&fake, names[i]);
		pid_t pid = say_in_a_child(client_fd, bytes, LENGTH);
		int status;

		fake_hear(client_fd, bytes, LENGTH);
		fake_hear_end(client_fd);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		(void)close(client_fd);
	}
	fake_expect_log(&fake, "client-closed");
	fake_finish(&fake);
}

static void
a_client_that_never_reads_is_not_read_from(void **state)
{
	enum { PLENTY = 256 << 20 };
	static char bytes[1 << 16];
	struct fake_supervisor fake;
	struct pollfd room = { .events = POLLOUT };
	size_t total = 0;
	int client_fd;

	(void)state;
	fake_start(&fake, "t echo tcp4");
	client_fd = fake_connect(&fake, "t");
	room.fd = client_fd;
	/* No room for a fifth of a second: the socket's buffers and the gate's are full. */
	while (total < PLENTY && poll(&room, 1, 200) == 1) {
		ssize_t sent = send(client_fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);

		total += sent > 0 ? (size_t)sent : 0;
	}
	assert_true(total < PLENTY);
	/* It all comes back. */
	assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
	while (total > 0) {
		ssize_t got = recv(client_fd, bytes, sizeof(bytes), 0);

		assert_true(got > 0);
		total -= (size_t)got;
	}
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
packets_are_echoed_one_by_one(void **state)
{
	struct fake_supervisor fake;
	char bytes[16];
	int client_fd;

	(void)state;
	fake_start(&fake, "q echo unix-seqpacket");
	client_fd = fake_connect(&fake, "q");
	fake_say(client_fd, "a", 1);
	fake_say(client_fd, "bb", 2);
	fake_say(client_fd, "ccc", 3);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(recv(client_fd, bytes, sizeof(bytes), 0), i);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
daytime_answers_and_closes(void **state)
{
	struct fake_supervisor fake;
	char answer[64];
	int client_fd;

	(void)state;
	fake_start(&fake, "d daytime tcp4");
	client_fd = fake_connect(&fake, "d");
	assert_int_equal(recv(client_fd, answer, sizeof(answer), MSG_WAITALL), 26);
	assert_memory_equal(answer + 24, "\r\n", 2);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_wait_active(&fake, "d", 0);
	fake_expect_log(&fake, "served");
	fake_finish(&fake);
}

static void
input_that_nobody_reads_does_not_destroy_the_answer(void **state)
{
	struct fake_supervisor fake;
	char answer[64];
	int client_fd;

	(void)state;
	fake_start(&fake, "d daytime tcp4");
	/* What the client says is there before the gate looks. */
	assert_int_equal(kill(fake.gate_pid, SIGSTOP), 0);
	client_fd = fake_connect(&fake, "d");
	fake_say(client_fd, "what time is it?\n", 17);
	assert_int_equal(kill(fake.gate_pid, SIGCONT), 0);
	assert_int_equal(recv(client_fd, answer, sizeof(answer), MSG_WAITALL), 26);
	fake_hear_end(client_fd);
	fake_say(client_fd, "thanks\n", 7);
	/* Its place is free once it has left. */
	fake_wait_active(&fake, "d", 1);
	(void)close(client_fd);
	fake_wait_active(&fake, "d", 0);
	fake_finish(&fake);
}

static void
a_client_that_talks_on_after_the_end_is_left_in_time(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "d daytime tcp4");
	assert_int_equal(kill(fake.gate_pid, SIGSTOP), 0);
	client_fd = fake_connect(&fake, "d");
	fake_say(client_fd, "x", 1);
	assert_int_equal(kill(fake.gate_pid, SIGCONT), 0);
	fake_wait_metric(&fake, "d", METRIC_connections, 1);
	fake_wait_active(&fake, "d", 0);
	(void)close(client_fd);
	fake_finish(&fake);
}

/* A client that has little room for what it is sent. */
static int
connect_narrow(const struct fake_supervisor *fake, const char *name)
{
	static const int room = 2048;
	struct sockaddr_in address;
	socklen_t length = sizeof(address);
	int client_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(client_fd >= 0);
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)), 0);
	assert_int_equal(getsockname(fake_find(fake, name)->listen_fd, (struct sockaddr *)&address,
				 &length),
		0);
	assert_int_equal(connect(client_fd, (struct sockaddr *)&address, length), 0);
	return client_fd;
}

static void
a_client_that_talks_while_it_has_much_to_read_loses_nothing(void **state)
{
	struct fake_supervisor fake;
	static const char speech[FAKE_SPEECH_LENGTH];
	int client_fd;

	(void)state;
	fake_start(&fake, "o orator tcp4");
	client_fd = connect_narrow(&fake, "o");
	/* The gate has said its last word, the kernel has not sent it. */
	fake_wait_metric(&fake, "o", METRIC_sent_bytes, sizeof(speech));
	fake_say(client_fd, "thanks\n", 7);
	fake_hear(client_fd, speech, sizeof(speech));
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_wait_active(&fake, "o", 0);
	fake_finish(&fake);
}

static void
discard_forgets_and_ends_with_the_client(void **state)
{
	struct fake_supervisor fake;
	static const char bytes[100000];
	int client_fd;

	(void)state;
	fake_start(&fake, "t discard tcp4\nu discard unix");
	client_fd = fake_connect(&fake, "t");
	fake_say(client_fd, bytes, sizeof(bytes));
	assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	client_fd = fake_connect(&fake, "u");
	fake_say(client_fd, bytes, sizeof(bytes));
	assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_wait_metric(&fake, "t", METRIC_received_bytes, sizeof(bytes));
	fake_wait_metric(&fake, "u", METRIC_received_bytes, sizeof(bytes));
	fake_finish(&fake);
}

static void
chargen_repeats_its_pattern_whatever_the_client_says(void **state)
{
	static const char *const names[] = { "t", "u" };
	enum { LENGTH = 3000000 };
	struct fake_supervisor fake;
	char *pattern = malloc(LENGTH);

	(void)state;
	assert_non_null(pattern);
	for (size_t i = 0; i < LENGTH; i++) {
		size_t column = i % 74;

		pattern[i] = (char)(' ' + (i / 74 + column) % 95);
		if (column >= 72)
			pattern[i] = column == 72 ? '\r' : '\n';
	}
	fake_start(&fake, "t chargen tcp4\nu chargen unix");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int client_fd = fake_connect(&fake, names[i]);

		fake_say(client_fd, "stop it\n", 8);
		fake_hear(client_fd, pattern, LENGTH / 2);
		assert_int_equal(shutdown(client_fd, SHUT_WR), 0);
		fake_hear(client_fd, pattern + LENGTH / 2, LENGTH / 2);
		(void)close(client_fd);
		fake_wait_active(&fake, names[i], 0);
	}
	fake_finish(&fake);
	free(pattern);
}

static void
what_a_service_leaves_is_shown_again_with_what_follows(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "l lines tcp4");
	client_fd = fake_connect(&fake, "l");
	fake_say(client_fd, "one\ntw", 6);
	fake_hear(client_fd, "one\n", 4);
	fake_say(client_fd, "o\nthree\nfo", 10);
	fake_hear(client_fd, "two\nthree\n", 10);
	fake_say(client_fd, "ur\nquit\nnever", 13);
	fake_hear(client_fd, "four\nquit\n", 10);
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_service_that_takes_nothing_is_shown_16_kilobytes_and_no_more(void **state)
{
	struct fake_supervisor fake;
	static const char bytes[60000];
	static const struct linger at_once = { .l_onoff = 1 };
	int client_fd;
	char byte;

	(void)state;
	fake_start(&fake, "h hoard tcp4");
	client_fd = fake_connect(&fake, "h");
	fake_say(client_fd, bytes, sizeof(bytes));
	fake_hear(client_fd, "full", 4);
	fake_wait_active(&fake, "h", 1);
	assert_int_equal(recv(client_fd, &byte, 1, MSG_DONTWAIT), -1);
	/* Not read from, it is still seen to vanish. */
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once)),
		0);
	(void)close(client_fd);
	fake_wait_active(&fake, "h", 0);
	fake_finish(&fake);
}

static void
output_is_bounded_and_the_service_hears_when_it_is_drained(void **state)
{
	struct fake_supervisor fake;
	static char bytes[130001];
	int client_fd;

	(void)state;
	bytes[130000] = '!';
	fake_start(&fake, "b brim tcp4\nu brim unix");
	client_fd = fake_connect(&fake, "b");
	fake_hear(client_fd, bytes, sizeof(bytes));
	fake_hear_end(client_fd);
	(void)close(client_fd);
	client_fd = fake_connect(&fake, "u");
	fake_hear(client_fd, bytes, sizeof(bytes));
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
each_callback_may_send_before_it_ends(void **state)
{
	struct fake_supervisor fake;
	static const char bytes[230000];
	int client_fd;

	(void)state;
	fake_start(&fake, "t tide tcp4");
	client_fd = fake_connect(&fake, "t");
	fake_hear(client_fd, bytes, sizeof(bytes));
	fake_hear_end(client_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
an_exact_service_that_takes_nothing_is_ended(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	char byte;

	(void)state;
	fake_start(&fake, "s stubborn tcp4");
	client_fd = fake_connect(&fake, "s");
	fake_say(client_fd, "x", 1);
	assert_true(recv(client_fd, &byte, 1, 0) <= 0);
	(void)close(client_fd);
	fake_expect_log(&fake, "abuse");
	fake_finish(&fake);
}

static void
clients_of_a_service_hear_each_other_and_who_leaves(void **state)
{
	struct fake_supervisor fake;
	int first_fd;
	int second_fd;

	(void)state;
	fake_start(&fake, "c club tcp4");
	first_fd = fake_connect(&fake, "c");
	fake_hear(first_fd, "hello\n", 6);
	second_fd = fake_connect(&fake, "c");
	fake_hear(second_fd, "hello\n", 6);
	fake_say(first_fd, "all\n", 4);
	fake_hear(first_fd, "all\n", 4);
	fake_hear(second_fd, "all\n", 4);
	(void)close(first_fd);
	fake_hear(second_fd, "bye\n", 4);
	(void)close(second_fd);
	fake_wait_active(&fake, "c", 0);
	fake_finish(&fake);
}

static void
an_idle_client_is_ended_and_a_busy_one_is_not(void **state)
{
	struct fake_supervisor fake;
	struct pollfd idle = { .events = POLLIN };
	int idle_fd;
	int busy_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4 idle=1000");
	busy_fd = fake_connect(&fake, "e");
	idle_fd = fake_connect(&fake, "e");
	idle.fd = idle_fd;
	while (poll(&idle, 1, 1) == 0) {
		fake_say(busy_fd, "x", 1);
		fake_hear(busy_fd, "x", 1);
	}
	fake_hear_end(idle_fd);
	fake_say(busy_fd, "y", 1);
	fake_hear(busy_fd, "y", 1);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_idle_ends), 1);
	fake_expect_log(&fake, "idle");
	(void)close(busy_fd);
	(void)close(idle_fd);
	fake_finish(&fake);
}

static void
hearing_others_is_not_being_idle(void **state)
{
	struct fake_supervisor fake;
	struct pollfd clock = { .events = POLLIN };
	int silent_fd;
	int talking_fd;

	(void)state;
	fake_start(&fake, "c club tcp4 idle=1000\ne echo tcp4 idle=3000");
	silent_fd = fake_connect(&fake, "c");
	fake_hear(silent_fd, "hello\n", 6);
	talking_fd = fake_connect(&fake, "c");
	fake_hear(talking_fd, "hello\n", 6);
	clock.fd =
		fake_connect(&fake, "e"); /* ended when three times the club's patience is over */
	while (poll(&clock, 1, 5) == 0) {
		fake_say(talking_fd, "x", 1);
		fake_hear(talking_fd, "x", 1);
		fake_hear(silent_fd, "x", 1);
	}
	assert_int_equal(shared_read(fake.shared, fake_row(&fake, "c"), METRIC_idle_ends), 0);
	(void)close(clock.fd);
	(void)close(talking_fd);
	(void)close(silent_fd);
	fake_finish(&fake);
}

static void
bytes_and_connections_are_counted(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4");
	for (int i = 0; i < 3; i++) {
		client_fd = fake_connect(&fake, "e");
		fake_say(client_fd, "12345", 5);
		fake_hear(client_fd, "12345", 5);
		(void)close(client_fd);
	}
	fake_wait_metric(&fake, "e", METRIC_received_bytes, 15);
	fake_wait_metric(&fake, "e", METRIC_sent_bytes, 15);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_connections), 3);
	fake_finish(&fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_sends_back_what_arrives),
		cmocka_unit_test(ten_megabytes_and_a_half_close_come_back_byte_for_byte),
		cmocka_unit_test(a_client_that_never_reads_is_not_read_from),
		cmocka_unit_test(packets_are_echoed_one_by_one),
		cmocka_unit_test(daytime_answers_and_closes),
		cmocka_unit_test(input_that_nobody_reads_does_not_destroy_the_answer),
		cmocka_unit_test(a_client_that_talks_on_after_the_end_is_left_in_time),
		cmocka_unit_test(a_client_that_talks_while_it_has_much_to_read_loses_nothing),
		cmocka_unit_test(discard_forgets_and_ends_with_the_client),
		cmocka_unit_test(chargen_repeats_its_pattern_whatever_the_client_says),
		cmocka_unit_test(what_a_service_leaves_is_shown_again_with_what_follows),
		cmocka_unit_test(a_service_that_takes_nothing_is_shown_16_kilobytes_and_no_more),
		cmocka_unit_test(output_is_bounded_and_the_service_hears_when_it_is_drained),
		cmocka_unit_test(each_callback_may_send_before_it_ends),
		cmocka_unit_test(an_exact_service_that_takes_nothing_is_ended),
		cmocka_unit_test(clients_of_a_service_hear_each_other_and_who_leaves),
		cmocka_unit_test(an_idle_client_is_ended_and_a_busy_one_is_not),
		cmocka_unit_test(hearing_others_is_not_being_idle),
		cmocka_unit_test(bytes_and_connections_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
