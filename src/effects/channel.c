/* SPDX-License-Identifier: ISC */
/* The channel: framing, descriptors, and the rules that every message must keep. */
#include "effects/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* On the wire: the frame, the body, the rows. Both ends are one build on one machine. */
struct frame {
	uint32_t type;
	uint32_t row_count;
};

struct rule {
	const char *name;
	enum channel_side side;
	unsigned phases;
	uint32_t fds_min;
	uint32_t fds_max;
	uint32_t rows_max;
	size_t row_size;
	size_t body_size;
};

#define TO_GATE CHANNEL_TO_GATE
#define TO_SUPERVISOR CHANNEL_TO_SUPERVISOR
#define TO_RESOLVER CHANNEL_TO_RESOLVER
#define FROM_RESOLVER CHANNEL_FROM_RESOLVER
#define QUESTION CHANNEL_QUESTION
#define ANSWER CHANNEL_ANSWER
#define HELLO CHANNEL_HELLO
#define SETUP CHANNEL_SETUP
#define SERVE CHANNEL_SERVE
#define STOP CHANNEL_STOP
static const struct rule rules[MESSAGE_COUNT] = {
#define MESSAGE(name, side, phases, fds_min, fds_max, rows_max, row_size)               \
	[MESSAGE_##name] = { #name, side, phases, fds_min, fds_max, rows_max, row_size, \
		sizeof(struct message_##name) },
#include "effects/messages.def"
#undef MESSAGE
};

/* Rows are read in place behind the frame and the body, so both must keep them aligned, and the
 * longest message must fit. */
_Static_assert(_Alignof(struct message_listeners_row) <= 4, "rows lie at multiples of four");
_Static_assert(_Alignof(struct message_services_row) <= 4, "rows lie at multiples of four");
#define MESSAGE(name, side, phases, fds_min, fds_max, rows_max, row_size)                       \
	_Static_assert(sizeof(struct frame) + sizeof(struct message_##name) +                   \
					(rows_max) * (row_size) <=                              \
				CHANNEL_SIZE_MAX &&                                             \
			(fds_max) <= CHANNEL_FDS_MAX && sizeof(struct message_##name) % 4 == 0, \
		#name " fits");
#include "effects/messages.def"
#undef MESSAGE

int
channel_pair(int *ret_supervisor_fd, int *ret_gate_fd)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
		return -errno;
	*ret_supervisor_fd = fds[0];
	*ret_gate_fd = fds[1];
	return 0;
}

int
channel_send(int channel_fd, enum message_type type, const void *body, const void *rows,
	uint32_t row_count, const int *fds, uint32_t fd_count)
{
	const struct rule *rule = &rules[type];
	struct frame frame = { .type = type, .row_count = row_count };
	/* sendmsg reads only; iovec has no const. */
	struct iovec parts[] = {
		{ .iov_base = &frame, .iov_len = sizeof(frame) },
		{ .iov_base = (void *)(uintptr_t)body, .iov_len = rule->body_size },
		{ .iov_base = (void *)(uintptr_t)rows, .iov_len = row_count * rule->row_size },
	};
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = row_count > 0 ? 3 : 2 };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(CHANNEL_FDS_MAX * sizeof(int))];
	} control;

	if (fd_count > 0) {
		struct cmsghdr *cmsg = &control.align;

		header.msg_control = &control;
		header.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		memset(&control, 0, header.msg_controllen); /* the padding, too, is sent */
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	if (sendmsg(channel_fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return 0;
}

static void
take_fds(struct message *message, struct msghdr *header)
{
	message->fd_count = 0;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(header); cmsg != NULL;
		cmsg = CMSG_NXTHDR(header, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		memcpy(message->fds + message->fd_count, CMSG_DATA(cmsg), count * sizeof(int));
		message->fd_count += (uint32_t)count;
	}
}

int
channel_check(struct message *message, size_t length, enum channel_side side,
	enum channel_phase phase, const char **ret_rule)
{
	const struct rule *rule;
	struct frame frame;
	const char *broken = NULL;

	message->type = MESSAGE_NONE;
	if (length < sizeof(frame)) {
		*ret_rule = "shorter than any message";
		return -EPROTO;
	}
	memcpy(&frame, message->bytes, sizeof(frame));
	if (frame.type == MESSAGE_NONE || frame.type >= MESSAGE_COUNT) {
		*ret_rule = "no such message";
		return -EPROTO;
	}
	message->type = (enum message_type)frame.type;
	rule = &rules[frame.type];
	if (rule->side != side)
		broken = "sent in the wrong direction";
	else if ((rule->phases & phase) == 0)
		broken = "not permitted in this phase";
	else if (frame.row_count > rule->rows_max)
		broken = "too many rows";
	else if (length != sizeof(frame) + rule->body_size + frame.row_count * rule->row_size)
		broken = "wrong length";
	else if (message->fd_count < rule->fds_min || message->fd_count > rule->fds_max)
		broken = "wrong number of descriptors";
	if (broken != NULL) {
		*ret_rule = broken;
		return -EPROTO;
	}
	memcpy(&message->body, message->bytes + sizeof(frame), rule->body_size);
	message->rows = message->bytes + sizeof(frame) + rule->body_size;
	message->row_count = frame.row_count;
	return 0;
}

/* An end that is closed with messages unread is told of first, once; what was sent before it is in
 * the queue all the same. */
static ssize_t
receive(int channel_fd, struct msghdr *header)
{
	const int flags = MSG_DONTWAIT | MSG_CMSG_CLOEXEC;
	ssize_t length = recvmsg(channel_fd, header, flags);

	return length < 0 && errno == ECONNRESET ? recvmsg(channel_fd, header, flags) : length;
}

int
channel_receive(int channel_fd, enum channel_side side, enum channel_phase phase,
	struct message *message, const char **ret_rule)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(CHANNEL_FDS_POSSIBLE * sizeof(int))];
	} control;
	struct iovec part = { .iov_base = message->bytes, .iov_len = sizeof(message->bytes) };
	struct msghdr header = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t length = receive(channel_fd, &header);
	int error;

	message->fd_count = 0;
	if (length < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return 0;
		return errno == ECONNRESET ? -EPIPE : -errno;
	}
	take_fds(message, &header);
	if (length == 0 && message->fd_count == 0)
		return -EPIPE;
	if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
		*ret_rule = "longer than any message";
		message->type = MESSAGE_NONE;
		error = -EPROTO;
	} else
		error = channel_check(message, (size_t)length, side, phase, ret_rule);
	if (error < 0) {
		channel_done(message);
		return error;
	}
	return 1;
}

