/* SPDX-License-Identifier: ISC */
/* Programs that fail at once, again and again: their service is slowed, until one does well.
 * Clients wait in the kernel's queue meanwhile, for the shared memory holds a ceiling that gates
 * keep to, and so does who watches sockets of wait services. No other service notices. */
#ifndef REEVE_SUPERVISOR_FAILURES_H
#define REEVE_SUPERVISOR_FAILURES_H

#include "supervisor/saved_state.h"
#include "supervisor/variables.h"

/* 0 or -ENOMEM; after the rows have been made. */
int failures_init(struct supervisor *supervisor);
void failures_fini(struct supervisor *supervisor);

/* A program runs; one could not be started; one has ended. */
void failures_started(struct supervisor *supervisor, struct handler *handler);
void failures_start_failed(struct supervisor *supervisor, const struct start *start,
	enum spawn_step step, int error);
void failures_ended(struct supervisor *supervisor, const struct handler *handler, int status);

/* Another configuration: every service begins anew. */
void failures_forget(struct supervisor *supervisor);

/* What the next reeved has to know of a row: false, if nothing; go on with it (without memory the
 * service has its full speed). */
bool failures_save(const struct supervisor *supervisor, uint32_t row,
	struct saved_failures *ret_row);
void failures_restore(struct supervisor *supervisor, const struct saved_failures *row);

#endif
