/* SPDX-License-Identifier: ISC */
/* Who looks whether we live: the service manager after us, by WATCHDOG=1, and we after the gates,
 * by a question that each has to answer. A gate that does not is replaced; when no gate at all
 * has answered for long, or our loop stands still, the manager is told no more, and starts us
 * anew. */
#ifndef REEVE_SUPERVISOR_WATCHDOG_H
#define REEVE_SUPERVISOR_WATCHDOG_H

#include "supervisor/state.h"

/* From now on: as soon as there are gates. */
void watchdog_begin(struct supervisor *supervisor);

/* The gate has answered. */
void watchdog_answered(struct supervised_gate *gate);

#endif
