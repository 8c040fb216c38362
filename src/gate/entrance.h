/* SPDX-License-Identifier: ISC */
/* Where every client of a stream passes, whichever way it came: accepted, named by a proxy, or
 * handed over by tcpmux. It goes step by step, and each step may let it wait (gate/hall.h), after
 * which it goes on with the next one: it is greeted, judged, given a place, welcomed, served. */
#ifndef REEVE_GATE_ENTRANCE_H
#define REEVE_GATE_ENTRANCE_H

#include "gate/state.h"

/* What it has of its service, until it is served or leaves. */
enum hold {
	HOLD_NOTHING,
	HOLD_PLACE, /* one of `instances` */
	HOLD_SEAT,  /* one of `queue`: it has to wait for a place */
};

struct answer;

struct entrant {
	struct service *service;
	int conn_fd; /* owned: whoever gets the entrant closes it */
	enum protocol protocol;
	struct netaddr peer;
	uint64_t source;      /* what it holds of its source's connections (gate/limits.h) */
	struct netaddr local; /* what it asked; family AF_UNSPEC: the kernel is to be asked */
	struct netaddr proxy; /* who said these two; family AF_UNSPEC: nobody did */
	int64_t accepted_us;  /* when, by shared_clock_us */
	enum hold hold;
	uint8_t step;       /* the next one */
	bool is_judged;     /* by its service's rules and limits: it may come in */
	bool is_kept_ready; /* its socket is as a gate wants it, and not as a program does */
	const struct answer *answer; /* to what had to be asked about it, while it is judged */
};

/* What became of it in a step. But for the first it is not the caller's any more. */
enum passage { PASSAGE_ON, PASSAGE_WAITS, PASSAGE_REFUSED };

/* Go on from its step. False: it was refused. */
bool entrance_go(struct entrant *entrant);

/* Give back what it holds: place or seat, and its source's connection. */
void entrance_give_back(struct entrant *entrant);

/* The same, and close it. */
void entrance_turn_away(const struct entrant *entrant);

#endif
