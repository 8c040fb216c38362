/* SPDX-License-Identifier: ISC */
/* Gates from before an upgrade. They accept nobody and go on with the connections that they hold,
 * until the last has ended or their time is over; others serve beside them. */
#ifndef REEVE_SUPERVISOR_DRAINING_H
#define REEVE_SUPERVISOR_DRAINING_H

#include "supervisor/state.h"

/* This one drains from now on, until `gate->until` at most; its descriptor, pid and writer are
 * taken over, its memory is not. 0 or -errno: then it has been killed. */
int draining_take(struct supervisor *supervisor, const struct supervised_gate *from);

/* Another upgrade needs their places in the shared memory: true when there are enough. Else those
 * that drain cut their connections, and it is to be asked again when they have ended. */
bool draining_make_room(struct supervisor *supervisor);

/* It has been reaped, and what it held is free: tell so, and free it. */
void draining_tell_end(const struct supervised_gate *gate, pid_t pid, int status);
void draining_ended(struct supervised_gate *gate, pid_t pid, int status);

void draining_fini(struct supervisor *supervisor);

#endif
