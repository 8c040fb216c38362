/* SPDX-License-Identifier: ISC */
/* What shells know of reevectl's command line, out of the tables that it is read by. */
#ifndef REEVE_CONTROL_COMPLETION_H
#define REEVE_CONTROL_COMPLETION_H

#include "control/verbs.h"

/* The verbs: the script for a shell; the names of the services, which scripts ask for. */
int verb_completion(const struct control *control);
int verb_names(const struct control *control);

#endif
