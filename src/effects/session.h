/* SPDX-License-Identifier: ISC */
/* Signals for whole sessions: every process whose session is that of a program we started, in
 * whatever process group. One walk over /proc serves any number of sessions, since it costs what
 * there are processes on the host. */
#ifndef REEVE_SESSION_H
#define REEVE_SESSION_H

#include "base/util.h"

#include <sys/types.h>

struct session_walk {
	/* The signal for a process of that session; 0: leave it alone. */
	int (*signal_for)(struct session_walk *walk, pid_t pid, pid_t session);
	/* It was sent. NULL: nobody wants to know. `member_fd` (-1: none) is a pidfd of the
	 * process, to be taken or left. */
	void (*was_sent)(struct session_walk *walk, pid_t pid, pid_t session, int *member_fd);
	uint32_t seen; /* processes on the host */
	uint32_t sent; /* signals, to processes that were not ending already */
};

/* Walk once. Somebody that forks meanwhile may be missed: who wants nobody left walks again until
 * nothing was sent; after SIGKILL a process has no more children. A pid that has become another
 * process's is never signalled. 0, or -errno without /proc. */
int session_signal(struct session_walk *walk);

/* Is this very process (its pidfd) alive, or at least not reaped, and still of that session? Then
 * the number of the session has been no other's since it was opened. */
bool session_has(pid_t session, pid_t pid, int member_fd);

#endif
