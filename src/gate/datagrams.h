/* SPDX-License-Identifier: ISC */
/* Datagrams of built-ins: received in batches, judged, answered in batches from the address
 * that was asked. An answer that is part of what came in is sent from where it lies. */
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

#endif
