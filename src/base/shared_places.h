/* SPDX-License-Identifier: ISC */
/* The places of a service, `instances` of them, held by the processes that share the memory.
 *
 * `instances` is strict across gates, crashes included: shared_admit counts first and looks
 * afterwards, so never are more than `limit` places held by those that were told true. Whoever
 * is told false is noted as waiting before the last look, and whoever frees a place looks at the
 * notes after freeing: one of the two sees the other, no wake-up is lost.
 *
 * What a crash leaves: a gate that dies within shared_admit or before shared_release holds its
 * place until shared_forget_writer; a place freed by a gate that dies before it could tell
 * anybody is found by those who look at the notes after shared_forget_writer. The supervisor
 * handles the last message of a dead gate first and forgets it then; the other way round a
 * connection handed over would be counted for both. */
#ifndef REEVE_SHARED_PLACES_H
#define REEVE_SHARED_PLACES_H

#include "base/shared.h"

/* Take one of `limit` places of the row for `writer`: true, or false when all are taken (then
 * nothing is counted, and `writer` is noted as waiting). Give one back; true if somebody else
 * waits and should be woken. A note may outlive the wait: a wake-up too many is harmless. */
bool shared_admit(struct shared *shared, uint32_t row, uint32_t writer, int64_t limit);
bool shared_release(struct shared *shared, uint32_t row, uint32_t writer);

/* Take one whether it is free or not: for what was let in, and now stays longer than the process
 * that holds its place. */
void shared_keep(struct shared *shared, uint32_t row, uint32_t writer);

/* Supervisor: a connection of `from` is now one of `to`, the lower number of the two (the order
 * in which places are counted makes use of it); true as for shared_release, for it holds two
 * places for a moment, and somebody may have been refused for that. A dead writer's places are
 * free again: look at the waiting of every row then. Which writers wait for a place (bit i:
 * writer i; the notes are cleared). */
bool shared_hand_over(struct shared *shared, uint32_t row, uint32_t from, uint32_t to);
void shared_forget_writer(struct shared *shared, uint32_t writer);
uint64_t shared_take_waiting(struct shared *shared, uint32_t row);

/* Supervisor: from now on no more than `ceiling` places can be taken, whatever the limit; those
 * that are taken stay. After raising it look at the waiting, for it may be what they were refused
 * for. What it is: SHARED_NO_CEILING at first. */
#define SHARED_NO_CEILING (-1)
void shared_set_ceiling(struct shared *shared, uint32_t row, int64_t ceiling);
int64_t shared_ceiling(const struct shared *shared, uint32_t row);

/* Would shared_admit be refused now? Nobody is noted. */
bool shared_is_full(const struct shared *shared, uint32_t row, int64_t limit);

/* Connections that the row holds now. */
int64_t shared_active(const struct shared *shared, uint32_t row);

#endif
