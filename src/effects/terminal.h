/* SPDX-License-Identifier: ISC */
/* Terminals for programs (pty(7)). */
#ifndef REEVE_TERMINAL_H
#define REEVE_TERMINAL_H

#include <sys/types.h>

/* A new terminal, close-on-exec, nobody's controlling one: 80 columns, 24 lines, cooked, and
 * without echo, since who types over a network sees already what he types. It belongs to `owner`
 * ((uid_t)-1: to us). 0 or -errno; does not block. */
int terminal_open(uid_t owner, int *ret_master_fd, int *ret_slave_fd);

/* Send the master by a unix socket that somebody else chose: whatever it is, this does not block.
 * The descriptor stays the caller's. 0 or -errno. */
int terminal_send(int way_fd, int master_fd);

#endif
