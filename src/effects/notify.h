/* SPDX-License-Identifier: ISC */
/* Talk to the service manager; the only room that knows sd-daemon(3). Without a manager, everything
 * here does nothing. */
#ifndef REEVE_NOTIFY_H
#define REEVE_NOTIFY_H

#include "base/util.h"

/* A socket that was handed in, with its name ("unknown" if it has none). */
struct handed_socket {
	int listen_fd;
	char *name;
};

/* Take LISTEN_FDS (and forget it, so that no child sees it). Allocates *ret_sockets; close-on-
 * exec is set. Returns how many, or -errno: -EINVAL for variables that make no sense, -EBADF for a
 * descriptor that is not open. */
int notify_take_sockets(struct handed_socket **ret_sockets);
void notify_free_sockets(struct handed_socket *sockets, size_t count);

/* READY=1 with a STATUS= line, at the start and after each reload, whatever its outcome;
 * RELOADING=1; STOPPING=1. None blocks. */
void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(void);

/* Does the manager keep descriptors for the next of us? ($FDSTORE; systemd before 254 does not
 * say so, and the unit has to.) Give it one by that name; have it forget all of a name: 0,
 * -EAGAIN when it is behind, -errno. Wait until it has heard all of it, for so long at most. */
bool notify_has_store(void);
int notify_store(const char *name, int stored_fd);
int notify_unstore(const char *name);
void notify_wait(int patience_ms);

/* WATCHDOG=1: we live. How often the manager wants to hear it, at most so many milliseconds
 * apart; 0: it does not. */
void notify_watchdog(void);
msec notify_watchdog_ms(void);

/* To who waits at the other end of a descriptor, as under s6: a line feed, and the end. Closes it.
 * Does not block; without room there the end has to do. */
void notify_ready_fd(int ready_fd);

#endif
