/* SPDX-License-Identifier: ISC */
/* reevectl's command line, read by the rows of control_verbs.def. */
#ifndef REEVE_CONTROL_ARGUMENTS_H
#define REEVE_CONTROL_ARGUMENTS_H

#include "control/verbs.h"

/* Read it into `control`, whose defaults are set. -1: there is a verb, and `control->arguments` has
 * what it is told. Else the exit status: what was to be said has been printed. */
int arguments_read(struct control *control, int argc, char **argv);

/* What is typed after the word of a verb: "[SERVICE] [--for TIME]". */
void arguments_usage(const struct control_verb *verb, struct textbuf *text);

#endif
