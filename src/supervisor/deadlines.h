/* SPDX-License-Identifier: ISC */
/* Limits on programs that run: how long at all (max_time), how long without a byte of its client
 * in either direction (idle), how long without the client's first (first_byte). Nobody stands
 * between a program and its socket: the kernel is asked, when a limit may have been reached and
 * not before. A program with pipes or a terminal has a gate in between, which looks after idle
 * and first_byte itself.
 *
 * Who reaches a limit gets SIGTERM, after stop_timeout SIGKILL, and so does every process of its
 * session. Children that outlive a program that ended by itself are left alone. */
#ifndef REEVE_SUPERVISOR_DEADLINES_H
#define REEVE_SUPERVISOR_DEADLINES_H

#include "supervisor/variables.h"

void deadlines_init(struct supervisor *supervisor);
void deadlines_fini(struct supervisor *supervisor);

/* What the keys of a service of programs say. */
struct limits deadlines_of(const struct service_config *service);

/* A program is about to be started: count from now. 0 or -ENOMEM: without its limits it must not
 * be started. */
int deadlines_begin(struct supervisor *supervisor, const struct start *start,
	struct handler *handler);

/* It has been reaped, or could not be started. */
void deadlines_end(struct supervisor *supervisor, struct handler *handler);

#endif
