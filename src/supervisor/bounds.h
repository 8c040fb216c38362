/* SPDX-License-Identifier: ISC */
/* The bounds of one program: what deadlines.c acts by, and what bounds_saved.c leaves to the next
 * reeved and takes over from the one before. */
#ifndef REEVE_SUPERVISOR_BOUNDS_H
#define REEVE_SUPERVISOR_BOUNDS_H

#include "effects/sockdiag.h"
#include "supervisor/deadlines.h"

#define MEMBERS_MAX 4

/* How long a program may run; 0: for ever. */
struct limits {
	msec max_time;
	msec idle;
	msec first_byte;
	msec stop_timeout;
};

struct member {
	pid_t pid;
	int pid_fd;
};

/* The bounds of one program; outlives it if others of its session have a time to end in. */
struct bounds {
	struct supervisor *supervisor;
	struct handler *handler; /* NULL: reaped */
	pid_t session;           /* then */
	struct limits limits;
	struct timer timer;
	msec started;

	/* Of the last look at the connection, by the kernel's clock. */
	struct sockdiag_name name;
	bool was_seen;
	uint64_t moved;
	uint32_t in_ago_ms;
	msec quiet;

	int last_signal; /* 0: it may live; SIGTERM, SIGKILL */
	int due_signal;  /* that the next walk is to send */
	uint32_t tries;
	struct bounds *next_due;
	struct bounds *next_remnant;
	struct member members[MEMBERS_MAX];
	uint32_t member_count;
};

/* The timer's; and when the next walk over all processes is wanted. */
void bounds_moment_has_come(struct timer *timer, msec now);
/* End the program, for that reason: SIGTERM to its session, and after a while SIGKILL. */
void bounds_end(struct bounds *bounds, enum ending ending, msec now);
void bounds_plan_walk(struct supervisor *supervisor, msec earliest);

#endif
