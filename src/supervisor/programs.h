/* SPDX-License-Identifier: ISC */
/* Programs: how the program of a service is started. */
#ifndef REEVE_SUPERVISOR_PROGRAMS_H
#define REEVE_SUPERVISOR_PROGRAMS_H

#include "config/map.h"
#include "effects/self.h"
#include "supervisor/state.h"

/* What the programs of one configuration have in common. */
struct program_maker {
	const struct supervisor *supervisor;
	struct service_set *set;
	struct complaint_list *complaints;
	struct self self;     /* what programs have if nothing is done about it */
	uint64_t host_rights; /* as in struct config_host */
	struct map *outfits;  /* of the set, by their keys */
};

/* 0 or -errno. The set may be filled in later. */
int program_maker_init(struct program_maker *ret_maker, const struct supervisor *supervisor,
	struct service_set *set, struct complaint_list *complaints);
void program_maker_fini(struct program_maker *maker);

/* Make the plan of a service that runs a program; it borrows from the set's configuration and
 * outfits. 0, or -errno and a complaint where there is more to say.
 * May block. */
int program_init(const struct program_maker *maker, struct served *served,
	const struct service_config *service);
void program_fini(struct served *served);

#endif
