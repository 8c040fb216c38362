/* SPDX-License-Identifier: ISC */
/* What is wrong with a configuration, told: to who starts the daemon, or to the log. */
#ifndef REEVE_SUPERVISOR_MISTAKES_H
#define REEVE_SUPERVISOR_MISTAKES_H

#include "supervisor/state.h"

/* For a terminal: all of it, with lines and carets. For the log: each an event of its own. */
void mistakes_show(const struct complaint_list *complaints);
void mistakes_log(const struct complaint_list *complaints);

/* Keys that a reload cannot apply: say so rather than take them in silence. */
void mistakes_warn_of_restart(const struct config_daemon *now, const struct config_daemon *wanted);

#endif
