/* SPDX-License-Identifier: ISC */
/* What a built-in may do with a connection (services/service.h): it changes mode, stage and
 * output; conn_settle makes the socket follow. */
#include "gate/admission.h"
#include "gate/asking.h"
#include "gate/builtin.h"
#include "gate/conn.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/outbox.h"
#include "gate/queue.h"
#include "gate/relay.h"
#include "gate/service.h"
#include "model/proxies.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* What aside held belongs to the old mode. */
static void
set_mode(struct conn *conn, enum conn_mode mode)
{
	free(conn->aside.input); /* or what is repeated: both are malloc's */
	conn->aside.input = NULL;
	conn->mode = (uint8_t)mode;
}

struct builtin *
conn_builtin(const struct conn *conn)
{
	return conn->service->builtin;
}

void *
conn_state(struct conn *conn)
{
	return conn->state;
}

const struct netaddr *
conn_peer(const struct conn *conn)
{
	return &conn->peer;
}

const char *
conn_input(struct conn *conn, size_t *ret_length, bool *ret_is_end)
{
	const struct conns *conns = conn->service->gate->conns;
	const struct held *input =
		conn->mode == CONN_SHOWING && conn->stage == CONN_OPEN ? conn->aside.input : NULL;

	if (ret_is_end)
		*ret_is_end = conn->is_at_end;
	if (conns->shown == conn) {
		*ret_length = conns->shown_length;
		return conns->shown_bytes;
	}
	*ret_length = input ? input->length : 0;
	return input ? input->bytes + input->start : "";
}

void
conn_consume(struct conn *conn, size_t length)
{
	struct conns *conns = conn->service->gate->conns;
	struct held *input = conn->aside.input;

	if (conns->shown == conn) {
		length = length < conns->shown_length ? length : conns->shown_length;
		conns->shown_bytes += length;
		conns->shown_length -= length;
		return;
	}
	if (conn->mode != CONN_SHOWING || conn->stage != CONN_OPEN || !input)
		return;
	length = length < input->length ? length : input->length;
	input->start += (uint32_t)length;
	input->length -= (uint32_t)length;
	if (input->length == 0) {
		free(input);
		conn->aside.input = NULL;
	}
	conn_mark_due(conn); /* it may be read from again */
}

void
conn_ignore_input(struct conn *conn)
{
	if (conn->stage != CONN_OPEN)
		return;
	set_mode(conn, CONN_IGNORING);
	conn_mark_due(conn);
}

void
conn_move_input_to_output(struct conn *conn)
{
	const char *bytes;
	size_t length;

	if (conn->stage != CONN_OPEN)
		return;
	bytes = conn_input(conn, &length, NULL);
	if (length > 0 && conn_write(conn, bytes, length) < 0)
		conn_drop(conn, ENDING_SLOW);
	conn_consume(conn, length);
	set_mode(conn, CONN_ECHOING);
	conn_mark_due(conn);
}

/* Output of the running callback gathers, to leave in one piece. */
static void
gather(struct conns *conns, const char *bytes, size_t length)
{
	memcpy(conns->said + conns->said_length, bytes, length);
	conns->said_length += length;
}

/* Send what has gathered or is held: a client that reads is not slow because a callback has much
 * to say. Once in a callback: one that writes for as long as there is room has to come to an end
 * even with a client who makes room as fast. */
static void
send_early(struct conn *conn)
{
	struct conns *conns = conn->service->gate->conns;
	int result = 0;

	if (conn == conns->current && conns->has_sent_early)
		return;
	conns->has_sent_early |= conn == conns->current;
	if (conn == conns->current && conns->said_length > 0) {
		result = conn_send(conn, conns->said, conns->said_length, 0);
		conns->said_length = 0;
	} else if (conn->output)
		result = conn_flush(conn);
	if (result < 0)
		conn_drop(conn, ENDING_CLIENT_RESET);
}

int
conn_write(struct conn *conn, const char *bytes, size_t length)
{
	struct conns *conns = conn->service->gate->conns;
	size_t waiting = conn == conns->current ? conns->said_length : 0;

	waiting += conn->output ? conn->output->length : 0;
	if (length > CONN_HELD_MAX - waiting && conn->protocol != PROTOCOL_UNIX_SEQPACKET)
		send_early(conn);
	if (length == 0 || conn->stage >= CONN_FINISHING)
		return 0; /* nobody is there to read it */
	if (conn == conns->current && !conn->output && conn->protocol != PROTOCOL_UNIX_SEQPACKET) {
		if (length > CONN_HELD_MAX - conns->said_length) {
			conn->wants_writable = true;
			return -ENOBUFS;
		}
		gather(conns, bytes, length);
		return 0;
	}
	if (conn->protocol == PROTOCOL_UNIX_SEQPACKET && !conn->output) {
		/* One write, one packet, for as long as the client takes them. */
		int result = length <= CONN_HELD_MAX ? conn_send(conn, bytes, length, 0) : -ENOBUFS;

		if (result == -ENOBUFS)
			return -ENOBUFS;
		if (result < 0)
			conn_drop(conn, ENDING_CLIENT_RESET);
		return 0;
	}
	if (conn_hold(&conn->output, bytes, length, CONN_HELD_MAX) < 0) {
		conn->wants_writable = true;
		return -ENOBUFS;
	}
	conn_mark_due(conn);
	return 0;
}

