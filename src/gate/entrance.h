/* SPDX-License-Identifier: ISC */
/* Where every client of a stream passes, whichever way it came: accepted, named by a proxy, or
 * handed over by tcpmux. It has its place and its descriptor already; here it is served by whoever
 * serves its service, or turned away. */
#ifndef REEVE_GATE_ENTRANCE_H
#define REEVE_GATE_ENTRANCE_H

#include "gate/state.h"

struct entrant {
	struct service *service;
	int conn_fd; /* owned: whoever gets the entrant closes it */
	enum protocol protocol;
	struct netaddr peer;
	uint64_t source;      /* what it holds of its source's connections (gate/limits.h) */
	struct netaddr local; /* what it asked; family AF_UNSPEC: the kernel is to be asked */
	struct netaddr proxy; /* who said these two; family AF_UNSPEC: nobody did */
	int64_t accepted_us;  /* when, by shared_clock_us */
	bool is_kept_ready;   /* its socket is as a gate wants it, and not as a program does */
};

/* Serve it: it has been judged. */
void entrance_serve(const struct entrant *entrant);

/* Judge it first; false: it was turned away. */
bool entrance_judge_and_serve(struct entrant *entrant);

/* Close it and give its place back. */
void entrance_turn_away(const struct entrant *entrant);

#endif
