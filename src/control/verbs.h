/* SPDX-License-Identifier: ISC */
/* What reevectl can do; the rows are in control_verbs.def. */
#ifndef REEVE_CONTROL_VERBS_H
#define REEVE_CONTROL_VERBS_H

#include "config/config.h"

/* Where the daemon and its configuration are. */
struct control {
	struct config_paths paths;
	const char *run_dir;
};

/* Do what `name` says; may block until the daemon has done it. Exit status of the program: 0
 * done, 1 it failed or has complaints (printed on stderr), 2 no such verb. */
int control_run(const struct control *control, const char *name);

void control_print_help(void);

#endif
