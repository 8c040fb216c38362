/* SPDX-License-Identifier: ISC */
/* A client of a program: the gate has let it in and asks the supervisor to start the program
 * for it. Its place and its descriptor go with the request. */
#ifndef REEVE_GATE_SPAWN_REQUEST_H
#define REEVE_GATE_SPAWN_REQUEST_H

#include "gate/entrance.h"

/* If the request cannot be made the client is turned away. */
void spawn_request_send(const struct entrant *entrant);

#endif
