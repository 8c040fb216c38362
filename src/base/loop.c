/* SPDX-License-Identifier: ISC */
/* The event loop over epoll. One turn makes two system calls' worth of overhead at most: the
 * wait itself, and a clock that the vdso reads without entering the kernel. */
#include "base/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>

#define BATCH 256
#define HEAP_FIRST_ROOM 16

struct loop {
	int epoll_fd;
	bool has_begun; /* and `now` is kept */
	bool is_quitting;
	msec (*clock)(void);
	msec now;

	struct timer **heap; /* 1-based binary min-heap: heap[0] is not used */
	size_t timer_count;
	size_t heap_room;

	struct after *first_after;
	struct after **after_end;

	struct watch signal_watch;
	void (*caught)(void *owner, int signo);
	void *signal_owner;

	/* What the last wait reported; entries before `next_ready` have been served. */
	int ready_count;
	int next_ready;
	struct epoll_event ready[BATCH];
};

/* Not CLOCK_MONOTONIC_COARSE: it lags by up to a jiffy, and a timer that expires early by it is
 * found not due, which makes the loop turn on the spot until the jiffy is over. */
static msec
monotonic_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (msec)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- the heap of timers */

static void
heap_put(struct loop *loop, size_t place, struct timer *timer)
{
	loop->heap[place] = timer;
	timer->place = place;
}

static void
heap_sift_up(struct loop *loop, struct timer *timer, size_t place)
{
	while (place > 1 && loop->heap[place / 2]->due > timer->due) {
		heap_put(loop, place, loop->heap[place / 2]);
		place /= 2;
	}
	heap_put(loop, place, timer);
}

static void
heap_sift_down(struct loop *loop, struct timer *timer, size_t place)
{
	size_t child;

	while ((child = place * 2) <= loop->timer_count) {
		if (child < loop->timer_count &&
			loop->heap[child + 1]->due < loop->heap[child]->due)
			child++;
		if (loop->heap[child]->due >= timer->due)
			break;
		heap_put(loop, place, loop->heap[child]);
		place = child;
	}
	heap_put(loop, place, timer);
}

/* Find the right place for a timer that stands, or is to stand, at `place`. */
static void
heap_settle(struct loop *loop, struct timer *timer, size_t place)
{
	if (place > 1 && loop->heap[place / 2]->due > timer->due)
		heap_sift_up(loop, timer, place);
	else
		heap_sift_down(loop, timer, place);
}

static int
heap_make_room(struct loop *loop)
{
	size_t room = loop->heap_room == 0 ? HEAP_FIRST_ROOM : loop->heap_room * 2;
	struct timer **heap;

	if (loop->timer_count + 1 < loop->heap_room)
		return 0;
	heap = reallocarray(loop->heap, room, sizeof(struct timer *));
	if (heap == NULL)
		return -ENOMEM;
	loop->heap = heap;
	loop->heap_room = room;
	return 0;
}

/* --- one turn */

static int
wait_ms(const struct loop *loop)
{
	msec left;

	if (loop->timer_count == 0)
		return -1;
	left = loop->heap[1]->due - loop->now;
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

static int
wait_for_ready(struct loop *loop)
{
	int count = epoll_wait(loop->epoll_fd, loop->ready, BATCH, wait_ms(loop));

	/* A stop and continue of the process interrupts the wait even with every signal blocked. */
	if (count < 0 && errno != EINTR)
		return -errno;
	loop->ready_count = count < 0 ? 0 : count;
	loop->next_ready = 0;
	loop->now = loop->clock();
	return 0;
}

static void
run_timers(struct loop *loop)
{
	/* As many as there are now: one that sets itself for the past must not hold the turn. */
	size_t turns_left = loop->timer_count;

	for (; turns_left > 0 && loop->timer_count > 0; turns_left--) {
		struct timer *timer = loop->heap[1];

		if (timer->due > loop->now)
			return;
		loop_stop_timer(loop, timer);
		timer->expired(timer, loop->now);
	}
}

static void
run_ready(struct loop *loop)
{
	while (loop->next_ready < loop->ready_count) {
		const struct epoll_event *event = &loop->ready[loop->next_ready++];
		struct watch *watch = event->data.ptr;
		uint32_t events;

		if (watch == NULL || watch->events == 0)
			continue;
		/* An earlier callback of this batch may have stopped asking. */
		events = event->events & (watch->events | EPOLLERR | EPOLLHUP);
		if (events != 0)
			watch->ready(watch, events);
	}
}

static void
run_after(struct loop *loop)
{
	for (struct after *after = loop->first_after; after != NULL; after = after->next)
		after->turn_ends(after, loop->now);
}

/* --- signals */

static void
signals_ready(struct watch *watch, uint32_t events)
{
	struct loop *loop = CONTAINER_OF(watch, struct loop, signal_watch);
	struct signalfd_siginfo signals[8];
	ssize_t length;

	(void)events;
	length = read(watch->fd, signals, sizeof(signals));
	/* What is left, level-triggering brings again. */
	for (size_t i = 0; length > 0 && i < (size_t)length / sizeof(signals[0]); i++)
		loop->caught(loop->signal_owner, (int)signals[i].ssi_signo);
}

int
loop_catch_signals(struct loop *loop, const sigset_t *set, void (*caught)(void *owner, int signo),
	void *owner)
{
	auto_close int signal_fd = -1;
	int error;

	if (loop->signal_watch.fd >= 0)
		return -EBUSY;
	signal_fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0)
		return -errno;
	if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return -errno;
	loop->caught = caught;
	loop->signal_owner = owner;
	loop->signal_watch =
		(struct watch){ .fd = signal_fd, .events = EPOLLIN, .ready = signals_ready };
	error = loop_watch(loop, &loop->signal_watch);
	if (error < 0) {
		loop->signal_watch.fd = -1;
		return error;
	}
	(void)util_take_fd(&signal_fd);
	return 0;
}

