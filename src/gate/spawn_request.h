/* SPDX-License-Identifier: ISC */
/* A client of a program: the gate has let it in and asks the supervisor to start the program
 * for it. Its place and its descriptor go with the request. */
#ifndef REEVE_GATE_SPAWN_REQUEST_H
#define REEVE_GATE_SPAWN_REQUEST_H

#include "gate/state.h"

/* For a connection just accepted from `listener`; for one that a built-in hands over. Both own
 * `conn_fd`; if the request cannot be made the client is closed and its place given back. */
void spawn_request_send(const struct listener *listener, int conn_fd, const struct netaddr *peer);
void spawn_request_hand_over(struct service *service, int conn_fd, enum protocol protocol,
	const struct netaddr *peer);

#endif
