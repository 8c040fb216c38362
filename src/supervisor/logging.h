/* SPDX-License-Identifier: ISC */
/* Where the log goes: opened, and its file followed when it is moved. */
#ifndef REEVE_SUPERVISOR_LOGGING_H
#define REEVE_SUPERVISOR_LOGGING_H

#include "supervisor/state.h"

/* The command line's word, then reeve.conf's, then what suits the place. 0 or -errno; what was in
 * the way has been told on stderr. */
int logging_open(struct supervisor *supervisor, const struct config_daemon *daemon);

/* From when on the loop runs: see it when the log's file is moved or removed. */
void logging_watch(struct supervisor *supervisor);

/* Open the file again, for us and for the gates. What cannot be opened is told, and the old one
 * goes on. */
void logging_reopen(struct supervisor *supervisor);

/* What the services of the configuration that was just taken want to be written. */
void logging_take_wishes(const struct supervisor *supervisor);

void logging_fini(struct supervisor *supervisor);

#endif
