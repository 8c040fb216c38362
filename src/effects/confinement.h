/* SPDX-License-Identifier: ISC */
/* How a process without power begins: what gates and the resolver do alike before they serve.
 * supervisor/confined.h is the other end: how they are started. */
#ifndef REEVE_CONFINEMENT_H
#define REEVE_CONFINEMENT_H

#include "base/log.h"

/* Before the door is shut: signals that are not ours to obey, the time zone's file, the log, by the
 * name of `program`; where it is down, standard error takes its place. 0, or -errno. */
int confinement_prepare(enum log_sink sink, enum log_level level, const char *program);

/* Shut the door by `enter` (sandbox.h), and log what is lacking. 0: serve; -errno: end. */
int confinement_shut(int (*enter)(const char **ret_part));

#endif
