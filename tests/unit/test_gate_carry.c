/* SPDX-License-Identifier: ISC */
/* Programs that answer datagrams: what the gate gives them, and what it makes of what they say. */
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

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { LONGEST = 65507 };

/* The program's end of the pair, once the gate asks for the program; reading it is patient. */
static int
program_started(struct fake_supervisor *fake)
{
	struct timeval patience = { .tv_sec = FAKE_PATIENCE_MS / 1000 };
	int program_fd;

	fake_expect(fake, MESSAGE_spawn);
	assert_int_equal(fake->message.fd_count, 1);
	program_fd = util_take_fd(&fake->message.fds[0]);
	assert_int_equal(setsockopt(program_fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				 sizeof(patience)),
		0);
	return program_fd;
}

/* The next datagram is this one, whole. */
static void
hear_datagram(int client_fd, const char *bytes, size_t length)
{
	static char heard[LONGEST + 1];

	assert_int_equal(recv(client_fd, heard, sizeof(heard), 0), length);
	assert_memory_equal(heard, bytes, length);
}

static void
say_datagram(int client_fd, const char *bytes, size_t length)
{
	assert_int_equal(send(client_fd, bytes, length, MSG_NOSIGNAL), length);
}

static const char *
long_bytes(void)
{
	static char bytes[LONGEST + 1];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7 + i / 251);
	return bytes;
}

/* ---------------------------------------------------------------- per=datagram */

static void
a_program_reads_its_datagram_and_the_end_and_answers_with_all_it_writes(void **state)
{
	static const char *const names[] = { "u4", "u6", "w4", "w6", "x" };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake,
		"u4 program udp4\nu6 program udp6\nw4 program udp4*\nw6 program udp6*\n"
		"x program unix-dgram");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int client_fd = fake_connect(&fake, names[i]);
		int program_fd;

		say_datagram(client_fd, "question", 8);
		program_fd = program_started(&fake);
		assert_int_equal(fake.message.body.spawn.row, fake_row(&fake, names[i]));
		assert_int_equal(fcntl(program_fd, F_GETFL) & O_NONBLOCK, 0);
		fake_hear(program_fd, "question", 8);
		fake_hear_end(program_fd);
		fake_say(program_fd, "an ", 3);
		fake_say(program_fd, "answer", 6);
		(void)close(program_fd);
		hear_datagram(client_fd, "an answer", 9);
		(void)close(client_fd);
	}
	fake_finish(&fake);
}

