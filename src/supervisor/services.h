/* SPDX-License-Identifier: ISC */
/* Services: the row of each in the shared memory, and how its program is started. */
#ifndef REEVE_SUPERVISOR_SERVICES_H
#define REEVE_SUPERVISOR_SERVICES_H

#include "supervisor/state.h"

/* One of which nothing but the name is known; NULL: no memory. */
struct served *services_new(const char *name);

/* Prepare `config` (taken over in every case): rows, identities, programs' plans, the text for
 * the gates. 0, or -errno with complaints; nothing of `supervisor` is changed but free rows. */
int services_prepare(struct supervisor *supervisor, struct config *config,
	struct service_set *ret_set, struct complaint_list *complaints);

/* Give back a set that was not swapped in. */
void services_discard(struct service_set *set);

/* Make the prepared set the running one. What is no longer served goes on with its plan, for
 * clients that gates have let in by the old configuration, until services_retire: those without
 * a connection give their rows back then. */
void services_swap(struct supervisor *supervisor, struct service_set *set);
void services_retire(struct supervisor *supervisor);
void services_fini(struct supervisor *supervisor);

#endif
