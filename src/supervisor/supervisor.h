/* SPDX-License-Identifier: ISC */
/* The supervisor: binds, starts the gates and the handlers, reaps, reloads. Keeps the
 * privileges; reads no byte from the network. */
#ifndef REEVE_SUPERVISOR_H
#define REEVE_SUPERVISOR_H

#include "config/config.h"

/* What the command line says; it wins over reeve.conf. */
struct supervisor_settings {
	struct config_paths paths;
	const char *run_dir;       /* pid file and counters; NULL: none */
	const char *state_dir;     /* what outlasts a restart; NULL: as configured */
	const char *own_state_dir; /* ... when nobody says; NULL: none */
	bool is_foreground;        /* else: go to the background once everything is open */
	int64_t ready_fd;          /* told by a line feed that we serve; -1: nobody waits at one */
	bool announces;            /* print a line for each port with a command to try */
	int64_t gates;             /* -1: as configured */
	enum config_log log;       /* CONFIG_LOG_AUTO: as configured */
	int log_level;             /* enum log_level; -1: as configured */
	char *const *argv;         /* the whole, for an upgrade */
};

/* Serve until SIGTERM, SIGINT or SIGQUIT. Exit status of the program: 0, or 1 when it could not
 * start (every reason has been printed on stderr). */
int supervisor_main(const struct supervisor_settings *settings);

struct supervisor;

/* Accept no more, and end when the last connection of a built-in has, or after `grace`. Asked for
 * twice: at once. */
void supervisor_stop(struct supervisor *supervisor, const char *cause, msec grace);

#endif