/* We may be the last who have it, and with SO_LINGER, close(2) would wait for the client to take
 * what it is owed, for as long as the sender has asked. */
static void
close_at_once(int received_fd)
{
	const struct linger none = { .l_onoff = 0 };

	(void)setsockopt(received_fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	(void)close(received_fd);
}

void
channel_done(struct message *message)
{
	for (uint32_t i = 0; i < message->fd_count; i++)
		if (message->fds[i] >= 0)
			close_at_once(message->fds[i]);
	message->fd_count = 0;
}

/* What is left in the queue the kernel would close on our behalf, and have us wait. A message
 * without a byte is told from the end by its sender's credentials, which every message has. */
void
channel_close(int channel_fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(struct ucred)) +
			CMSG_SPACE(CHANNEL_FDS_POSSIBLE * sizeof(int))];
	} control;
	const int on = 1;
	bool is_end;

	/* From here on the queue grows no more. */
	(void)shutdown(channel_fd, SHUT_RD);
	(void)setsockopt(channel_fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	do {
		struct msghdr header = { .msg_control = &control,
			.msg_controllen = sizeof(control) };
		struct message message;
		ssize_t got = receive(channel_fd, &header);

		is_end = got < 0 || CMSG_FIRSTHDR(&header) == NULL;
		if (!is_end) {
			take_fds(&message, &header);
			channel_done(&message);
		}
	} while (!is_end);
	(void)close(channel_fd);
}

const char *
channel_message_name(enum message_type type)
{
	return type > MESSAGE_NONE && type < MESSAGE_COUNT ? rules[type].name : "unknown";
}
