/* LINK: src/effects/channel.o */
/* SPDX-License-Identifier: ISC */
/* The channel's rules, over a real pair of sockets. */
#include "effects/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <cmocka.h>

struct pair {
	int supervisor_fd;
	int gate_fd;
	struct message message;
	const char *rule;
};

static int
set_up(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	assert_int_equal(channel_pair(&pair->supervisor_fd, &pair->gate_fd), 0);
	*state = pair;
	return 0;
}

static int
tear_down(void **state)
{
	struct pair *pair = *state;

	if (pair->supervisor_fd >= 0)
		(void)close(pair->supervisor_fd);
	if (pair->gate_fd >= 0)
		(void)close(pair->gate_fd);
	free(pair);
	return 0;
}

static int
gate_hears(struct pair *pair, enum channel_phase phase)
{
	return channel_receive(pair->gate_fd, CHANNEL_TO_GATE, phase, &pair->message, &pair->rule);
}

static void
send_raw(struct pair *pair, const void *bytes, size_t length)
{
	assert_int_equal(send(pair->supervisor_fd, bytes, length, 0), (ssize_t)length);
}

static void
a_message_arrives_as_it_was_sent(void **state)
{
	struct pair *pair = *state;
	const struct message_commit commit = { .generation = 7 };

	assert_int_equal(channel_send(pair->supervisor_fd, MESSAGE_commit, &commit, NULL, 0, NULL,
				 0),
		0);
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), 1);
	assert_int_equal(pair->message.type, MESSAGE_commit);
	assert_int_equal(pair->message.body.commit.generation, 7);
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), 0);
}

static void
rows_and_descriptors_travel_with_it(void **state)
{
	struct pair *pair = *state;
	const struct message_listeners body = { .count = 2 };
	const struct message_listeners_row rows[2] = { { .listener = 1, .has_fd = 1 },
		{ .listener = 2 } };
	const struct message_listeners_row *got;
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(channel_send(pair->supervisor_fd, MESSAGE_listeners, &body, rows, 2,
				 &null_fd, 1),
		0);
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), 1);
	got = pair->message.rows;
	assert_int_equal(pair->message.row_count, 2);
	assert_int_equal(got[1].listener, 2);
	assert_int_equal(pair->message.fd_count, 1);
	assert_true((fcntl(pair->message.fds[0], F_GETFD) & FD_CLOEXEC) != 0);
	channel_done(&pair->message);
	(void)close(null_fd);
}

static void
the_wrong_direction_is_refused(void **state)
{
	struct pair *pair = *state;
	const struct message_hello hello = { .version = CHANNEL_VERSION };

	assert_int_equal(channel_send(pair->supervisor_fd, MESSAGE_hello, &hello, NULL, 0, NULL, 0),
		0);
	assert_int_equal(gate_hears(pair, CHANNEL_HELLO), -EPROTO);
	assert_string_equal(pair->rule, "sent in the wrong direction");
}

static void
the_wrong_phase_is_refused(void **state)
{
	struct pair *pair = *state;
	const struct message_commit commit = { .generation = 1 };

	assert_int_equal(channel_send(pair->supervisor_fd, MESSAGE_commit, &commit, NULL, 0, NULL,
				 0),
		0);
	assert_int_equal(gate_hears(pair, CHANNEL_SERVE), -EPROTO);
	assert_string_equal(pair->rule, "not permitted in this phase");
}

static void
missing_and_surplus_descriptors_are_refused(void **state)
{
	struct pair *pair = *state;
	const struct message_file file = { .service = 0 };
	const struct message_commit commit = { .generation = 1 };
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int free_fd;

	assert_int_equal(channel_send(pair->supervisor_fd, MESSAGE_file, &file, NULL, 0, NULL, 0),
		0);
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPROTO);
	assert_string_equal(pair->rule, "wrong number of descriptors");
	assert_int_equal(channel_send(pair->supervisor_fd, MESSAGE_commit, &commit, NULL, 0,
				 &null_fd, 1),
		0);
	free_fd = dup(null_fd);
	(void)close(free_fd);
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPROTO);
	/* What came with the lie was closed. */
	assert_int_equal(fcntl(free_fd, F_GETFD), -1);
	(void)close(null_fd);
}

static void
a_wrong_length_or_type_is_refused(void **state)
{
	struct pair *pair = *state;
	const uint32_t short_commit[] = { MESSAGE_commit, 0 };
	const uint32_t no_type[] = { MESSAGE_COUNT, 0, 0 };
	const uint32_t many_rows[] = { MESSAGE_commit, 5, 0 };
	const unsigned char three[] = { 1, 2, 3 };

	send_raw(pair, short_commit, sizeof(short_commit));
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPROTO);
	assert_string_equal(pair->rule, "wrong length");
	send_raw(pair, no_type, sizeof(no_type));
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPROTO);
	assert_string_equal(pair->rule, "no such message");
	send_raw(pair, many_rows, sizeof(many_rows));
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPROTO);
	assert_string_equal(pair->rule, "too many rows");
	send_raw(pair, three, sizeof(three));
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPROTO);
}

