/* SPDX-License-Identifier: ISC */
/* Wait services: watch, start, watch again. A socket is registered with epoll once and asked for
 * with EPOLLONESHOT: the kernel stops telling of it by itself when the program is started, and one
 * call when it has ended arms it anew. What is queued by then is told at once. */
#include "supervisor/waiting.h"

#include "base/shared_places.h"
#include "supervisor/handlers.h"
#include "supervisor/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define RETRY_MS 1000
#define START_RETRY_MS 100 /* without which one that cannot be started would make us spin */
#define QUICK_MS 1000

/* Quick programs, one after another, before it is looked whether they take what they are started
 * for. A queue of clients that grows no shorter may also be one that others join as quickly. */
#define STREAK_OF_DATAGRAMS 8
#define STREAK_OF_CLIENTS 64

/* One program gets all sockets of the service, from descriptor 3 on. */
static bool
is_activated(const struct served *served)
{
	return served->outfit->keys->activation != 0;
}

static void
arm(struct waiting *waiting)
{
	struct loop *loop = waiting->supervisor->loop;
	int error;

	if (waiting->supervisor->is_stopping || waiting->is_armed || waiting->handler != NULL ||
		waiting->served == NULL || waiting->listener->is_known_to_gates ||
		waiting->pause.place != 0 || waiting->served->hold != HOLD_NONE)
		return;
	error = loop_rewatch(loop, &waiting->watch, EPOLLIN | (uint32_t)EPOLLONESHOT);
	waiting->is_armed = error == 0;
	if (error == 0)
		return;
	LOG(system_error, .step = "epoll_ctl", .error = -error);
	(void)loop_set_timer(loop, &waiting->pause, loop_now(loop) + RETRY_MS);
}

static void
arm_service(const struct served *served)
{
	for (struct waiting *waiting = served->first_waiting; waiting != NULL;
		waiting = waiting->next_of_service)
		arm(waiting);
}

static void
arm_listener(const struct listener *listener)
{
	for (uint32_t i = 0; listener->is_waiting && i < listener->fd_count; i++)
		arm(&listener->waiting[i]);
}

static void
pause_is_over(struct timer *timer, msec now)
{
	(void)now;
	arm(CONTAINER_OF(timer, struct waiting, pause));
}

static void
disarm(struct waiting *waiting)
{
	loop_stop_timer(waiting->supervisor->loop, &waiting->pause);
	loop_unwatch(waiting->supervisor->loop, &waiting->watch);
	waiting->is_armed = false;
}

/* The program finds its socket as if nobody had it before: the one before it may have left
 * O_NONBLOCK or O_ASYNC, which belong to the socket and not to the descriptor. The copy lies where
 * a start is cheap. */
