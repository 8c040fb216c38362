/* SPDX-License-Identifier: ISC */
/* For a person at a terminal: each open port, with a command to try it. */
#ifndef REEVE_SUPERVISOR_ANNOUNCE_H
#define REEVE_SUPERVISOR_ANNOUNCE_H

#include "supervisor/state.h"

/* Prints on stdout. */
void announce_ports(const struct supervisor *supervisor);

#endif