static void
a_message_longer_than_any_is_refused(void **state)
{
	static unsigned char bytes[CHANNEL_SIZE_MAX + 1] = { MESSAGE_commit };
	struct pair *pair = *state;

	send_raw(pair, bytes, sizeof(bytes));
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPROTO);
	assert_string_equal(pair->rule, "longer than any message");
}

static void
messages_of_a_dead_peer_are_heard_before_its_end(void **state)
{
	struct pair *pair = *state;
	const struct message_commit commit = { .generation = 3 };

	assert_int_equal(channel_send(pair->supervisor_fd, MESSAGE_commit, &commit, NULL, 0, NULL,
				 0),
		0);
	(void)close(pair->supervisor_fd);
	pair->supervisor_fd = -1;
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), 1);
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPIPE);
}

static void
messages_of_a_peer_that_died_without_hearing_ours_are_heard_too(void **state)
{
	struct pair *pair = *state;
	const struct message_commit commit = { .generation = 3 };
	const struct message_pong unheard = { .unused = 0 };

	assert_int_equal(channel_send(pair->supervisor_fd, MESSAGE_commit, &commit, NULL, 0, NULL,
				 0),
		0);
	assert_int_equal(channel_send(pair->gate_fd, MESSAGE_pong, &unheard, NULL, 0, NULL, 0), 0);
	(void)close(pair->supervisor_fd);
	pair->supervisor_fd = -1;
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), 1);
	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPIPE);
}

static void
a_full_queue_says_so_and_sends_nothing(void **state)
{
	struct pair *pair = *state;
	const struct message_commit commit = { .generation = 3 };
	int sent = 0;
	int heard = 0;
	int error;

	while ((error = channel_send(pair->supervisor_fd, MESSAGE_commit, &commit, NULL, 0, NULL,
			0)) == 0)
		sent++;
	assert_int_equal(error, -EAGAIN);
	while (gate_hears(pair, CHANNEL_SETUP) == 1)
		heard++;
	assert_int_equal(heard, sent);
}

#define LINGER_S 30

/* A connection whose client takes nothing, with more to send than it can; closing it is to wait.
 * The client's end. */
static int
send_one_that_lingers(const struct pair *pair)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = LINGER_S };
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(address);
	char room[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = "";
	static char bytes[65536];
	struct iovec part = { .iov_base = bytes, .iov_len = 1 };
	struct msghdr header = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room) };
	struct cmsghdr *cmsg = (struct cmsghdr *)(void *)room;
	int listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int client_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int conn_fd;

	assert_int_equal(bind(listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listen_fd, 1), 0);
	assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(connect(client_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	conn_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(conn_fd >= 0);
	(void)close(listen_fd);
	while (send(conn_fd, bytes, sizeof(bytes), 0) > 0)
		;
	assert_int_equal(setsockopt(conn_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
	*cmsg = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))
	};
	memcpy(CMSG_DATA(cmsg), &conn_fd, sizeof(conn_fd));
	assert_int_equal(sendmsg(pair->supervisor_fd, &header, 0), 1);
	(void)close(conn_fd);
	return client_fd;
}

static time_t
seconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void
closing_a_socket_that_was_received_waits_for_nobody(void **state)
{
	struct pair *pair = *state;
	time_t began = seconds_now();
	int client_fd = send_one_that_lingers(pair);

	assert_int_equal(gate_hears(pair, CHANNEL_SETUP), -EPROTO); /* and closes what came */
	assert_true(seconds_now() - began < LINGER_S / 2);
	(void)close(client_fd);
}

static void
nor_does_closing_one_that_nobody_has_received(void **state)
{
	struct pair *pair = *state;
	time_t began = seconds_now();
	int client_fds[2];

	client_fds[0] = send_one_that_lingers(pair);
	assert_int_equal(send(pair->supervisor_fd, "", 0, 0), 0);
	client_fds[1] = send_one_that_lingers(pair);
	channel_close(pair->gate_fd);
	pair->gate_fd = -1;
	assert_true(seconds_now() - began < LINGER_S / 2);
	(void)close(client_fds[0]);
	(void)close(client_fds[1]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_message_arrives_as_it_was_sent),
		TEST(rows_and_descriptors_travel_with_it),
		TEST(the_wrong_direction_is_refused),
		TEST(the_wrong_phase_is_refused),
		TEST(missing_and_surplus_descriptors_are_refused),
		TEST(a_wrong_length_or_type_is_refused),
		TEST(a_message_longer_than_any_is_refused),
		TEST(messages_of_a_dead_peer_are_heard_before_its_end),
		TEST(messages_of_a_peer_that_died_without_hearing_ours_are_heard_too),
		TEST(a_full_queue_says_so_and_sends_nothing),
		TEST(closing_a_socket_that_was_received_waits_for_nobody),
		TEST(nor_does_closing_one_that_nobody_has_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
