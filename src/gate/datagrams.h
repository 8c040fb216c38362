/* SPDX-License-Identifier: ISC */
/* Datagrams: received in batches, judged, given to the built-in or carried to a program, answered
 * in batches from the address that was asked. An answer that is part of what came in is sent from
 * where it lies. */
#ifndef REEVE_GATE_DATAGRAMS_H
#define REEVE_GATE_DATAGRAMS_H

#include "gate/state.h"

struct datagrams *datagrams_new(struct gate *gate);
struct datagrams *datagrams_free(struct datagrams *datagrams);

/* The `ready` of a datagram listener's watch. */
void datagrams_ready(struct watch *watch, uint32_t events);

/* Send what services have sent unasked in this turn. */
void datagrams_end_turn(struct datagrams *datagrams);

/* A listener is about to be closed: nothing may wait for its socket. */
void datagrams_forget(struct datagrams *datagrams, const struct listener *listener);

/* Send to a peer of that listener, from the address that it asked. */
void datagrams_send(struct listener *listener, const struct datagram_peer *peer, const char *bytes,
	size_t length);

/* May the peer be sent an answer, with so many bytes more than came from it (0 or less: as many)?
 * False: that is noted as a refusal. */
bool datagrams_may_answer(struct service *service, const struct datagram_peer *peer,
	int64_t excess);

/* Count a datagram that gets no answer, and tell the log now and then. */
void datagrams_note_refusal(struct service *service, const struct netaddr *peer,
	enum verdict verdict);

#endif