void
conn_repeat(struct conn *conn, const char *block, size_t length, size_t offset)
{
	struct repeat *repeat;

	if (conn->stage != CONN_OPEN)
		return;
	repeat = malloc(sizeof(*repeat));
	if (!repeat || length == 0) {
		free(repeat);
		conn_drop(conn, ENDING_ERROR);
		return;
	}
	*repeat = (struct repeat){ .block = block, .length = length, .offset = offset % length };
	set_mode(conn, CONN_REPEATING);
	conn->aside.repeat = repeat;
	conn_mark_due(conn);
}

void
conn_finish(struct conn *conn, enum ending ending)
{
	if (conn->stage != CONN_OPEN)
		return;
	set_mode(conn, CONN_IGNORING);
	conn->wants_writable = false;
	conn->stage = CONN_FINISHING;
	conn->ending = (uint8_t)ending;
	conn_mark_due(conn);
}

void
conn_drop(struct conn *conn, enum ending ending)
{
	if (conn->stage >= CONN_LINGERING)
		return;
	conn_set_ended(conn, ending);
	conn_mark_due(conn);
}

/* Did one of its proxies open that connection, whoever it has named as its client? */
static bool
was_opened_by(const struct proxies *proxies, int conn_fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} from;
	socklen_t length = sizeof(from);
	struct netaddr opener;

	return getpeername(conn_fd, &from.any, &length) == 0 &&
		netaddr_from_sockaddr(&opener, &from.any) == 0 && proxies_has(proxies, &opener);
}

/* A service behind proxies takes no word of a client but by a header of one of them, here the one
 * with which the connection began. */
static bool
came_by_its_proxy(const struct conn *conn, struct service *target)
{
	static const struct policy_answer not_listed = { .verdict = VERDICT_refuse_proxy };

	if (!target->config->keys->proxy_from)
		return true;
	if (conn->service->config->keys->proxy_from &&
		was_opened_by(target->proxies, conn->watch.fd))
		return true;
	admission_note_refusal(target, &conn->peer, &not_listed, false);
	return false;
}

static enum hold
take_hold(struct service *target)
{
	if (target->config->keys->queue > 0)
		return queue_take(target);
	return service_admit(target) ? HOLD_PLACE : HOLD_NOTHING;
}

int
conn_hand_over(struct conn *conn, uint32_t target_index)
{
	struct service *target = builtin_find_target(conn->service->builtin, target_index);
	struct admission_client client = {
		.peer = &conn->peer, .conn_fd = conn->watch.fd, .is_named = conn->is_named
	};
	uint64_t source;
	enum hold hold;
	uint32_t needs;

	if (conn->stage != CONN_OPEN || !conn->service->builtin->ops->is_exact || !target)
		return -EINVAL;
	/* A program is started by the supervisor, which may have more to do than it can follow. */
	if (!target->builtin && outbox_is_behind(target->gate->outbox))
		return -EAGAIN;
	/* It has one already. */
	if (!listener_has_descriptors(target->gate, relay_descriptors(target) - 1))
		return -EAGAIN;
	if (!came_by_its_proxy(conn, target))
		return -EACCES;
	hold = limits_are_reached(target) ? HOLD_NOTHING : take_hold(target);
	if (hold == HOLD_NOTHING)
		return -EAGAIN;
	/* Its own rules hold, whichever door its client came in by. What has to be asked for
	 * them is asked, and the client may try again. */
	needs = admission_needs(target, &client);
	client.answer = needs != 0 ? asking_find(target, &conn->peer, needs) : NULL;
	if (needs != 0 && !client.answer) {
		asking_begin_for_later(target, &conn->peer, needs);
		queue_give_back(target, hold);
		return -EAGAIN;
	}
	if (admission_judge_stream(target, &client, &source) != VERDICT_ADMIT) {
		queue_give_back(target, hold);
		return -EACCES;
	}
	conn->is_seated = hold == HOLD_SEAT;
	/* From here on it counts as the target's, not as ours. */
	limits_release(conn->service->gate, conn->source);
	conn->source = source;
	set_mode(conn, CONN_IGNORING);
	service_borrow(target);
	conn->aside.target = target;
	conn->wants_writable = false;
	conn->stage = CONN_HANDING_OVER;
	conn_mark_due(conn);
	return 0;
}
