/* SPDX-License-Identifier: ISC */
/* The access rules on their way to the gates: users and groups looked up, files of prefixes read,
 * all of it made into one image (model/access.h), which every gate maps.
 *
 * The folders of those files are watched. A file that has changed makes a new image, and the gates
 * get it as it is: nothing else of the configuration is touched. A file that has become unusable
 * leaves the rules as they are. Interfaces (interfaces.h) are followed the same way. */
#ifndef REEVE_SUPERVISOR_RULES_H
#define REEVE_SUPERVISOR_RULES_H

#include "supervisor/state.h"

/* Prepare the rules of a configuration that is to be the next generation. 0, or -errno with
 * complaints. Blocks on files. */
int rules_prepare(struct supervisor *supervisor, const struct config *config,
	struct rule_set *ret_rules, struct complaint_list *complaints);
void rules_discard(struct rule_set *rules);

/* Make them those that hold, and watch their files. */
void rules_swap(struct supervisor *supervisor, struct rule_set *rules);

/* What rules stand for has changed: a moment later the gates have an image of what it is now. */
void rules_ask_renewal(struct supervisor *supervisor);

/* If that was asked for: at once. */
void rules_renew(struct supervisor *supervisor);

void rules_fini(struct supervisor *supervisor);

#endif