static void
the_program_is_told_who_asked_and_which_address(void **state)
{
	struct fake_supervisor fake;
	struct sockaddr_in own;
	socklen_t length = sizeof(own);
	struct sockaddr_in asked = { .sin_family = AF_INET };
	const struct message_spawn *spawn = &fake.message.body.spawn;
	int client_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	fake_start(&fake, "p program udp4*");
	asked.sin_port = htons(fake_find(&fake, "p")->bound.port);
	asked.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	assert_int_equal(connect(client_fd, (struct sockaddr *)&asked, sizeof(asked)), 0);
	assert_int_equal(getsockname(client_fd, (struct sockaddr *)&own, &length), 0);
	say_datagram(client_fd, "x", 1);
	fake_expect(&fake, MESSAGE_spawn);
	assert_int_equal(spawn->protocol, PROTOCOL_UDP4);
	assert_int_equal(spawn->peer.port, ntohs(own.sin_port));
	assert_int_equal(spawn->peer.ip.v4.s_addr, own.sin_addr.s_addr);
	assert_int_equal(spawn->local.port, ntohs(asked.sin_port));
	assert_int_equal(spawn->local.ip.v4.s_addr, asked.sin_addr.s_addr);
	/* The client hears nothing but what comes from there: its socket is connected. */
	fake_say(fake.message.fds[0], "y", 1);
	channel_done(&fake.message);
	hear_datagram(client_fd, "y", 1);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
an_empty_datagram_is_the_end_at_once(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "", 0);
	program_fd = program_started(&fake);
	fake_hear_end(program_fd);
	fake_say(program_fd, "empty", 5);
	(void)close(program_fd);
	hear_datagram(client_fd, "empty", 5);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
the_longest_datagram_goes_both_ways(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, long_bytes(), LONGEST);
	program_fd = program_started(&fake);
	fake_hear(program_fd, long_bytes(), LONGEST);
	fake_hear_end(program_fd);
	fake_say(program_fd, long_bytes(), LONGEST);
	(void)close(program_fd);
	hear_datagram(client_fd, long_bytes(), LONGEST);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
an_answer_that_is_too_long_is_dropped_and_not_cut(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;
	char byte;

	(void)state;
	fake_start(&fake, "p program udp4 reply_budget=1000000");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "x", 1);
	program_fd = program_started(&fake);
	fake_say(program_fd, long_bytes(), LONGEST + 1);
	fake_wait_metric(&fake, "p", METRIC_verdict_refuse_length, 1);
	fake_expect_log(&fake, "overlong");
	assert_int_equal(recv(client_fd, &byte, 1, MSG_DONTWAIT), -1);
	(void)close(program_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_program_that_says_nothing_sends_nothing(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	char byte;

	(void)state;
	fake_start(&fake, "p program udp4");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "x", 1);
	(void)close(program_started(&fake)); /* without having read it, too */
	fake_expect_log(&fake, "ending=served");
	assert_int_equal(recv(client_fd, &byte, 1, MSG_DONTWAIT), -1);
	assert_true(fake_has_logged(&fake, "bytes_in=1 bytes_out=0"));
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_programs_answer_is_paid_from_the_budget(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	char byte;

	(void)state;
	fake_start(&fake, "p program udp4 reply_budget=10 reply_budget_rate=0");
	client_fd = fake_connect(&fake, "p");
	for (int i = 0; i < 2; i++) {
		int program_fd;

		say_datagram(client_fd, "12345", 5);
		program_fd = program_started(&fake);
		fake_say(program_fd, "123456789012", 12);
		(void)close(program_fd);
		if (i == 0)
			hear_datagram(client_fd, "123456789012", 12);
	}
	fake_wait_metric(&fake, "p", METRIC_verdict_refuse_budget, 1);
	assert_int_equal(recv(client_fd, &byte, 1, MSG_DONTWAIT), -1);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
without_a_place_datagrams_wait_in_the_socket(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4 instances=1");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "one", 3);
	program_fd = program_started(&fake);
	(void)shared_hand_over(fake.shared, 0, 1, SHARED_SUPERVISOR);
	say_datagram(client_fd, "two", 3);
	fake_wait_metric(&fake, "p", METRIC_waits, 1);
	assert_int_equal(shared_active(fake.shared, 0), 1);
	(void)close(program_fd);
	assert_true(shared_release(fake.shared, 0, SHARED_SUPERVISOR));
	fake_send(&fake, MESSAGE_wake, &(struct message_wake){ .row = 0 });
	program_fd = program_started(&fake);
	fake_hear(program_fd, "two", 3);
	(void)close(program_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
the_datagram_that_takes_the_last_descriptor_is_no_siege(void **state)
{
	/* All descriptors that the gate cannot do without; so many it takes in one turn. */
	enum { DATAGRAMS = 3 };
	struct fake_supervisor fake;
	int program_fds[DATAGRAMS];
	int client_fd;

	(void)state;
	fake_start(&fake, NULL);
	fake.descriptors = 1;
	assert_int_equal(fake_configure(&fake, "p program udp4"), 0);
	client_fd = fake_connect(&fake, "p");
	assert_int_equal(kill(fake.gate_pid, SIGSTOP), 0);
	for (size_t i = 0; i < DATAGRAMS; i++)
		say_datagram(client_fd, "one", 3);
	assert_int_equal(kill(fake.gate_pid, SIGCONT), 0);
	for (size_t i = 0; i < DATAGRAMS; i++)
		program_fds[i] = program_started(&fake);
	/* An answer is of a later turn. */
	fake_say(program_fds[0], "done", 4);
	(void)close(program_fds[0]);
	hear_datagram(client_fd, "done", 4);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_verdict_wait_descriptors), 0);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_waits), 0);
	for (size_t i = 1; i < DATAGRAMS; i++)
		(void)close(program_fds[i]);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_place_is_kept_for_no_datagram_that_is_refused(void **state)
{
	struct fake_supervisor fake;
	struct sockaddr_in from = { .sin_family = AF_INET };
	int client_fd;
	int other_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void)state;
	fake_start(&fake, "p program udp4\ne echo udp4");
	from.sin_port = htons(fake_find(&fake, "e")->bound.port);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	assert_int_equal(bind(other_fd, (struct sockaddr *)&from, sizeof(from)), 0);
	from.sin_port = htons(fake_find(&fake, "p")->bound.port);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(other_fd, (struct sockaddr *)&from, sizeof(from)), 0);
	say_datagram(other_fd, "loop", 4);
	fake_wait_metric(&fake, "p", METRIC_verdict_refuse_loop, 1);
	fake_wait_active(&fake, "p", 0);
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "x", 1);
	(void)close(program_started(&fake));
	fake_wait_active(&fake, "p", 1);
	(void)close(client_fd);
	(void)close(other_fd);
	fake_finish(&fake);
}

