/* SPDX-License-Identifier: ISC */
/* Sockets handed to a program as systemd does (sd_listen_fds(3)): from descriptor 3 on, with
 * LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES. Standard input and output are /dev/null. */
#ifndef REEVE_SUPERVISOR_ACTIVATION_H
#define REEVE_SUPERVISOR_ACTIVATION_H

#include "supervisor/variables.h"

/* Run the program of `start` so, with `error_fd` as descriptor 2; a start that lists no sockets
 * hands over its connection. As spawn_run. */
int activation_run(const struct supervisor *supervisor, const struct start *start, int error_fd,
	struct spawn_result *ret_result);

#endif
