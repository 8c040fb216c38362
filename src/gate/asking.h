/* SPDX-License-Identifier: ISC */
/* What a gate has to ask the resolver about clients before they can be judged: their names, and
 * what tcp_wrappers' files say. The client waits in the hall meanwhile, and nobody else does.
 *
 * All clients of an address wait for the same answer, and it is remembered. How many questions
 * are open is bounded, for each source too, and how many clients wait for one: beyond that there
 * is no answer. The same if it does not come in time. When the resolver dies, the questions are
 * put to the next one. */
#ifndef REEVE_GATE_ASKING_H
#define REEVE_GATE_ASKING_H

#include "gate/entrance.h"
#include "model/answers.h"

/* What is known of that already; NULL: it has to be asked. */
const struct answer *asking_find(const struct service *service, const struct netaddr *peer,
	uint32_t asks);

/* Have the client of a stream wait for it in the hall, and judge it when it is known, or known
 * not to come. False: there is no asking now; it stays the caller's. */
bool asking_begin(const struct entrant *entrant, uint32_t asks);

/* Ask for nobody who waits: a datagram's next one will find the answer. */
void asking_begin_for_later(struct service *service, const struct netaddr *peer, uint32_t asks);

/* The supervisor's message: from now on that is the way to the resolver. */
int asking_take_channel(struct gate *gate, int channel_fd);

void asking_fini(struct gate *gate);

#endif
