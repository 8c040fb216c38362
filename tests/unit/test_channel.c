/* LINK: src/effects/channel.o */
/* SPDX-License-Identifier: ISC */
/* The channel's rules, over a real pair of sockets. */
#include "effects/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

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
		TEST(a_full_queue_says_so_and_sends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
