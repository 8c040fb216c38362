/* SPDX-License-Identifier: ISC */
/* The bytes of relayed connections. */
#include "gate/relay.h"

#include "base/explain.h"
#include "gate/service.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Turns are shared: so many reads each way. */
#define READS_AT_ONCE 4

#define END_OF_INPUT '\004' /* VEOF, ^D */

static char *
scratch_of(const struct relay *relay)
{
	return relay->service->gate->relays->scratch;
}

/* What is not taken now is kept. */
static void
hold(struct flow *flow, const char *bytes, size_t length)
{
	flow->held = malloc(length);
	flow->length = length;
	flow->done = 0;
	if (flow->held)
		memcpy(flow->held, bytes, length);
	else
		flow->is_discarded = true; /* no memory: better an end than a gap */
}

static void
let_go(struct flow *flow)
{
	free(flow->held);
	flow->held = NULL;
}

/* How many were taken. */
static size_t
offer(struct flow *flow, int to_fd, const char *bytes, size_t length)
{
	ssize_t taken = flow->is_discarded ? (ssize_t)length : write(to_fd, bytes, length);

	if (taken > 0 && !flow->is_discarded)
		EXPLAIN(carry_write, .to_fd = to_fd, .bytes = { bytes, (size_t)taken },
			.length = taken);
	if (taken >= 0)
		return (size_t)taken;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	flow->is_discarded = true;
	return length;
}

static void
give(struct flow *flow, int to_fd, const char *bytes, size_t length)
{
	size_t taken = offer(flow, to_fd, bytes, length);

	if (taken < length)
		hold(flow, bytes + taken, length - taken);
}

static void
note_move(struct relay *relay)
{
	relay->moved = loop_now(relay->service->gate->loop);
}

static void
give_held(struct relay *relay, struct flow *flow, int to_fd)
{
	size_t taken;

	if (!flow->held)
		return;
	taken = offer(flow, to_fd, flow->held + flow->done, flow->length - flow->done);
	if (taken > 0)
		note_move(relay);
	flow->done += taken;
	if (flow->done == flow->length)
		let_go(flow);
}

/* On a terminal one key means the end of a line. Clients send CR LF, CR NUL (telnet), CR or LF:
 * what follows a CR and belongs to it is left out. */
static size_t
fold_lines(struct relay *relay, char *bytes, size_t length)
{
	size_t kept = 0;

	for (size_t i = 0; i < length; i++) {
		char byte = bytes[i];

		if (relay->last_input != '\r' || (byte != '\n' && byte != '\0'))
			bytes[kept++] = byte;
		relay->last_input = byte;
	}
	return kept;
}

/* One read: 1, 0 when there is nothing now, -errno. */
static int
take(struct relay *relay, struct flow *flow, int from_fd, size_t *ret_length)
{
	ssize_t length = read(from_fd, scratch_of(relay), RELAY_READ_MAX);

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (length <= 0) {
		flow->is_at_end = true;
		return length < 0 ? -errno : 0;
	}
	EXPLAIN(carry_read, .from_fd = from_fd, .length = length,
		.bytes = { scratch_of(relay), (size_t)length });
	note_move(relay);
	flow->bytes += (uint64_t)length;
	*ret_length = (size_t)length;
	return 1;
}

static int
move_inward(struct relay *relay)
{
	struct flow *flow = &relay->inward;
	int to_fd = relay->is_terminal ? relay->out.fd : relay->in.fd;
	int result = 1;

	give_held(relay, flow, to_fd);
	for (int i = 0; i < READS_AT_ONCE && result == 1 && !flow->held && !flow->is_at_end; i++) {
		size_t length = 0;

		result = take(relay, flow, relay->conn.fd, &length);
		if (relay->is_terminal)
			length = fold_lines(relay, scratch_of(relay), length);
		if (length > 0)
			give(flow, to_fd, scratch_of(relay), length);
	}
	return result < 0 ? result : 0;
}

/* An error of the program's side is its end: a terminal has no other. */
static void
move_outward(struct relay *relay)
{
	struct flow *flow = &relay->outward;
	int result = 1;

	give_held(relay, flow, relay->conn.fd);
	for (int i = 0; i < READS_AT_ONCE && result == 1 && !flow->held && !flow->is_at_end; i++) {
		size_t length = 0;

		result = take(relay, flow, relay->out.fd, &length);
		if (length > 0)
			give(flow, relay->conn.fd, scratch_of(relay), length);
	}
}

