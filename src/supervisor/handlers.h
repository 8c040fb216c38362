/* SPDX-License-Identifier: ISC */
/* Programs that run, from the gate's request to the reaped child. */
#ifndef REEVE_SUPERVISOR_HANDLERS_H
#define REEVE_SUPERVISOR_HANDLERS_H

#include "supervisor/variables.h"

/* Start a program. Blocks until execve. NULL: it could not be started; that is logged with the
 * step that failed, counted, and the place that it held is free again. Else the handler, which
 * belongs to the table until it is reaped. */
struct handler *handlers_run(struct supervisor *supervisor, const struct start *start);

/* Start the program that the gate asks for, with the descriptors of its message. They stay the
 * caller's: when they are closed, the client of a program that could not be started sees the end of
 * the connection. */
void handlers_start(struct supervised_gate *gate, const struct message_spawn *request,
	const int *fds);

/* That child has ended, and has used so much of the processors; one that we did not start is noted
 * (we may be PID 1). */
void handlers_reaped(struct supervisor *supervisor, pid_t pid, int status, int64_t cpu_ms);

/* A program that an earlier reeved started has ended. */
void handlers_ended_unseen(struct supervisor *supervisor, pid_t pid);

/* Note that the gate is gone; give the next of its handlers to adopt, NULL: no more. *place is
 * where to go on, 0 at first. */
void handlers_orphan(struct supervisor *supervisor, uint32_t gate);
struct handler *handlers_next_orphan(struct supervisor *supervisor, uint32_t gate, uint32_t *place);

#endif
