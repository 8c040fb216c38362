/* SPDX-License-Identifier: ISC */
/* The interfaces that access rules name. Rules judge by an interface's number, which another one of
 * the same name does not have: so the kernel is asked to tell when interfaces come, go or are
 * renamed, and rules follow without a reload. */
#ifndef REEVE_SUPERVISOR_INTERFACES_H
#define REEVE_SUPERVISOR_INTERFACES_H

#include "supervisor/state.h"

/* Add one to a list of them, with the number that it has now; once, however often that is asked
 * for. 0 or -ENOMEM. */
int interfaces_add(struct rule_interface **list, const char *name);
uint32_t interfaces_find(const struct rule_interface *list, const char *name);
void interfaces_free(struct rule_interface **list);

/* From now on the rules that hold name those of supervisor->rules. Tells which are not there. */
void interfaces_swap(struct supervisor *supervisor);
void interfaces_fini(struct supervisor *supervisor);

#endif
