/* SPDX-License-Identifier: ISC */
/* The access rules that this gate judges by: an image that the supervisor made (model/access.h),
 * mapped. A new one replaces it with a new configuration, or alone when a file of prefixes has
 * changed; connections know nothing of it. */
#ifndef REEVE_RULES_H
#define REEVE_RULES_H

#include "gate/state.h"

/* Take the image of a message: for the configuration that is being set up, else for the one that
 * serves. One that is for neither is a late one, and let go. 0, or -errno with the broken rule. */
int rules_receive(struct gate *gate, const struct message *message, const char **ret_rule);

/* Does every service of the configuration that is being set up that has rules find them in its
 * image? */
bool rules_are_complete(const struct setup *setup);

/* Judge by the image of that set-up from now on; the services are those of its configuration. */
void rules_commit(struct gate *gate, struct setup *setup);

void rules_fini(struct rules *rules);

#endif
