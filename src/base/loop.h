/* SPDX-License-Identifier: ISC */
/* The event loop: one epoll descriptor, watches embedded in their owners, timers in a heap,
 * signals read as data. Level-triggered. One thread. The clock is read once a turn.
 *
 * A turn: wait; timers that are due; ready watches; then the `after` hooks, once, in the order
 * in which they were added (flush output, write the log, free the dead). The hooks also run
 * once before the first wait. */
#ifndef REEVE_LOOP_H
#define REEVE_LOOP_H

#include "base/util.h"

#include <signal.h>

struct loop;

/* Embedded in whatever owns the descriptor; the callback finds its owner by CONTAINER_OF. */
struct watch {
	int fd;
	uint32_t events; /* EPOLLIN | EPOLLOUT ...; 0: asked for nothing, not even a hang-up comes.
	                  * Before loop_watch the caller's to set, then loop_rewatch's. */
	void (*ready)(struct watch *watch, uint32_t events);
};

struct timer {
	msec due;
	size_t place; /* in the heap, 1-based; 0: not set */
	void (*expired)(struct timer *timer, msec now);
};

struct after {
	void (*turn_ends)(struct after *after, msec now);
	struct after *next;
};

/* `clock` returns monotonic milliseconds; NULL takes CLOCK_MONOTONIC. NULL: errno says why. */
struct loop *loop_new(msec (*clock)(void));
struct loop *loop_free(struct loop *loop);

/* The time of this turn; before the first one, that of the call: a start may take long. */
msec loop_now(const struct loop *loop);

/* Watch `watch->fd` for `watch->events`; change what is asked for; stop. 0 or -errno. After
 * loop_unwatch no callback comes, not even one that the kernel had reported already; the
 * descriptor stays open and the caller's. One that asks with EPOLLONESHOT is called once, and
 * then again after a loop_rewatch, be it for the same events. */
int loop_watch(struct loop *loop, struct watch *watch);
int loop_rewatch(struct loop *loop, struct watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct watch *watch);

/* Set or move a timer; -ENOMEM if the heap cannot grow (moving never fails). It expires once;
 * its callback may set it again. Stopping one that is not set is fine. The memory is zeroed
 * before its first use and stays where it is while it is set. */
int loop_set_timer(struct loop *loop, struct timer *timer, msec due);
void loop_stop_timer(struct loop *loop, struct timer *timer);

void loop_add_after(struct loop *loop, struct after *after);

/* Read the signals of `set` as data: blocks them (for good), `caught` gets each. Once for each
 * loop. 0 or -errno. */
int loop_catch_signals(struct loop *loop, const sigset_t *set,
	void (*caught)(void *owner, int signo), void *owner);

/* Turn until loop_quit; the turn that it is called in is completed. 0, or -errno when waiting
 * itself failed. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

#endif