static void
a_program_that_says_nothing_for_long_is_left(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4 idle=20");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "x", 1);
	program_fd = program_started(&fake);
	fake_wait_metric(&fake, "p", METRIC_idle_ends, 1);
	fake_expect_log(&fake, "ending=idle");
	assert_int_equal(send(program_fd, "x", 1, MSG_NOSIGNAL), -1);
	(void)close(program_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

/* ---------------------------------------------------------------- per=peer */

static void
each_datagram_of_a_peer_is_one_read_and_each_write_one_datagram(void **state)
{
	static const char *const names[] = { "u4", "u6", "w4", "w6", "x" };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake,
		"u4 program udp4 per=1\nu6 program udp6 per=1\nw4 program udp4* per=1\n"
		"w6 program udp6* per=1\nx program unix-dgram per=1");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int client_fd = fake_connect(&fake, names[i]);
		int program_fd;

		say_datagram(client_fd, "one", 3);
		program_fd = program_started(&fake);
		hear_datagram(program_fd, "one", 3);
		say_datagram(client_fd, "second", 6);
		say_datagram(client_fd, "", 0);
		say_datagram(client_fd, "third", 5);
		hear_datagram(program_fd, "second", 6);
		hear_datagram(program_fd, "", 0);
		hear_datagram(program_fd, "third", 5);
		say_datagram(program_fd, "a", 1);
		say_datagram(program_fd, "", 0);
		say_datagram(program_fd, "bcd", 3);
		hear_datagram(client_fd, "a", 1);
		hear_datagram(client_fd, "", 0);
		hear_datagram(client_fd, "bcd", 3);
		(void)close(program_fd);
		(void)close(client_fd);
	}
	fake_finish(&fake);
}

static void
another_peer_has_another_program(void **state)
{
	enum { PEERS = 200 };
	struct fake_supervisor fake;
	static int client_fds[PEERS];
	static int program_fds[PEERS];

	(void)state;
	fake_start(&fake, "p program udp4 per=1");
	for (size_t i = 0; i < PEERS; i++) {
		client_fds[i] = fake_connect(&fake, "p");
		say_datagram(client_fds[i], "who", 3);
		program_fds[i] = program_started(&fake);
		hear_datagram(program_fds[i], "who", 3);
	}
	for (size_t i = 0; i < PEERS; i++) {
		char number = (char)i;

		say_datagram(client_fds[i], &number, 1);
		hear_datagram(program_fds[i], &number, 1);
		say_datagram(program_fds[i], &number, 1);
		hear_datagram(client_fds[i], &number, 1);
	}
	for (size_t i = 0; i < PEERS; i++) {
		(void)close(client_fds[i]);
		(void)close(program_fds[i]);
	}
	fake_finish(&fake);
}

