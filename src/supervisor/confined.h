/* SPDX-License-Identifier: ISC */
/* Processes of ours without power (gates, the resolver): an own program, the user of the gates, no
 * capability, and nothing but a channel as standard input and the log as standard error. */
#ifndef REEVE_SUPERVISOR_CONFINED_H
#define REEVE_SUPERVISOR_CONFINED_H

#include "supervisor/state.h"

/* Open a program of that name as a path: beside us, else where it was installed. Or -errno. */
int confined_open_program(const char *name);

/* Start it: 0 with our end of its channel, or -errno. */
int confined_start(const struct supervisor *supervisor, const char *name, int program_fd,
	int *ret_channel_fd, pid_t *ret_pid);

#endif