/* --- watches */

static int
change_interest(const struct loop *loop, int operation, struct watch *watch, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = watch };

	return epoll_ctl(loop->epoll_fd, operation, watch->fd, &event) < 0 ? -errno : 0;
}

int
loop_watch(struct loop *loop, struct watch *watch)
{
	/* With no event asked for, epoll would still report errors and hang-ups, turn after turn,
	 * to an owner that does not want to know: such a watch is not registered at all. */
	if (watch->events == 0)
		return 0;
	return change_interest(loop, EPOLL_CTL_ADD, watch, watch->events);
}

int
loop_rewatch(struct loop *loop, struct watch *watch, uint32_t events)
{
	int operation = EPOLL_CTL_MOD;
	int error;

	if (events == watch->events && (events & EPOLLONESHOT) == 0)
		return 0;
	if (watch->events == 0)
		operation = EPOLL_CTL_ADD;
	else if (events == 0)
		operation = EPOLL_CTL_DEL;
	error = change_interest(loop, operation, watch, events);
	if (error == 0)
		watch->events = events;
	return error;
}

void
loop_unwatch(struct loop *loop, struct watch *watch)
{
	if (watch->events != 0)
		(void)change_interest(loop, EPOLL_CTL_DEL, watch, 0);
	watch->events = 0;
	/* Its owner may be freed before the rest of the batch is served. */
	for (int i = loop->next_ready; i < loop->ready_count; i++) {
		if (loop->ready[i].data.ptr == watch)
			loop->ready[i].data.ptr = NULL;
	}
}

/* --- timers */

int
loop_set_timer(struct loop *loop, struct timer *timer, msec due)
{
	if (timer->place == 0) {
		int error = heap_make_room(loop);

		if (error < 0)
			return error;
		timer->due = due;
		heap_sift_up(loop, timer, ++loop->timer_count);
		return 0;
	}
	timer->due = due;
	heap_settle(loop, timer, timer->place);
	return 0;
}

void
loop_stop_timer(struct loop *loop, struct timer *timer)
{
	size_t place = timer->place;
	struct timer *last;

	if (place == 0)
		return;
	timer->place = 0;
	last = loop->heap[loop->timer_count--];
	if (last != timer)
		heap_settle(loop, last, place);
}

/* --- the whole */

void
loop_add_after(struct loop *loop, struct after *after)
{
	after->next = NULL;
	*loop->after_end = after;
	loop->after_end = &after->next;
}

msec
loop_now(const struct loop *loop)
{
	return loop->has_begun ? loop->now : loop->clock();
}

void
loop_quit(struct loop *loop)
{
	loop->is_quitting = true;
}

struct loop *
loop_free(struct loop *loop)
{
	if (loop == NULL)
		return NULL;
	if (loop->signal_watch.fd >= 0)
		(void)close(loop->signal_watch.fd);
	(void)close(loop->epoll_fd);
	free(loop->heap);
	free(loop);
	return NULL;
}

struct loop *
loop_new(msec (*clock)(void))
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (loop == NULL)
		return NULL;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		free(loop);
		return NULL;
	}
	loop->clock = clock != NULL ? clock : monotonic_clock;
	loop->after_end = &loop->first_after;
	loop->signal_watch.fd = -1;
	return loop;
}

int
loop_run(struct loop *loop)
{
	loop->now = loop->clock();
	loop->has_begun = true;
	run_after(loop);
	while (!loop->is_quitting) {
		int error = wait_for_ready(loop);

		if (error < 0)
			return error;
		run_timers(loop);
		run_ready(loop);
		run_after(loop);
	}
	loop->is_quitting = false;
	return 0;
}
