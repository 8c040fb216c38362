/* SPDX-License-Identifier: ISC */
/* per=datagram: a program reads one datagram and the end, and what it writes is the answer. */
#include "gate/carry.h"

#include "gate/datagram_queue.h"
#include "gate/datagrams.h"
#include "gate/service.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/param.h>

/* Turns are shared: so many reads of one program. */
#define READS_AT_ONCE 16

static int
keep_answer(struct carry *carry, const char *bytes, size_t length)
{
	if (carry->answer_length + length > carry_longest_answer(carry))
		return -EMSGSIZE;
	if (carry->answer_length + length > carry->answer_room) {
		size_t room = MAX(carry->answer_length + length, carry->answer_room * 2);
		char *grown = realloc(carry->answer, room);

		if (!grown)
			return -ENOMEM;
		carry->answer = grown;
		carry->answer_room = room;
	}
	memcpy(carry->answer + carry->answer_length, bytes, length);
	carry->answer_length += length;
	return 0;
}

/* The program that ends without having read all of its datagram resets the pair, after what it
 * has written: that is as good an end as any. */
static int
read_part(struct carry *carry)
{
	char *scratch = carry_scratch(carry);
	ssize_t length = recv(carry->watch.fd, scratch, DATAGRAM_MAX + 1, MSG_DONTWAIT);

	if (length < 0 && errno == EINTR)
		return 1;
	if (length < 0 && errno == EAGAIN)
		return 0;
	if (length == 0 || (length < 0 && errno == ECONNRESET))
		return -EPIPE;
	if (length < 0)
		return -errno;
	carry_note_move(carry);
	return keep_answer(carry, scratch, (size_t)length) < 0 ? -EMSGSIZE : 1;
}

/* What fits of the datagram; behind its last byte the program finds the end. */
static int
feed(struct carry *carry, const char *bytes, size_t length, size_t *ret_done)
{
	ssize_t sent =
		length == 0 ? 0 : send(carry->watch.fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	*ret_done = sent > 0 ? (size_t)sent : 0;
	if (*ret_done == length) {
		(void)shutdown(carry->watch.fd, SHUT_WR);
		return 0;
	}
	/* A program that is gone has not wanted the rest: what it said is read all the same. */
	return sent < 0 && errno != EAGAIN && errno != EINTR ? 0 : -EAGAIN;
}

static void
feed_unsent(struct carry *carry)
{
	size_t done;
	int result = feed(carry, carry->unsent + carry->unsent_done,
		carry->unsent_length - carry->unsent_done, &done);

	carry->unsent_done += done;
	carry_note_move(carry);
	if (result < 0)
		return;
	free(carry->unsent);
	carry->unsent = NULL;
	if (loop_rewatch(carry->service->gate->loop, &carry->watch, EPOLLIN) < 0)
		carry_end(carry, ENDING_ERROR);
}

void
carry_single_ready(struct carry *carry, uint32_t events)
{
	int result = 1;

	for (int i = 0; i < READS_AT_ONCE && result == 1; i++)
		result = read_part(carry);
	if (result == -EMSGSIZE) {
		datagrams_note_refusal(carry->service, &carry->peer.address, VERDICT_refuse_length);
		carry_end(carry, ENDING_OVERLONG);
	} else if (result < 0) {
		carry_end(carry, result == -EPIPE ? ENDING_SERVED : ENDING_ERROR);
	} else if ((events & EPOLLOUT) != 0 && carry->unsent) {
		feed_unsent(carry);
	}
}

void
carry_single(struct listener *listener, const struct datagram_peer *peer, const char *bytes,
	size_t length)
{
	struct carry *carry = carry_begin(listener, peer);
	size_t done;

	if (!carry)
		return;
	carry->bytes_in = carry->credit = length;
	if (feed(carry, bytes, length, &done) == 0)
		return;
	carry->unsent_length = length - done;
	carry->unsent = malloc(carry->unsent_length);
	if (carry->unsent)
		memcpy(carry->unsent, bytes + done, carry->unsent_length);
	if (!carry->unsent ||
		loop_rewatch(listener->service->gate->loop, &carry->watch, EPOLLIN | EPOLLOUT) < 0)
		carry_end(carry, ENDING_ERROR);
}
