/* SPDX-License-Identifier: ISC */
/* Wait services: their programs get the listening socket itself. The supervisor watches it,
 * reads and accepts nothing, and starts the program when somebody has come; then the socket is
 * the program's until that one child has ended. Processes that the program leaves behind do not
 * count: the socket is watched again, and what is still queued starts the next program.
 *
 * A socket has one program at a time. A socket that gates serve becomes one of these, or the other
 * way round, by a reload: not before those who had it have let it go. */
#ifndef REEVE_SUPERVISOR_WAITING_H
#define REEVE_SUPERVISOR_WAITING_H

#include "supervisor/state.h"

/* Make room to watch this listener's sockets; 0 or -ENOMEM. Nothing is watched yet. */
int waiting_prepare(struct supervisor *supervisor, struct listener *listener);

/* The services and listeners of a configuration are now those that run: watch what is to be
 * watched, and let go what is not. */
void waiting_swap(struct supervisor *supervisor);

/* Every gate serves the present configuration, so none has a socket that it should not. True:
 * they are to have some that they have not, and must be handed the state again. */
bool waiting_gates_serve(struct supervisor *supervisor);

/* There is a place again in a service that was full. */
void waiting_wake(struct supervisor *supervisor, uint32_t row);

/* The program has that socket, from before it was started or from an earlier reeved. */
void waiting_hold(struct handler *handler, struct waiting *waiting);

/* A program has ended: did it leave the datagram that it was started for? Looked at only after
 * several programs have ended well and at once. To be asked before waiting_ended. */
bool waiting_left_it(const struct handler *handler);

/* A program has ended: its sockets are watched again, or are the gates' from now on. */
void waiting_ended(struct supervisor *supervisor, struct handler *handler);

/* We are on our way out: start nothing more. */
void waiting_rest(struct supervisor *supervisor);

/* The listener is about to be closed; a program that has its sockets keeps them. */
void waiting_free(struct listener *listener);

/* Its clients are held, or not any more. A program that has a socket goes on with it. */
void waiting_hold_clients(const struct served *served);

#endif
