/* SPDX-License-Identifier: ISC */
/* Programs: how the program of a service is started. */
#ifndef REEVE_SUPERVISOR_PROGRAMS_H
#define REEVE_SUPERVISOR_PROGRAMS_H

#include "supervisor/state.h"

/* Make the plan and the environment of a service that runs a program; they borrow from the set's
 * configuration and accounts. 0, -EUSERS (it would be the gates' user), -errno. May block. */
int program_init(const struct supervisor *supervisor, struct service_set *set,
	struct served *served, const struct service_config *service);
void program_fini(struct served *served);

#endif
