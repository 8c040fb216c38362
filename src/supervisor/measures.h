/* SPDX-License-Identifier: ISC */
/* What the supervisor tells of the daemon as a whole in the shared memory, for metrics. */
#ifndef REEVE_SUPERVISOR_MEASURES_H
#define REEVE_SUPERVISOR_MEASURES_H

#include "supervisor/state.h"

/* The daemon starts; a configuration was taken, or refused; a gate has died unasked. */
void measures_started(const struct supervisor *supervisor);
void measures_config_taken(const struct supervisor *supervisor);
void measures_reloaded(const struct supervisor *supervisor, size_t complaints);
void measures_gate_died(const struct supervisor *supervisor);

/* How many gates serve may be another number now. */
void measures_gates_changed(const struct supervisor *supervisor);

#endif
