/* SPDX-License-Identifier: ISC */
/* The world of a program: whom it runs as, with what power, limits, priorities, and where. */
#ifndef REEVE_SUPERVISOR_WORLD_H
#define REEVE_SUPERVISOR_WORLD_H

#include "supervisor/programs.h"

/* Fill in what the keys ask for, but for whom the program runs as, and the limits. */
void world_set(const struct program_maker *maker, struct spawn_world *world,
	const struct service_keys *keys);

/* The limits that the keys ask for and that are not ours already; the caller frees them. 0, or
 * -ENOMEM. */
int world_limits(const struct program_maker *maker, const struct service_keys *keys,
	struct spawn_limit **ret_limits, size_t *ret_count);

/* The steps of a plan (SPAWN_DO) that make that world, in which identity and limits are filled in,
 * but for those that would change nothing. A default that it would take a right to set, which we
 * lack, is left as we have it ourselves: so the steps follow from what was set, and not from keys
 * alone. */
uint64_t world_steps(const struct program_maker *maker, const struct spawn_world *world,
	const struct service_config *service);

#endif
