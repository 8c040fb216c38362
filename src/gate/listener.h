/* SPDX-License-Identifier: ISC */
/* Listening and datagram sockets: opened by the supervisor, watched and accepted from here.
 *
 * Two things make a stream listener pause, and neither makes it refuse: its service is full
 * (all listeners of the service pause until a place is free), or descriptors are short (the
 * listener starves: it is tried again when a descriptor was freed, and in a second; who waits for
 * one that the gate may not have is counted once, and each time that the kernel has none).
 * Meanwhile clients wait in the kernel's queue. */
#ifndef REEVE_GATE_LISTENER_H
#define REEVE_GATE_LISTENER_H

#include "gate/state.h"

/* A listener of no service yet, not watched; owns `listen_fd`, also on failure. NULL: no memory. */
struct listener *listener_new(const struct message_listeners_row *row, enum protocol protocol,
	int listen_fd);

/* Watch it no more, and never again; the socket stays open. Or close it, too. */
void listener_let_go(struct listener *listener, struct gate *gate);
struct listener *listener_free(struct listener *listener, struct gate *gate);

/* Give the listener to a service (again) and serve its clients. The caller has emptied the
 * service's list of listeners before: a new configuration builds it anew. */
void listener_serve(struct listener *listener, struct service *service);

/* A place of the service is free. */
void listener_resume_service(struct service *service);

/* There may be a seat in the service's queue, though no place. */
void listener_note_seat(struct service *service);

/* From now on all clients of the service, datagrams too, wait in the kernel; or not any more. */
void listener_hold_service(struct service *service, bool is_held);

/* All places of the service are taken: wait until one is free. */
void listener_pause_service(struct service *service);

/* Are there descriptors, and does the supervisor follow, so that a client can be let in? Else the
 * listener starves. The second question alone: for whom a descriptor is no matter of waiting. */
bool listener_has_what_it_takes(struct listener *listener);
bool listener_is_followed(struct listener *listener);

/* Are there no descriptors for one more client of it? Asks only; one that starves is counted. */
bool listener_is_short(const struct listener *listener);

/* May so many descriptors more be held? For those who cannot wait. */
bool listener_has_descriptors(const struct gate *gate, uint32_t count);

/* What made listeners starve may be over: try them all again. */
void listener_resume_starved(struct gate *gate);

/* A descriptor was opened or closed. */
void listener_note_opened(struct gate *gate);
void listener_note_closed(struct gate *gate);

/* Prepare the gate's list of starving listeners. */
void listener_init(struct gate *gate);

/* --- among the files of this room */

/* Watch it, unless it is watched or its clients have to wait. */
void listener_watch_again(struct listener *listener);

/* Watch it no more until there may be what it lacks; count and tell that a client of it waits for
 * that (`error` 0: we hold all descriptors that we may); take it from those that starve. */
void listener_starve(struct listener *listener);
void listener_tell_hunger(const struct listener *listener, int error);
void listener_forget_starved(struct listener *listener, struct gate *gate);

#endif
