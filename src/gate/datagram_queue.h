/* SPDX-License-Identifier: ISC */
/* Datagrams on their way out of one socket, sent together. What does not fit the socket's
 * buffer is dropped and not counted as sent: a datagram service never waits for a client. */
#ifndef REEVE_GATE_DATAGRAM_QUEUE_H
#define REEVE_GATE_DATAGRAM_QUEUE_H

#include "gate/state.h"

#include <sys/socket.h>
#include <sys/un.h>

#define DATAGRAM_MAX 65535
#define DATAGRAM_BATCH 64

/* The kernel's form of any address that a datagram comes from. */
union datagram_name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un path;
};

struct datagram_queue;

struct datagram_queue *datagram_queue_new(void);
struct datagram_queue *datagram_queue_free(struct datagram_queue *queue);

/* Add one for `listener`, sending first what is queued for another. `bytes` that `is_lent` are
 * sent from where they lie, and stay there until datagram_queue_flush; others are copied.
 * `from` is the source address if the listener has none of its own. */
struct datagram_to {
	struct listener *listener;
	const union datagram_name *name; /* copied */
	socklen_t name_length;
	const struct netaddr *from;
};
void datagram_queue_add(struct datagram_queue *queue, const struct datagram_to *to,
	const char *bytes, size_t length, bool is_lent);

void datagram_queue_flush(struct datagram_queue *queue);

/* Drop what is queued for it. */
void datagram_queue_forget(struct datagram_queue *queue, const struct listener *listener);

#endif
