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

#include "supervisor/saved_state.h"
#include "supervisor/variables.h"

void deadlines_init(struct supervisor *supervisor);
void deadlines_fini(struct supervisor *supervisor);

/* A program is about to be started: count from now. 0 or -ENOMEM: without its limits it must not
 * be started. */
int deadlines_begin(struct supervisor *supervisor, const struct start *start,
	struct handler *handler);

/* It has been reaped, or could not be started. */
void deadlines_end(struct supervisor *supervisor, struct handler *handler);

/* --- over the end of this reeved (bounds_saved.c) */

/* What the next one has to know of them, and of the processes of the session by their place: false
 * after the last. The sessions whose program has ended, one after the other. */
void deadlines_save(const struct bounds *bounds, struct saved_bounds *ret_row);
bool deadlines_save_member(const struct bounds *bounds, uint32_t place,
	struct saved_member *ret_row);
const struct bounds *deadlines_next_remnant(const struct supervisor *supervisor,
	const struct bounds *bounds);

/* Go on with them; `handler` NULL: its program has ended. Each member comes to the bounds that were
 * restored last; its descriptor is taken over. 0, -ENOMEM, -EPROTO. */
int deadlines_restore(struct supervisor *supervisor, struct handler *handler,
	const struct saved_bounds *row, struct bounds **ret_bounds);
int deadlines_restore_member(struct bounds *bounds, struct saved_member *row);

#endif
