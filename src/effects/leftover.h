/* SPDX-License-Identifier: ISC */
/* Ports that are in use, but only by programs that an earlier daemon left its socket to. */
#ifndef REEVE_LEFTOVER_H
#define REEVE_LEFTOVER_H

#include "config/config.h"

/* How many sockets are bound to that path, or address with `port`, if all are held by programs only
 * that were started for `service` (their first environment says so); else 0. Reads /proc, all
 * processes of it: for a start that would fail otherwise. */
unsigned int leftover_sockets(const char *service, const struct endpoint *endpoint, uint16_t port);

/* `socket_fd` shares its port with so many sockets that were there before it: have every new client
 * come to this one. 0 or -errno. */
int leftover_take_clients(int socket_fd, unsigned int others);

#endif
