/* SPDX-License-Identifier: ISC */
/* The hall: where clients of streams are that have been accepted and wait before they are served,
 * for a proxy's header, say. A guest waits for one thing at a time, its stage, and for a limited
 * time; one that hangs up leaves at once.
 *
 * Each costs a descriptor and the stage's memory. How many there can be is bounded by what they
 * hold: each has a place of its service, or something else that is counted and has a limit. */
#ifndef REEVE_GATE_HALL_H
#define REEVE_GATE_HALL_H

#include "gate/entrance.h"

struct guest;

/* Why a guest cannot wait any longer. */
enum hall_end {
	HALL_LATE,    /* its time is over */
	HALL_HUNG_UP, /* the client has gone */
	HALL_GONE, /* a new configuration has left the service out: no rules of it judge any more */
	HALL_STOP, /* the daemon ends */
};

/* What is waited for. Both functions take the guest out of the hall when its waiting is over, and
 * `over` always does. */
struct hall_stage {
	/* Something that was asked for, or an error or end. NULL: only the client's hanging up
	 * matters, and nothing is read: what it sends is for whoever serves it. */
	void (*ready)(struct guest *guest);
	uint32_t events; /* EPOLLIN, EPOLLOUT: beside errors and ends */
	void (*over)(struct guest *guest, enum hall_end why);
	bool ends_at_stop; /* else it goes on during the grace */
	bool is_refused;   /* it waits for nothing any more, but has time to read why */
};

/* The first member of what the stage remembers; that is malloc'ed, and freed by the stage. */
struct guest {
	struct watch watch; /* first */
	struct timer patience;
	struct guest *next; /* of all in the gate */
	struct guest **from;
	const struct hall_stage *stage;
	struct entrant entrant;
};

/* Let the client wait for `patience` at most (0: without end). From now on the hall has its
 * descriptor, its place, and a hold on its service. -errno: nothing of that has changed hands. */
int hall_enter(struct guest *guest, const struct entrant *entrant, const struct hall_stage *stage,
	msec patience);

/* It waits for something else from now on. -errno: nothing has changed but its patience. */
int hall_change(struct guest *guest, const struct hall_stage *stage, msec patience);

/* It waits no longer. The entrant is the caller's again, and the hold on the service: to be
 * returned (service_return) when the caller is done with the entrant. */
struct entrant hall_leave(struct guest *guest);

/* After a new configuration has been taken over; when the gate has been told to stop. */
void hall_forget_gone(struct gate *gate);
void hall_stop(struct gate *gate);

/* End all; how many of them still waited to be served. */
uint32_t hall_cut(struct gate *gate);

#endif