static int
copy_for_program(int listen_fd)
{
	if (fcntl(listen_fd, F_SETFL, 0) < 0)
		return -errno;
	return fcntl(listen_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
}

/* For activation: all sockets of the service, which one program gets together. False: another one
 * still has some of them, or the gates. */
static bool
are_all_free(const struct served *served)
{
	for (const struct waiting *waiting = served->first_waiting; waiting != NULL;
		waiting = waiting->next_of_service)
		if (waiting->handler != NULL || waiting->listener->is_known_to_gates)
			return false;
	return true;
}

void
waiting_hold(struct handler *handler, struct waiting *waiting)
{
	waiting->handler = handler;
	waiting->next_held = handler->held;
	handler->held = waiting;
}

static struct handler *
start_with_all(struct supervisor *supervisor, struct start *start)
{
	const struct served *served = start->served;
	auto_free int *sockets = calloc(served->waiting_count, sizeof(int));
	struct handler *handler;

	if (sockets == NULL) {
		(void)shared_release(supervisor->shared, served->row, SHARED_SUPERVISOR);
		return NULL;
	}
	for (struct waiting *waiting = served->first_waiting; waiting != NULL;
		waiting = waiting->next_of_service) {
		(void)fcntl(waiting->watch.fd, F_SETFL, 0);
		sockets[start->socket_count++] = waiting->watch.fd;
	}
	start->sockets = sockets;
	start->in_fd = start->out_fd = sockets[0];
	handler = handlers_run(supervisor, start);
	start->sockets = NULL;
	for (struct waiting *waiting = served->first_waiting; handler != NULL && waiting != NULL;
		waiting = waiting->next_of_service)
		waiting_hold(handler, waiting);
	return handler;
}

static struct handler *
start_with_one(struct supervisor *supervisor, struct start *start, struct waiting *waiting)
{
	auto_close int socket_fd = copy_for_program(waiting->watch.fd);
	struct handler *handler;

	start->in_fd = start->out_fd = socket_fd;
	handler = handlers_run(supervisor, start);
	if (handler != NULL)
		waiting_hold(handler, waiting);
	return handler;
}

static bool
is_dgram(const struct waiting *waiting)
{
	return protocol_type(waiting->listener->wanted.protocol) == SOCK_DGRAM;
}

static uint32_t
streak_to_look(const struct waiting *waiting)
{
	return is_dgram(waiting) ? STREAK_OF_DATAGRAMS : STREAK_OF_CLIENTS;
}

/* The datagram that is the next, or how many clients wait. */
static uint64_t
find_head(const struct waiting *waiting)
{
	return is_dgram(waiting) ? listen_head(waiting->watch.fd)
				 : listen_queued(waiting->watch.fd);
}

static void
start_program(struct waiting *waiting)
{
	struct supervisor *supervisor = waiting->supervisor;
	struct handler *handler;
	struct start start = { .served = waiting->served,
		.connection = ++supervisor->next_start,
		.gate = waiting->served->row % supervisor->gate_count,
		.protocol = waiting->listener->wanted.protocol,
		.local = waiting->listener->bound };

	if (waiting->streak >= streak_to_look(waiting))
		waiting->head = find_head(waiting);
	handler = is_activated(waiting->served) ? start_with_all(supervisor, &start)
						: start_with_one(supervisor, &start, waiting);
	if (handler != NULL)
		return;
	(void)loop_set_timer(supervisor->loop, &waiting->pause,
		loop_now(supervisor->loop) + START_RETRY_MS);
}

static void
socket_ready(struct watch *watch, uint32_t events)
{
	struct waiting *waiting = CONTAINER_OF(watch, struct waiting, watch);
	struct supervisor *supervisor = waiting->supervisor;
	struct served *served = waiting->served;

	(void)events;
	waiting->is_armed = false;
	waiting->head = 0;
	if (waiting->handler != NULL)
		return; /* it has been given away together with another one */
	if ((!is_activated(served) || are_all_free(served)) &&
		shared_admit(supervisor->shared, served->row, SHARED_SUPERVISOR,
			served->outfit->keys->instances))
		start_program(waiting);
	else
		served->lacks_place = true;
}

int
waiting_prepare(struct supervisor *supervisor, struct listener *listener)
{
	if (listener->waiting != NULL)
		return 0;
	listener->waiting = calloc(listener->fd_count, sizeof(struct waiting));
	if (listener->waiting == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < listener->fd_count; i++)
		listener->waiting[i] = (struct waiting){
			.watch = { .fd = listener->fds[i], .ready = socket_ready },
			.pause = { .expired = pause_is_over },
			.supervisor = supervisor,
			.listener = listener,
		};
	return 0;
}

static bool
is_held(const struct listener *listener)
{
	for (uint32_t i = 0; i < listener->fd_count; i++)
		if (listener->waiting[i].handler != NULL)
			return true;
	return false;
}

/* What the service before asked of the socket, no program expects. */
static void
clear_options(const struct listener *listener)
{
	for (uint32_t i = 0; i < listener->fd_count; i++)
		listen_clear_options(listener->fds[i], listener->wanted.protocol);
}

static void
serve(struct listener *listener, struct served *served)
{
	listener->is_waiting = true;
	for (uint32_t i = 0; i < listener->fd_count; i++) {
		struct waiting *waiting = &listener->waiting[i];

		waiting->served = served;
		waiting->next_of_service = served->first_waiting;
		served->first_waiting = waiting;
		served->waiting_count++;
	}
}

/* A number that no gate knows: it is a new listener to them. */
static void
give_to_gates(struct supervisor *supervisor, struct listener *listener)
{
	for (uint32_t i = 0; i < listener->fd_count; i++)
		(void)fcntl(listener->fds[i], F_SETFL, O_NONBLOCK);
	free(listener->waiting);
	listener->waiting = NULL;
	listener->is_waiting = false;
	listener->is_known_to_gates = true;
	listener->id = ++supervisor->next_listener;
}

static void
let_go(struct supervisor *supervisor, struct listener *listener)
{
	for (uint32_t i = 0; i < listener->fd_count; i++) {
		disarm(&listener->waiting[i]);
		listener->waiting[i].served = NULL;
	}
	if (!is_held(listener))
		give_to_gates(supervisor, listener);
}

static void
forget_list(struct served *served)
{
	served->first_waiting = NULL;
	served->waiting_count = 0;
}

/* The lists of the services before: some of their sockets are closed or another's by now. */
static void
forget_services(const struct listener_set *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		const struct listener *listener = listeners->slots[i].listener;

		for (uint32_t j = 0; listener->is_waiting && j < listener->fd_count; j++)
			if (listener->waiting[j].served != NULL)
				forget_list(listener->waiting[j].served);
	}
}

static bool
is_wait(const struct served *served)
{
	return served->outfit != NULL && served->outfit->keys->wait != 0;
}

