/* SPDX-License-Identifier: ISC */
/* The daemon's counters, for those who may not open its memory themselves. */
#ifndef REEVE_CONTROL_COUNTERS_H
#define REEVE_CONTROL_COUNTERS_H

#include "base/shared_view.h"
#include "control/verbs.h"

/* Ask the daemon for a descriptor to read by (Counters). 0, or -errno, and what is wrong with the
 * daemon or our rights has been said. */
int counters_ask(const struct control *control, const struct shared **ret_view);

#endif
