/* SPDX-License-Identifier: ISC */
/* Input of connections: shown to the service, echoed, or forgotten. */
#include "base/explain.h"
#include "gate/conn.h"
#include "gate/service.h"

#include <errno.h>
#include <string.h>

static void
end_now(struct conn *conn, enum ending ending)
{
	conn_set_ended(conn, ending);
	conn_reap(conn);
}

static bool
is_for_later(int error)
{
	return error == EAGAIN || error == EINTR;
}

static void
tell_recv(const struct conn *conn, const char *bytes, ssize_t length)
{
	/* What was thrown away without a copy cannot be shown. */
	size_t shown = *bytes == '\0' ? 0 : (size_t)length;

	if (length > 0)
		EXPLAIN(recv, .conn_fd = conn->watch.fd, .length = length,
			.bytes = { bytes, shown });
	else
		EXPLAIN(recv_end, .conn_fd = conn->watch.fd);
}

int64_t
conn_discard(struct conn *conn)
{
	struct conns *conns = conn->service->gate->conns;
	bool is_tcp = protocol_family((enum protocol)conn->protocol) != AF_UNIX;
	ssize_t length;

	/* Only TCP throws bytes away without a copy (tcp(7), MSG_TRUNC): it touches no memory. */
	if (is_tcp)
		length = recv(conn->watch.fd, conns->scratch, SCRATCH_SIZE,
			MSG_TRUNC | MSG_DONTWAIT);
	else
		length = recv(conn->watch.fd, conns->scratch, CONN_READ_MAX, MSG_DONTWAIT);
	if (length < 0)
		return -errno;
	tell_recv(conn, is_tcp ? "" : conns->scratch, length);
	conn->bytes_in += (uint64_t)length;
	return length;
}

static void
read_ignored(struct conn *conn)
{
	int64_t length = conn_discard(conn);

	if (length < 0) {
		if (!is_for_later((int)-length))
			end_now(conn, ENDING_CLIENT_RESET);
		return;
	}
	if (length > 0) {
		conn_note_move(conn);
		return;
	}
	conn->is_at_end = true;
	if (conn->mode == CONN_REPEATING)
		conn_rewatch(conn);
	else
		end_now(conn, ENDING_CLIENT_CLOSED);
}

static void
read_echoed(struct conn *conn)
{
	struct conns *conns = conn->service->gate->conns;
	bool is_packets = conn->protocol == PROTOCOL_UNIX_SEQPACKET;
	ssize_t length = recv(conn->watch.fd, conns->scratch, CONN_READ_MAX,
		MSG_DONTWAIT | (is_packets ? MSG_TRUNC : 0));
	int result;

	if (length >= 0)
		tell_recv(conn, conns->scratch, length);
	if (length <= 0) {
		if (length == 0)
			end_now(conn, ENDING_CLIENT_CLOSED);
		else if (!is_for_later(errno))
			end_now(conn, ENDING_CLIENT_RESET);
		return;
	}
	if (length > CONN_READ_MAX) {
		end_now(conn, ENDING_ABUSE); /* a packet longer than what may be held */
		return;
	}
	conn->bytes_in += (uint64_t)length;
	result = conn_send(conn, conns->scratch, (size_t)length, 0);
	if (result < 0)
		end_now(conn, result == -ENOMEM ? ENDING_ERROR : ENDING_CLIENT_RESET);
	else if (conn->output)
		conn_rewatch(conn);
}

/* Take the consumed bytes out of the socket, where peeking left them. */
static void
take_peeked(struct conn *conn, size_t consumed)
{
	struct conns *conns = conn->service->gate->conns;

	if (consumed == 0)
		return;
	if (recv(conn->watch.fd, conns->scratch, consumed, MSG_DONTWAIT) != (ssize_t)consumed)
		conn_set_ended(conn, ENDING_ERROR);
	conn->bytes_in += consumed;
}

static void
show(struct conn *conn, size_t kept, size_t fresh)
{
	struct conns *conns = conn->service->gate->conns;
	const struct service_ops *ops = conn->service->builtin->ops;
	size_t consumed;

	conns->shown = conn;
	conns->shown_bytes = conns->scratch;
	conns->shown_length = kept + fresh;
	conn_enter(conn);
	ops->readable(conn);
	conns->shown = NULL;
	consumed = kept + fresh - conns->shown_length;
	if (ops->is_exact) {
		take_peeked(conn, consumed);
		/* What nobody takes would be shown again at once, for ever. */
		if (consumed == 0 && fresh > 0 && conn->stage == CONN_OPEN &&
			conn->mode == CONN_SHOWING)
			conn_set_ended(conn, ENDING_ABUSE);
	} else {
		conn->bytes_in += fresh;
		if (conns->shown_length > 0 && conn->stage == CONN_OPEN &&
			conn->mode == CONN_SHOWING &&
			conn_hold(&conn->aside.input, conns->shown_bytes, conns->shown_length,
				CONN_UNCONSUMED_MAX) < 0)
			conn_set_ended(conn, ENDING_ERROR);
	}
	conn_leave(conn);
}

static void
read_shown(struct conn *conn)
{
	struct conns *conns = conn->service->gate->conns;
	struct held *input = conn->aside.input;
	size_t kept = input ? input->length : 0;
	int flags = MSG_DONTWAIT | (conn->service->builtin->ops->is_exact ? MSG_PEEK : 0);
	size_t room = kept < CONN_UNCONSUMED_MAX ? CONN_UNCONSUMED_MAX - kept : 0;
	ssize_t fresh;

	if (room == 0) {
		conn_rewatch(conn);
		return;
	}
	fresh = recv(conn->watch.fd, conns->scratch + kept, room, flags);
	if (fresh < 0) {
		if (!is_for_later(errno))
			end_now(conn, ENDING_CLIENT_RESET);
		return;
	}
	tell_recv(conn, conns->scratch + kept, fresh);
	if (fresh == 0)
		conn->is_at_end = true;
	else
		conn_note_move(conn);
	if (input)
		memcpy(conns->scratch, input->bytes + input->start, kept);
	free(input);
	conn->aside.input = NULL;
	show(conn, kept, (size_t)fresh);
}

void
conn_read(struct conn *conn)
{
	switch ((enum conn_mode)conn->mode) {
	case CONN_SHOWING:
		read_shown(conn);
		break;
	case CONN_ECHOING:
		read_echoed(conn);
		break;
	case CONN_IGNORING:
	case CONN_REPEATING:
		read_ignored(conn);
		break;
	}
}