/* The last words come before those of the next program, an empty one included. */
static void
after_a_programs_end_its_peer_gets_another(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4 per=1");
	client_fd = fake_connect(&fake, "p");
	for (int i = 0; i < 3; i++) {
		say_datagram(client_fd, "question", 8);
		program_fd = program_started(&fake);
		if (i > 0)
			hear_datagram(program_fd, "question", 8);
		say_datagram(program_fd, "last", 4);
		say_datagram(program_fd, "", 0);
		(void)close(program_fd);
		hear_datagram(client_fd, "last", 4);
		hear_datagram(client_fd, "", 0);
	}
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_new_peer_without_a_place_is_dropped_and_the_others_go_on(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int other_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4 per=1 instances=1");
	client_fd = fake_connect(&fake, "p");
	other_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "one", 3);
	program_fd = program_started(&fake);
	hear_datagram(program_fd, "one", 3);
	say_datagram(other_fd, "me too", 6);
	fake_wait_metric(&fake, "p", METRIC_verdict_refuse_instances, 1);
	say_datagram(client_fd, "two", 3);
	hear_datagram(program_fd, "two", 3);
	fake_expect_log(&fake, "full");
	(void)close(program_fd);
	(void)close(other_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_program_that_does_not_read_loses_its_own_datagrams_only(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int other_fd;
	int program_fd;
	int lazy_fd;

	(void)state;
	fake_start(&fake, "p program udp4 per=1");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "lazy", 4);
	lazy_fd = program_started(&fake);
	other_fd = fake_connect(&fake, "p");
	say_datagram(other_fd, "eager", 5);
	program_fd = program_started(&fake);
	hear_datagram(program_fd, "eager", 5);
	while (shared_read(fake.shared, 0, METRIC_verdict_refuse_slow) == 0) {
		say_datagram(client_fd, long_bytes(), 30000);
		say_datagram(other_fd, "x", 1);
		hear_datagram(program_fd, "x", 1);
	}
	hear_datagram(lazy_fd, "lazy", 4);
	hear_datagram(lazy_fd, long_bytes(), 30000);
	(void)close(lazy_fd);
	(void)close(program_fd);
	(void)close(other_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
what_a_peer_sent_pays_for_what_it_is_sent(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4 per=1 reply_budget=5 reply_budget_rate=0");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "12345", 5);
	program_fd = program_started(&fake);
	hear_datagram(program_fd, "12345", 5);
	say_datagram(program_fd, "abc", 3);     /* of five that came */
	say_datagram(program_fd, "defghij", 7); /* the other two, and the budget of five */
	say_datagram(program_fd, "k", 1);
	hear_datagram(client_fd, "abc", 3);
	hear_datagram(client_fd, "defghij", 7);
	fake_wait_metric(&fake, "p", METRIC_verdict_refuse_budget, 1);
	say_datagram(client_fd, "6", 1);
	hear_datagram(program_fd, "6", 1);
	say_datagram(program_fd, "l", 1);
	hear_datagram(client_fd, "l", 1);
	(void)close(program_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_silent_peers_program_sees_the_end(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4 per=1 idle=20");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "x", 1);
	program_fd = program_started(&fake);
	hear_datagram(program_fd, "x", 1);
	fake_hear_end(program_fd);
	fake_expect_log(&fake, "ending=idle");
	(void)close(program_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_reload_keeps_peers_and_their_programs(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4 per=1");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "before", 6);
	program_fd = program_started(&fake);
	hear_datagram(program_fd, "before", 6);
	assert_int_equal(fake_configure(&fake, "p program udp4 per=1\ne echo udp4"), 0);
	say_datagram(client_fd, "after", 5);
	hear_datagram(program_fd, "after", 5);
	say_datagram(program_fd, "answer", 6);
	hear_datagram(client_fd, "answer", 6);
	/* Without its service the program is told that nobody will come any more. */
	assert_int_equal(fake_configure(&fake, "e echo udp4"), 0);
	fake_hear_end(program_fd);
	fake_expect_log(&fake, "ending=shutdown");
	(void)close(program_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_shorter_idle_time_holds_for_those_who_are_there(void **state)
{
	struct fake_supervisor fake;
	int client_fd;
	int program_fd;

	(void)state;
	fake_start(&fake, "p program udp4 per=1");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "x", 1);
	program_fd = program_started(&fake);
	hear_datagram(program_fd, "x", 1);
	assert_int_equal(fake_configure(&fake, "p program udp4 per=1 idle=20"), 0);
	fake_hear_end(program_fd);
	(void)close(program_fd);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_unix_client_without_a_name_gets_no_answer(void **state)
{
	struct fake_supervisor fake;
	struct sockaddr_storage to;
	socklen_t length = sizeof(to);
	int client_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int program_fd;

	(void)state;
	fake_start(&fake, "x program unix-dgram");
	assert_int_equal(getsockname(fake_find(&fake, "x")->listen_fd, (struct sockaddr *)&to,
				 &length),
		0);
	assert_int_equal(sendto(client_fd, "a", 1, 0, (struct sockaddr *)&to, length), 1);
	program_fd = program_started(&fake);
	fake_hear(program_fd, "a", 1);
	fake_say(program_fd, "b", 1);
	(void)close(program_fd);
	fake_expect_log(&fake, "bytes_in=1 bytes_out=0");
	(void)close(client_fd);
	fake_finish(&fake);
}

static unsigned
descriptors_of_gate(const struct fake_supervisor *fake)
{
	char path[64];
	unsigned count = 0;
	DIR *folder;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)fake->gate_pid);
	folder = opendir(path);
	assert_non_null(folder);
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	return count;
}

static void
say_with_descriptors(int program_fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(2 * sizeof(int))];
	} control = { .room = "" };
	struct iovec part = { .iov_base = (char[]){ "x" }, .iov_len = 1 };
	const struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(2 * sizeof(int));
	memcpy(CMSG_DATA(&control.align), (const int[2]){ program_fd, program_fd },
		2 * sizeof(int));
	assert_int_equal(sendmsg(program_fd, &message, MSG_NOSIGNAL), 1);
}

static void
a_program_cannot_burden_the_gate_with_descriptors(void **state)
{
	struct fake_supervisor fake;
	unsigned before;
	int client_fd;
	int program_fd;

	(void)state;
	if (geteuid() != 0) {
		print_message("may not look at the gate's descriptors: not root\n");
		skip();
	}
	fake_start(&fake, "p program udp4 per=1 reply_budget=1000\ns program udp4");
	client_fd = fake_connect(&fake, "p");
	say_datagram(client_fd, "x", 1);
	program_fd = program_started(&fake);
	before = descriptors_of_gate(&fake);
	for (int i = 0; i < 10; i++) {
		say_with_descriptors(program_fd);
		hear_datagram(client_fd, "x", 1);
	}
	assert_true(descriptors_of_gate(&fake) <= before);
	(void)close(program_fd);
	(void)close(client_fd);
	client_fd = fake_connect(&fake, "s");
	say_datagram(client_fd, "x", 1);
	program_fd = program_started(&fake);
	say_with_descriptors(program_fd);
	(void)close(program_fd);
	hear_datagram(client_fd, "x", 1);
	fake_expect_log(&fake, "service=s");
	assert_true(descriptors_of_gate(&fake) <= before);
	(void)close(client_fd);
	fake_finish(&fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_program_reads_its_datagram_and_the_end_and_answers_with_all_it_writes),
		cmocka_unit_test(the_program_is_told_who_asked_and_which_address),
		cmocka_unit_test(an_empty_datagram_is_the_end_at_once),
		cmocka_unit_test(the_longest_datagram_goes_both_ways),
		cmocka_unit_test(an_answer_that_is_too_long_is_dropped_and_not_cut),
		cmocka_unit_test(a_program_that_says_nothing_sends_nothing),
		cmocka_unit_test(a_programs_answer_is_paid_from_the_budget),
		cmocka_unit_test(without_a_place_datagrams_wait_in_the_socket),
		cmocka_unit_test(the_datagram_that_takes_the_last_descriptor_is_no_siege),
		cmocka_unit_test(a_place_is_kept_for_no_datagram_that_is_refused),
		cmocka_unit_test(a_program_that_says_nothing_for_long_is_left),
		cmocka_unit_test(each_datagram_of_a_peer_is_one_read_and_each_write_one_datagram),
		cmocka_unit_test(another_peer_has_another_program),
		cmocka_unit_test(after_a_programs_end_its_peer_gets_another),
		cmocka_unit_test(a_new_peer_without_a_place_is_dropped_and_the_others_go_on),
		cmocka_unit_test(a_program_that_does_not_read_loses_its_own_datagrams_only),
		cmocka_unit_test(what_a_peer_sent_pays_for_what_it_is_sent),
		cmocka_unit_test(a_silent_peers_program_sees_the_end),
		cmocka_unit_test(a_reload_keeps_peers_and_their_programs),
		cmocka_unit_test(a_shorter_idle_time_holds_for_those_who_are_there),
		cmocka_unit_test(a_unix_client_without_a_name_gets_no_answer),
		cmocka_unit_test(a_program_cannot_burden_the_gate_with_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