/* A line that was begun takes one to be handed to the program and one more to mean the end. */
void
relay_type_end(struct relay *relay)
{
	static const char keys[] = { END_OF_INPUT, END_OF_INPUT };
	bool is_new_line = relay->inward.bytes == 0 || relay->last_input == '\n' ||
		relay->last_input == '\r' || relay->last_input == '\0' ||
		relay->last_input == END_OF_INPUT;

	relay->typed = loop_now(relay->service->gate->loop);
	if (relay->inward.held)
		return;
	give(&relay->inward, relay->out.fd, keys, is_new_line ? 1 : 2);
	relay->last_input = END_OF_INPUT;
}

static void
end_input(struct relay *relay)
{
	relay->inward.is_over = true;
	if (relay->is_terminal) {
		relay_type_end(relay);
		relay_restart_timer(relay);
	} else {
		relay_close(relay, &relay->in);
	}
}

static void
pass_ends_on(struct relay *relay)
{
	struct flow *inward = &relay->inward;
	struct flow *outward = &relay->outward;

	if (inward->is_discarded) {
		let_go(inward);
		relay_close(relay, &relay->in);
	}
	if (inward->is_at_end && !inward->held && !inward->is_over)
		end_input(relay);
	if (outward->is_at_end && !outward->held && !outward->is_over) {
		outward->is_over = true;
		(void)shutdown(relay->conn.fd, SHUT_WR);
		relay_close(relay, &relay->out);
	}
}

static bool
is_done(const struct relay *relay)
{
	return relay->outward.is_over &&
		(relay->is_terminal || relay->inward.is_over || relay->inward.is_discarded);
}

/* Errors and hang-ups come with whatever else is asked for. Of a client that nobody reads from
 * they are asked for alone, as long as they would be news. */
static uint32_t
events_of_conn(const struct relay *relay)
{
	uint32_t events = relay->outward.held ? EPOLLOUT : 0;

	if (relay->stage == RELAY_OPEN && !relay->inward.is_at_end && !relay->inward.held)
		events |= EPOLLIN;
	if (events == 0 && !relay->is_hung_up && !relay->outward.is_over)
		events = EPOLLERR;
	return events;
}

/* While nothing is read there, that the program has ended is asked for alone. */
static uint32_t
events_of_out(const struct relay *relay)
{
	uint32_t events = relay->has_place ? 0 : EPOLLERR;

	if (!relay->outward.is_at_end && !relay->outward.held)
		events = EPOLLIN;
	if (relay->is_terminal && relay->inward.held)
		events |= EPOLLOUT;
	return events;
}

static int
watch_again(struct relay *relay)
{
	struct loop *loop = relay->service->gate->loop;
	int result = loop_rewatch(loop, &relay->conn, events_of_conn(relay));

	if (result == 0 && relay->in.fd >= 0)
		result = loop_rewatch(loop, &relay->in, relay->inward.held ? EPOLLOUT : EPOLLERR);
	if (result == 0 && relay->out.fd >= 0)
		result = loop_rewatch(loop, &relay->out, events_of_out(relay));
	return result;
}

void
relay_move(struct relay *relay)
{
	if (relay->stage == RELAY_OPEN) {
		bool is_reset = move_inward(relay) < 0;

		if (!is_reset)
			move_outward(relay);
		if (is_reset || relay->outward.is_discarded) {
			relay_finish(relay, ENDING_CLIENT_RESET);
			return;
		}
		pass_ends_on(relay);
		if (is_done(relay)) {
			relay_finish(relay,
				relay->inward.is_at_end ? ENDING_CLIENT_CLOSED : ENDING_SERVED);
			return;
		}
	}
	if (watch_again(relay) < 0)
		relay_finish(relay, ENDING_ERROR);
}

/* ---------------------------------------------------------------- terminals */

static int
receive_descriptor(int way_fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec part = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	const struct cmsghdr *cmsg;
	int received_fd;

	if (recvmsg(way_fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	cmsg = CMSG_FIRSTHDR(&message);
	if (!cmsg || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
		return -EPIPE;
	memcpy(&received_fd, CMSG_DATA(cmsg), sizeof(received_fd));
	return received_fd;
}

void
relay_take_terminal(struct relay *relay)
{
	struct loop *loop = relay->service->gate->loop;
	int master_fd = receive_descriptor(relay->out.fd);

	if (master_fd == -EAGAIN || master_fd == -EINTR)
		return;
	/* The count of descriptors stays: one goes for one that has come. */
	if (master_fd >= 0) {
		loop_unwatch(loop, &relay->out);
		(void)close(relay->out.fd);
		relay->out.fd = master_fd;
	}
	if (master_fd < 0 || fcntl(master_fd, F_SETFL, O_NONBLOCK) < 0) {
		relay_finish(relay, ENDING_SERVED);
		return;
	}
	relay->stage = RELAY_OPEN;
	relay_move(relay);
}
