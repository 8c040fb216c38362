/* SPDX-License-Identifier: ISC */
/* What programs say on their standard error: read by line into the log, each line bounded, so
 * many lines a second and no more. */
#ifndef REEVE_GATE_SAID_H
#define REEVE_GATE_SAID_H

#include "gate/state.h"

#define SAID_LINE_MAX 1024
#define SAID_LINES_PER_SECOND 100

/* Read from `pipe_fd` (owned, also on failure) until its end. `pid` is 0 while nobody knows it.
 * 0 or -errno. */
int said_begin(struct service *service, int pipe_fd, uint64_t connection, uint32_t pid);

/* The gate ends: log what was begun, hear no more. */
void said_end_all(struct gate *gate);

#endif
