/* SPDX-License-Identifier: ISC */
/* Output of connections: sent at once, held when the client does not take it, repeated. */
#include "base/explain.h"
#include "gate/conn.h"

#include <errno.h>
#include <string.h>

#define HELD_FIRST_ROOM 256

/* What one sendmsg carries of a repeated block. A short block many times over beats one long
 * one: it stays in the processor's cache. */
#define REPEAT_PARTS 40
#define REPEAT_BYTES 262144
#define REPEAT_PACKET_BYTES 8192

static int
make_room(struct held **held, size_t needed)
{
	struct held *old = *held;
	size_t room = old ? old->room : HELD_FIRST_ROOM;
	struct held *grown;

	if (old && old->start > 0) {
		memmove(old->bytes, old->bytes + old->start, old->length);
		old->start = 0;
	}
	if (old && needed <= room)
		return 0;
	while (room < needed)
		room *= 2;
	grown = realloc(old, sizeof(*grown) + room);
	if (!grown)
		return -ENOMEM;
	if (!old)
		grown->start = grown->length = 0;
	grown->room = (uint32_t)room;
	*held = grown;
	return 0;
}

int
conn_hold(struct held **held, const char *bytes, size_t length, size_t max)
{
	size_t old_length = *held ? (*held)->length : 0;
	size_t old_end = *held ? old_length + (*held)->start : 0;

	if (old_length + length > max)
		return -ENOBUFS;
	if ((!*held || old_end + length > (*held)->room) &&
		make_room(held, old_length + length) < 0)
		return -ENOMEM;
	memcpy((*held)->bytes + (*held)->start + old_length, bytes, length);
	(*held)->length += (uint32_t)length;
	return 0;
}

/* How many bytes the client's socket took, 0 if none for now; -errno. */
static int64_t
try_send(struct conn *conn, const char *bytes, size_t length, int flags)
{
	ssize_t sent = send(conn->watch.fd, bytes, length, flags | MSG_NOSIGNAL | MSG_DONTWAIT);

	if (sent < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	EXPLAIN(send, .conn_fd = conn->watch.fd, .bytes = { bytes, (size_t)sent }, .length = sent);
	conn->bytes_out += (uint64_t)sent;
	conn_note_move(conn);
	return sent;
}

int
conn_send(struct conn *conn, const char *bytes, size_t length, int flags)
{
	int64_t sent = try_send(conn, bytes, length, flags);

	if (sent < 0)
		return (int)sent;
	if ((size_t)sent == length)
		return 0;
	return conn_hold(&conn->output, bytes + sent, length - (size_t)sent, CONN_HELD_MAX);
}

int
conn_flush(struct conn *conn)
{
	struct held *output = conn->output;
	int64_t sent = try_send(conn, output->bytes + output->start, output->length, 0);

	if (sent < 0)
		return (int)sent;
	output->start += (uint32_t)sent;
	output->length -= (uint32_t)sent;
	if (output->length == 0) {
		free(output);
		conn->output = NULL;
	}
	return 0;
}

void
conn_send_repeat(struct conn *conn)
{
	struct repeat *repeat = conn->aside.repeat;
	bool is_packets = conn->protocol == PROTOCOL_UNIX_SEQPACKET;
	size_t room = is_packets ? REPEAT_PACKET_BYTES : REPEAT_BYTES;
	struct iovec parts[REPEAT_PARTS];
	struct msghdr message = { .msg_iov = parts };
	size_t offset = repeat->offset;
	ssize_t sent;

	for (; message.msg_iovlen < REPEAT_PARTS && room > 0; message.msg_iovlen++) {
		size_t length = repeat->length - offset;

		if (length > room)
			length = room;
		/* sendmsg reads only; iovec has no const. */
		parts[message.msg_iovlen].iov_base = (void *)(uintptr_t)(repeat->block + offset);
		parts[message.msg_iovlen].iov_len = length;
		room -= length;
		offset = 0;
	}
	sent = sendmsg(conn->watch.fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (sent < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		conn_set_ended(conn, ENDING_CLIENT_RESET);
		conn_reap(conn);
		return;
	}
	repeat->offset = (repeat->offset + (size_t)sent) % repeat->length;
	conn->bytes_out += (uint64_t)sent;
	conn_note_move(conn);
}
