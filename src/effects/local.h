/* SPDX-License-Identifier: ISC */
/* Stream sockets in the run folder, between reevectl and the supervisor. Nothing here blocks but
 * connecting to a supervisor whose queue is full, and what is called with a blocking socket. */
#ifndef REEVE_LOCAL_H
#define REEVE_LOCAL_H

#include "base/util.h"

#include <sys/types.h>

/* Listen as `name` in a folder, in the place of what is there by that name; nobody but we may
 * connect until its owner and mode are changed. Non-blocking. 0 or -errno. */
int local_listen(int *ret_listen_fd, const char *folder, const char *name, int backlog);

/* Connect; the socket blocks. 0 or -errno. */
int local_connect(int *ret_conn_fd, const char *folder, const char *name);

/* Who is it that connected? */
struct local_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
};

int local_ask_peer(int conn_fd, struct local_peer *ret_peer);

/* Is `gid` one of the groups that the peer had when it connected? */
bool local_peer_is_in(int conn_fd, const struct local_peer *peer, gid_t gid);

/* Send some of these bytes, with a descriptor for the other side unless it is -1. How many were
 * sent, or -errno. */
ssize_t local_send(int conn_fd, const char *bytes, size_t length, int passed_fd);

/* Receive some bytes. The first descriptor that comes goes to *ret_fd, if that is -1; all others
 * are closed at once, whatever the sender asked of them. How many bytes, 0 at the end, -errno. */
ssize_t local_receive(int conn_fd, void *bytes, size_t room, int *ret_fd);

/* Close a socket that does not block, and in the same way what nobody has received. */
void local_close(int conn_fd);

#endif
