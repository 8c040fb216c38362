/* SPDX-License-Identifier: ISC */
/* Clients that were accepted and wait for one of a service's places: how many there are, and whose
 * turn it is, over all processes that share the memory.
 *
 * Each holds a seat from its acceptance on, and once it is clear that it may be served a ticket,
 * numbered in the order of coming. A process shows the oldest ticket that it has, and takes a free
 * place only if no other shows an older one. Whoever lets a place go by for that reason is noted as
 * waiting, as by shared_admit, so it is told of what happens next. */
#ifndef REEVE_SHARED_QUEUE_H
#define REEVE_SHARED_QUEUE_H

#include "base/shared.h"

#define SHARED_NO_TICKET 0

/* Take one of `limit` seats of the row; false: there is none, and `writer` is noted as waiting.
 * Give one back: true if another waits, who may have wanted it. */
bool shared_queue_sit(struct shared *shared, uint32_t row, uint32_t writer, int64_t limit);
bool shared_queue_rise(struct shared *shared, uint32_t row, uint32_t writer);

/* Seats that are taken, by everybody. */
int64_t shared_queue_length(const struct shared *shared, uint32_t row);

/* The next ticket; show the oldest one that `writer` has, or SHARED_NO_TICKET. */
uint64_t shared_queue_draw(struct shared *shared, uint32_t row);
void shared_queue_show(struct shared *shared, uint32_t row, uint32_t writer, uint64_t ticket);

/* The position of who has drawn the last ticket, 1 for whoever is next. It may be told too high,
 * when somebody comes or leaves meanwhile, never too low. */
int64_t shared_queue_position(const struct shared *shared, uint32_t row);

/* Does another show an older one than that (any one, with SHARED_NO_TICKET)? Then `writer` is noted
 * as waiting. */
bool shared_queue_is_behind(struct shared *shared, uint32_t row, uint32_t writer, uint64_t ticket);

/* Is anybody but `writer` noted as waiting? */
bool shared_queue_has_others(const struct shared *shared, uint32_t row, uint32_t writer);

#endif
