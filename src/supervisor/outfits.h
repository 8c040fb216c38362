/* SPDX-License-Identifier: ISC */
/* Outfits: what the programs of services that set the same have in common. Ten thousand services
 * often have one. */
#ifndef REEVE_SUPERVISOR_OUTFITS_H
#define REEVE_SUPERVISOR_OUTFITS_H

#include "supervisor/programs.h"

/* The outfit for a service's keys; made if the set has none yet, whose it stays. 0, or -errno and
 * a complaint where there is more to say. May block. */
int outfit_find(const struct program_maker *maker, const struct service_config *service,
	const struct outfit **ret_outfit);
struct outfit *outfits_free(struct outfit *outfits);

#endif
