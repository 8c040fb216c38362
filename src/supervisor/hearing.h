/* SPDX-License-Identifier: ISC */
/* Who reads what a program writes to its standard error. Most programs say nothing and end soon:
 * the pipe is given to a gate, which reads it into the log, only when its program has run for a
 * moment, or has ended and left something. We keep the read end as long as the program runs, so
 * that the death of a gate does not end it by SIGPIPE, and never read from it. */
#ifndef REEVE_SUPERVISOR_HEARING_H
#define REEVE_SUPERVISOR_HEARING_H

#include "supervisor/state.h"

void hearing_init(struct supervisor *supervisor);

/* A program was started: `handler->stderr_fd` is the read end of its pipe, or -1. */
void hearing_begin(struct supervisor *supervisor, struct handler *handler);

/* It has ended: what it left goes to a gate; the read end is closed. */
void hearing_end(struct supervisor *supervisor, struct handler *handler);

/* Give the pipe to the gate: 0, -EAGAIN when its queue is full, -errno. */
int hearing_give(struct supervised_gate *gate, struct handler *handler);

#endif
