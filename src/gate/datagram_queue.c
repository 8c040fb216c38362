/* SPDX-License-Identifier: ISC */
/* The way out for datagrams.
 *
 * Runs of equal answers to one peer could leave as one send with UDP_SEGMENT; measured on
 * loopback with 64-byte echoes that was no faster than sendmmsg alone, so it is left out. */
#include "gate/datagram_queue.h"

#include "base/explain.h"
#include "gate/service.h"

#include <errno.h>
#include <string.h>

/* Answers that are copied: room for a batch of short ones or four of the longest. */
#define ARENA_BYTES (4 * DATAGRAM_MAX)

union source_control {
	struct cmsghdr align;
	char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

struct datagram_queue {
	struct listener *listener; /* of all that is queued */
	unsigned count;
	size_t arena_used;
	struct mmsghdr messages[DATAGRAM_BATCH];
	struct iovec parts[DATAGRAM_BATCH];
	union datagram_name names[DATAGRAM_BATCH];
	union source_control controls[DATAGRAM_BATCH];
	char arena[ARENA_BYTES];
};

struct datagram_queue *
datagram_queue_new(void)
{
	return calloc(1, sizeof(struct datagram_queue));
}

struct datagram_queue *
datagram_queue_free(struct datagram_queue *queue)
{
	free(queue);
	return NULL;
}

static size_t
put_source(union source_control *control, const struct netaddr *from)
{
	struct cmsghdr *cmsg = &control->align;

	if (from->family == AF_INET) {
		struct in_pktinfo source = { .ipi_spec_dst = from->ip.v4 };

		cmsg->cmsg_level = IPPROTO_IP;
		cmsg->cmsg_type = IP_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(source));
		memcpy(CMSG_DATA(cmsg), &source, sizeof(source));
		return sizeof(control->v4);
	}
	if (from->family == AF_INET6) {
		struct in6_pktinfo source = { .ipi6_addr = from->ip.v6,
			.ipi6_ifindex = from->scope };

		cmsg->cmsg_level = IPPROTO_IPV6;
		cmsg->cmsg_type = IPV6_PKTINFO;
		cmsg->cmsg_len = CMSG_LEN(sizeof(source));
		memcpy(CMSG_DATA(cmsg), &source, sizeof(source));
		return sizeof(control->v6);
	}
	return 0;
}

void
datagram_queue_add(struct datagram_queue *queue, const struct datagram_to *to, const char *bytes,
	size_t length, bool is_lent)
{
	struct msghdr *message;
	unsigned place;

	if (queue->count == DATAGRAM_BATCH || queue->listener != to->listener ||
		(!is_lent && queue->arena_used + length > ARENA_BYTES))
		datagram_queue_flush(queue);
	queue->listener = to->listener;
	place = queue->count++;
	if (!is_lent) {
		char *copy = queue->arena + queue->arena_used;

		memcpy(copy, bytes, length);
		queue->arena_used += length;
		bytes = copy;
	}
	/* sendmmsg reads only; iovec has no const. */
	queue->parts[place].iov_base = (void *)(uintptr_t)bytes;
	queue->parts[place].iov_len = length;
	memcpy(&queue->names[place], to->name, to->name_length);
	message = &queue->messages[place].msg_hdr;
	message->msg_name = &queue->names[place];
	message->msg_namelen = to->name_length;
	message->msg_iov = &queue->parts[place];
	message->msg_iovlen = 1;
	message->msg_control = NULL;
	message->msg_controllen = 0;
	if (to->listener->is_wildcard) {
		message->msg_controllen = put_source(&queue->controls[place], to->from);
		message->msg_control = &queue->controls[place];
	}
}

static void
tell_sent(const struct datagram_queue *queue, unsigned place)
{
	const struct iovec *part = &queue->parts[place];
	struct netaddr peer = { .family = AF_UNIX };

	if (!log_explains())
		return;
	(void)netaddr_from_sockaddr(&peer, queue->messages[place].msg_hdr.msg_name);
	EXPLAIN(send_datagram, .socket_fd = queue->listener->watch.fd,
		.bytes = { part->iov_base, part->iov_len }, .length = (int64_t)part->iov_len,
		.peer = &peer);
}

void
datagram_queue_flush(struct datagram_queue *queue)
{
	unsigned done = 0;
	uint64_t sent = 0;
	uint64_t bytes = 0;

	while (done < queue->count) {
		int result = sendmmsg(queue->listener->watch.fd, queue->messages + done,
			queue->count - done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (result < 0 && errno == EINTR)
			continue;
		if (result < 0 && errno == EAGAIN && queue->listener->address.family != AF_UNIX)
			break; /* our own buffer is full; the next would not fit either */
		if (result <= 0) {
			/* No error is left over from an earlier answer (the kernel reports
			 * none to an unconnected socket without IP_RECVERR): this peer
			 * cannot be sent to, the others may. */
			done++;
			continue;
		}
		for (int i = 0; i < result; i++) {
			bytes += queue->messages[done + (unsigned)i].msg_len;
			tell_sent(queue, done + (unsigned)i);
		}
		sent += (uint64_t)result;
		done += (unsigned)result;
	}
	if (sent > 0) {
		service_count(queue->listener->service, METRIC_sent_datagrams, sent);
		service_count(queue->listener->service, METRIC_sent_bytes, bytes);
	}
	queue->count = 0;
	queue->arena_used = 0;
	queue->listener = NULL;
}

void
datagram_queue_forget(struct datagram_queue *queue, const struct listener *listener)
{
	if (queue->listener != listener)
		return;
	queue->count = 0;
	queue->arena_used = 0;
	queue->listener = NULL;
}
