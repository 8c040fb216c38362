/* SPDX-License-Identifier: ISC */
/* The queue of a service (`queue`): clients that were accepted while all its places were taken,
 * have been judged, and are served in the order in which they came, over all gates. What they have
 * sent stays unread. Who hangs up is out at once, who has waited for `queue_time` is refused.
 *
 * A client takes a seat before it is accepted, so there are never more than `queue` of them, and
 * counts as one of its source's connections as if it were served. */
#ifndef REEVE_GATE_QUEUE_H
#define REEVE_GATE_QUEUE_H

#include "gate/entrance.h"

struct queue;

/* What can be had for who comes now: a place, if nobody waits for one, or a seat. Nothing: this
 * gate is woken when there may be something. For services with a queue. */
enum hold queue_take(struct service *service);

/* Give it back. */
void queue_give_back(struct service *service, enum hold hold);

/* Is there a seat? */
bool queue_has_seat(const struct service *service);

/* Let the entrant wait, behind all who wait already. */
enum passage queue_join(struct entrant *entrant);

/* There may be a place, or room for its client's program: serve whose turn it is. */
void queue_serve(struct service *service);

/* Places that become free now go to another gate with their clients, which takes a moment to count
 * them: nobody here is served meanwhile. */
void queue_let_by(struct service *service);

/* Nobody waits there any more. NULL may be freed. */
struct queue *queue_free(struct queue *queue);

#endif
