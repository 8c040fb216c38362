/* SPDX-License-Identifier: ISC */
/* The sockets of all services: opened all or none, kept over reloads. */
#ifndef REEVE_SUPERVISOR_LISTENERS_H
#define REEVE_SUPERVISOR_LISTENERS_H

#include "model/plan.h"
#include "supervisor/state.h"

/* Open what `set` wants and is not open: 0, and `ret_listeners` has kept and new ones; or
 * -errno, a complaint for each that could not be, and nothing has changed. */
int listeners_prepare(struct supervisor *supervisor, const struct service_set *set,
	struct listener_set *ret_listeners, struct complaint_list *complaints);

/* What it would do, as steps; their `listener` is a place in the running set. 0 or -ENOMEM. */
int listeners_plan(const struct supervisor *supervisor, const struct config *config,
	struct plan *ret_plan);

/* Make them the running ones: closes what is no longer wanted, applies options to what is. */
void listeners_swap(struct supervisor *supervisor, struct listener_set *listeners);

/* Close all. */
void listeners_close_all(struct supervisor *supervisor);

#endif
