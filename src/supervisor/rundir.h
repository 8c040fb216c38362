/* SPDX-License-Identifier: ISC */
/* The run folder: pid file, counters and state for those who watch. */
#ifndef REEVE_SUPERVISOR_RUNDIR_H
#define REEVE_SUPERVISOR_RUNDIR_H

#include "supervisor/state.h"

/* Make the folder, lock the pid file in it, link the counters; nothing without a run folder.
 * 0, -EWOULDBLOCK if another daemon has it, -errno. Leave: remove what we put there. */
int rundir_enter(struct supervisor *supervisor);
void rundir_leave(const struct supervisor *supervisor);

/* Once after each attempt to take a configuration, when its outcome is known. */
void rundir_write_state(const struct supervisor *supervisor);

#endif