void
waiting_swap(struct supervisor *supervisor)
{
	const struct listener_set *listeners = &supervisor->listeners;

	forget_services(listeners);
	/* Backwards: each is put before those of its service that are there already. */
	for (size_t i = listeners->count; i-- > 0;) {
		const struct listener_slot *slot = &listeners->slots[i];
		struct served *served = supervisor->services.served[slot->service];

		if (is_wait(served))
			serve(slot->listener, served);
		else if (slot->listener->is_waiting)
			let_go(supervisor, slot->listener);
		else
			slot->listener->is_known_to_gates = true;
	}
	for (size_t i = 0; i < listeners->count; i++)
		arm_listener(listeners->slots[i].listener);
}

bool
waiting_gates_serve(struct supervisor *supervisor)
{
	const struct listener_set *listeners = &supervisor->listeners;
	bool is_anything_theirs = false;
	bool is_any_new = false;

	for (size_t i = 0; i < listeners->count; i++) {
		struct listener *listener = listeners->slots[i].listener;

		if (listener->is_waiting && listener->is_known_to_gates) {
			listener->is_known_to_gates = false;
			clear_options(listener);
			is_any_new = true;
		} else if (listener->is_waiting && listener->waiting[0].served == NULL &&
			!is_held(listener)) {
			give_to_gates(supervisor, listener);
			is_anything_theirs = true;
		}
	}
	for (size_t i = 0; is_any_new && i < listeners->count; i++)
		arm_listener(listeners->slots[i].listener);
	return is_anything_theirs;
}

void
waiting_wake(struct supervisor *supervisor, uint32_t row)
{
	struct served *served = supervisor->rows[row];

	if (served == NULL || !served->lacks_place)
		return;
	served->lacks_place = false;
	arm_service(served);
}

void
waiting_hold_clients(const struct served *served)
{
	for (struct waiting *waiting = served->first_waiting; waiting != NULL;
		waiting = waiting->next_of_service)
		if (served->hold == HOLD_NONE)
			arm(waiting);
		else
			disarm(waiting);
}

void
waiting_rest(struct supervisor *supervisor)
{
	const struct listener_set *listeners = &supervisor->listeners;

	for (size_t i = 0; i < listeners->count; i++)
		for (uint32_t j = 0; listeners->slots[i].listener->is_waiting &&
			j < listeners->slots[i].listener->fd_count;
			j++)
			disarm(&listeners->slots[i].listener->waiting[j]);
}

static bool
has_left_head(const struct waiting *waiting)
{
	uint64_t head = find_head(waiting);

	return is_dgram(waiting) ? head == waiting->head : head >= waiting->head;
}

bool
waiting_left_it(const struct handler *handler)
{
	for (const struct waiting *waiting = handler->held; waiting != NULL;
		waiting = waiting->next_held)
		if (waiting->head != 0 && has_left_head(waiting))
			return true;
	return false;
}

/* Who serves one client or datagram and ends is no spin, however fast: one that leaves it is. */
static void
note_streak(struct waiting *waiting, const struct handler *handler)
{
	bool is_quick = loop_now(waiting->supervisor->loop) - handler->started < QUICK_MS;

	if (!is_quick || (waiting->head != 0 && !handler->has_left_it))
		waiting->streak = 0;
	else if (waiting->streak < streak_to_look(waiting))
		waiting->streak++;
}

/* Many programs shut down or connect what they have as standard input when they end. */
static void
mend(const struct waiting *waiting)
{
	const struct listener *listener = waiting->listener;
	int error = listen_mend(waiting->watch.fd, listener->wanted.protocol, &listener->bound,
		listener->backlog);

	if (error < 0)
		LOG(system_error, .step = "listen", .error = -error);
}

void
waiting_ended(struct supervisor *supervisor, struct handler *handler)
{
	struct waiting *next;
	bool is_theirs = false;

	for (struct waiting *waiting = handler->held; waiting != NULL; waiting = next) {
		next = waiting->next_held;
		note_streak(waiting, handler);
		waiting->handler = NULL;
		mend(waiting);
		is_theirs = is_theirs || waiting->served == NULL;
		if (waiting->served != NULL && is_activated(waiting->served))
			arm_service(waiting->served);
		else
			arm(waiting);
	}
	handler->held = NULL;
	if (is_theirs)
		reload_hand_over(supervisor);
	waiting_wake(supervisor, handler->row);
}

static void
leave_handler(struct waiting *waiting)
{
	struct waiting **place;

	if (waiting->handler == NULL)
		return;
	place = &waiting->handler->held;
	while (*place != waiting)
		place = &(*place)->next_held;
	*place = waiting->next_held;
}

void
waiting_free(struct listener *listener)
{
	for (uint32_t i = 0; listener->waiting != NULL && i < listener->fd_count; i++) {
		struct waiting *waiting = &listener->waiting[i];

		disarm(waiting);
		leave_handler(waiting);
		if (waiting->served != NULL)
			forget_list(waiting->served);
	}
	free(listener->waiting);
	listener->waiting = NULL;
}
