/* SPDX-License-Identifier: ISC */
/* What reevectl can do; the rows are in control_verbs.def. */
#ifndef REEVE_CONTROL_VERBS_H
#define REEVE_CONTROL_VERBS_H

#include "config/config.h"
#include "control/output.h"
#include "model/control_methods.h"

/* What the command line says. */
struct control {
	struct config_paths paths; /* of the daemon's configuration */
	const char *tables[2];     /* for `paths` */
	const char *run_dir;
	bool is_run_dir_given;
	struct output output;
	const struct control_verb *verb;
	json_t *arguments; /* by the names of its parameters */
};

/* Do what the verb says; may block until the daemon has done it. Exit status of the program: 0
 * done, 1 it failed or has complaints (printed on stderr), 2 it is told wrongly. */
int control_run(const struct control *control);

void control_print_help(void);

/* Say on stderr what is wrong, harmlessly and on a line of its own. */
void control_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
