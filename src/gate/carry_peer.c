/* SPDX-License-Identifier: ISC */
/* per=peer: a program gets every datagram of its peer, and what it writes goes there. */
#include "gate/carry.h"

#include "gate/carry_table.h"
#include "gate/datagram_queue.h"
#include "gate/datagrams.h"
#include "gate/listener.h"
#include "gate/service.h"

#include <errno.h>

/* Turns are shared: so many answers of one program. */
#define ANSWERS_AT_ONCE 16
#define LAST_WORDS_MAX 256 /* datagrams; one that writes on and on is not listened to for ever */

/* A control message that comes with each datagram, be it empty, and not with the end. */
union timestamp_control {
	struct cmsghdr align;
	char room[CMSG_SPACE(sizeof(struct timeval))];
};

/* 1: one more, 0: not now, -errno; the end is -EPIPE. A program that ends with datagrams unread
 * resets the pair: an error that is told once, before what it had written. */
static int
read_answer(struct carry *carry)
{
	char *scratch = carry_scratch(carry);
	union timestamp_control control;
	struct iovec part = { .iov_base = scratch, .iov_len = DATAGRAM_MAX + 1 };
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t length = recvmsg(carry->watch.fd, &message, MSG_DONTWAIT);

	if (length < 0 && errno == EAGAIN)
		return 0;
	if (length < 0)
		return errno == ECONNRESET || errno == EINTR ? 1 : -errno;
	if (length == 0 && message.msg_controllen == 0)
		return -EPIPE;
	carry_note_move(carry);
	carry_answer(carry, scratch, (size_t)length);
	return 1;
}

void
carry_peer_ready(struct carry *carry)
{
	int result = 1;

	for (int i = 0; i < ANSWERS_AT_ONCE && result == 1; i++)
		result = read_answer(carry);
	if (result < 0)
		carry_end(carry, result == -EPIPE ? ENDING_SERVED : ENDING_ERROR);
}

/* Without a place the datagram is dropped: it must not keep those of others from their programs. */
static struct carry *
begin_for_peer(struct listener *listener, const struct datagram_peer *peer)
{
	struct service *service = listener->service;
	bool has_descriptor = listener_has_descriptors(service->gate, 1);

	if (has_descriptor && service_admit_or_drop(service))
		return carry_begin(listener, peer);
	datagrams_note_refusal(service, &peer->address,
		has_descriptor ? VERDICT_refuse_instances : VERDICT_wait_descriptors);
	return NULL;
}

/* 0; -EAGAIN: the program has more than enough to read; -EPIPE: it has ended. */
static int
pass_on(const struct carry *carry, const char *bytes, size_t length)
{
	if (send(carry->watch.fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
		return 0;
	/* The reset of a program that ended with datagrams unread is told to whoever asks first. */
	return errno == EPIPE || errno == ECONNRESET ? -EPIPE : -EAGAIN;
}

void
carry_peer(struct listener *listener, const struct datagram_peer *peer, const char *bytes,
	size_t length)
{
	struct service *service = listener->service;
	struct carry *carry = carry_table_find(carry_peers(service->gate), peer);
	int result = carry ? pass_on(carry, bytes, length) : -EPIPE;

	if (result == -EPIPE) {
		/* Its last words before those of the next program. */
		for (int i = 0; carry && i < LAST_WORDS_MAX && read_answer(carry) == 1; i++)
			;
		if (carry)
			carry_end(carry, ENDING_SERVED);
		carry = begin_for_peer(listener, peer);
		if (!carry)
			return;
		result = pass_on(carry, bytes, length);
	}
	if (result < 0) {
		datagrams_note_refusal(service, &peer->address, VERDICT_refuse_slow);
		return;
	}
	carry_note_move(carry);
	carry->bytes_in += length;
	carry->credit += length;
}
