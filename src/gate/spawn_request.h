/* SPDX-License-Identifier: ISC */
/* A client of a program: the gate has let it in and asks the supervisor to start the program
 * for it. Its place and its descriptor go with the request. */
#ifndef REEVE_GATE_SPAWN_REQUEST_H
#define REEVE_GATE_SPAWN_REQUEST_H

#include "gate/entrance.h"

/* If the request cannot be made the client is turned away. */
void spawn_request_send(const struct entrant *entrant);

/* For a connection that stays here: `program_fds` (owned) are what the program gets in its place.
 * The connection's id. */
uint64_t spawn_request_relay(const struct entrant *entrant, const int *program_fds,
	uint32_t fd_count);

/* For datagrams that came to `listener`: `program_fd` (owned) is what the program gets. The
 * connection's id. */
uint64_t spawn_request_carry(const struct listener *listener, int program_fd,
	const struct netaddr *peer, const struct netaddr *local);

#endif
