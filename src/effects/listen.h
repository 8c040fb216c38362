/* SPDX-License-Identifier: ISC */
/* Open the sockets that services listen on, and nothing else. Nothing here blocks. */
#ifndef REEVE_LISTEN_H
#define REEVE_LISTEN_H

#include "base/netaddr.h"
#include "config/config.h"

#include <sys/types.h>

/* What a socket needs besides its endpoint; the last three are for unix sockets. `is_first`: of
 * those of its port, which must be free. SO_REUSEPORT would share it in silence with another
 * program of the same user, so the first socket gets that flag when it is bound. */
struct listen_options {
	int backlog;
	bool is_first;
	mode_t mode;
	uid_t uid; /* -1: leave */
	gid_t gid;
};

/* A socket for `endpoint`: bound, listening if it is no datagram socket, non-blocking, close-
 * on-exec, with SO_REUSEPORT, so that each gate can have one of its own and a reload can move
 * between a wildcard and an address. `port` replaces the endpoint's when it is not 0 (what the
 * kernel picked for its twin). `ret_bound` gets the address as bound. An address that this host
 * does not have yet is bound all the same (IP_FREEBIND). A unix socket file that nobody listens
 * behind is replaced: -EADDRINUSE for a live one, -EEXIST for anything that is no socket.
 * 0, or -errno and *ret_step names the system call. */
int listen_open(int *ret_listen_fd, struct netaddr *ret_bound, const struct endpoint *endpoint,
	uint16_t port, const struct listen_options *options, const char **ret_step);

/* Does anybody come to that descriptor: is it a listening socket, or one for datagrams? */
bool listen_is_any(int listen_fd);

/* For sockets that were handed in: is it of that protocol; does it serve that endpoint, address
 * or path; make it one of ours (0 or -errno). */
bool listen_has_protocol(int listen_fd, enum protocol protocol);
bool listen_fits(int listen_fd, const struct endpoint *endpoint);
int listen_take(int listen_fd, struct netaddr *ret_bound, const struct endpoint *endpoint);

/* Something by which the datagram that is next in the queue can be told from every other, read
 * without a byte of it: when it came. 0: there is none, or the socket has no datagrams. */
uint64_t listen_head(int listen_fd);

/* How many clients wait to be accepted. 0: nobody, or it is no TCP socket, and nobody knows. */
uint32_t listen_queued(int listen_fd);

/* Take back what a gate asked of the socket, for a program that is to have it. */
void listen_clear_options(int listen_fd, enum protocol protocol);

/* After a program had the socket: have it take clients again, at the address where it was bound.
 * One that was shut down listens anew, and a datagram socket that was connected to one peer hears
 * everybody. 0, also if there was nothing to mend, or -errno. */
int listen_mend(int listen_fd, enum protocol protocol, const struct netaddr *bound, int backlog);

/* Apply options to an open socket: its queue's length, its file's owner and mode. 0 or -errno. */
int listen_retune(int listen_fd, const struct endpoint *endpoint,
	const struct listen_options *options);

/* Remove the file of a unix socket that we made. */
void listen_remove_file(const char *path);

#endif
