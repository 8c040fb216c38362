/* SPDX-License-Identifier: ISC */
/* A gate: accepts, judges, runs the built-ins, drains the handlers' stderr into the log; asks
 * the supervisor over its channel for what takes privileges. Holds none itself. */
#ifndef REEVE_GATE_H
#define REEVE_GATE_H

#include "base/log.h"
#include "base/util.h"

/* Log to `sink`, confine the process, serve what arrives on `channel_fd` until told to stop or
 * the supervisor is gone. Exit status of the program. */
int gate_main(int channel_fd, enum log_sink sink, enum log_level level);

#endif
