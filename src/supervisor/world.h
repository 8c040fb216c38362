/* SPDX-License-Identifier: ISC */
/* The world of a program: whom it runs as, with what power, limits, priorities, and where. */
#ifndef REEVE_SUPERVISOR_WORLD_H
#define REEVE_SUPERVISOR_WORLD_H

#include "supervisor/programs.h"

/* Add to a plan whose identity is known the steps that make the world which the service's keys
 * ask for, but for the limits, and leave out those that would change nothing. A default that it
 * would take a right to set, which we lack, is left as we have it ourselves. */
void world_plan(const struct program_maker *maker, struct spawn_plan *plan,
	const struct service_config *service);

/* The limits that the keys ask for and that are not ours already; the caller frees them. 0, or
 * -ENOMEM. */
int world_limits(const struct program_maker *maker, const struct service_keys *keys,
	struct spawn_limit **ret_limits, size_t *ret_count);

#endif
