/* SPDX-License-Identifier: ISC */
/* Programs: how the program of a service is started. */
#ifndef REEVE_SUPERVISOR_PROGRAMS_H
#define REEVE_SUPERVISOR_PROGRAMS_H

#include "supervisor/state.h"

/* What the programs of one configuration have in common. */
struct program_maker {
	const struct supervisor *supervisor;
	struct service_set *set;
	struct complaint_list *complaints;
};

/* Make the plan and the environment of a service that runs a program; they borrow from the set's
 * configuration, accounts and files. 0, or -errno and a complaint where there is more to say.
 * May block. */
int program_init(const struct program_maker *maker, struct served *served,
	const struct service_config *service);
void program_fini(struct served *served);

#endif
