/* SPDX-License-Identifier: ISC */
/* The control socket: whoever may look or steer connects to RUN/control.sock and calls the methods
 * of control_verbs.def. */
#ifndef REEVE_SUPERVISOR_CONTROL_H
#define REEVE_SUPERVISOR_CONTROL_H

#include "supervisor/state.h"

/* Once, before the log has its turn, so that what is logged here is written in the same turn. */
int control_init(struct supervisor *supervisor);

/* Open the socket in the run folder, if there is one: 0 or -errno. Close it, and everybody's
 * connection. */
int control_open(struct supervisor *supervisor);
void control_fini(struct supervisor *supervisor);

#endif
