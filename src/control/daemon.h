/* SPDX-License-Identifier: ISC */
/* A running daemon as seen from outside, through its run folder. */
#ifndef REEVE_CONTROL_DAEMON_H
#define REEVE_CONTROL_DAEMON_H

#include "base/shared_view.h"
#include "base/util.h"

#include <sys/types.h>

/* One open port, of the service with that row of the shared memory. */
struct daemon_port {
	uint32_t row;
	char *service;
	char *protocol;
	char *address;
};

struct daemon_state {
	uint32_t attempts;   /* to take a configuration, so far */
	uint32_t complaints; /* of the last */
	struct daemon_port *ports;
	size_t port_count;
};

/* The pid of the daemon of that folder: -ESRCH if none holds its lock, -EACCES for all but root
 * and the daemon's own user, -errno. */
int daemon_find(const char *run_dir, pid_t *ret_pid);

/* The pid that stands there, whether its daemon runs or not: -ESRCH if there is none. Everybody may
 * read it. */
int daemon_read_pid(const char *run_dir, pid_t *ret_pid);

/* What it wrote down last; 0 or -errno. The caller gives it back with daemon_state_fini. */
int daemon_read_state(const char *run_dir, struct daemon_state *ret_state);
void daemon_state_fini(struct daemon_state *state);

/* Its counters, as shared_view. The same user or root may look: 0 or -errno. */
int daemon_view_counters(const char *run_dir, const struct shared **ret_view);

/* Which memory that would be. */
struct stat;
int daemon_look_at_counters(const char *run_dir, struct stat *ret_status);

#endif
