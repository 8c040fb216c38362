/* SPDX-License-Identifier: ISC */
/* The hosts that access rules name. The resolver looks them up; here is kept what it found, over
 * reloads, and for a while when they cannot be looked up any more. */
#ifndef REEVE_SUPERVISOR_HOSTS_H
#define REEVE_SUPERVISOR_HOSTS_H

#include "supervisor/state.h"

/* Add one to a list of them, once, with what `known` has of it. 0 or -ENOMEM. */
int hosts_add(struct rule_host **list, const struct rule_host *known, const char *name);
void hosts_free(struct rule_host **list);

/* As access_lookup's find_host. */
int hosts_find(const struct rule_host *list, const char *name, bool is_deny,
	const struct netaddr **ret_addresses);

/* Start the gates once every host of the first rules has been looked up, or could not be, a short
 * time from now at the latest: until then clients wait in the kernel's queue. */
void hosts_await(struct supervisor *supervisor);

/* The rules that hold are other ones. */
void hosts_swap(struct supervisor *supervisor);
void hosts_fini(struct supervisor *supervisor);

/* What the resolver says. NULL, or the rule that it broke. */
const char *hosts_take(struct supervisor *supervisor, const struct message *message);

#endif
