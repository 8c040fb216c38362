/* SPDX-License-Identifier: ISC */
/* Outfits: what the programs of services that set the same have in common, and is large: the
 * world and the environment. Ten thousand services often have one. */
#ifndef REEVE_SUPERVISOR_OUTFITS_H
#define REEVE_SUPERVISOR_OUTFITS_H

#include "supervisor/programs.h"

/* The outfit for these keys, of which `account` follows; made if the set has none yet, whose it
 * stays. NULL: no memory. */
const struct outfit *outfit_find(const struct program_maker *maker, const struct service_keys *keys,
	const struct account *account);
struct outfit *outfits_free(struct outfit *outfits);

#endif
