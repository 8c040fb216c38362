/* SPDX-License-Identifier: ISC */
/* Clients that wait before they are served, whatever for. */
#include "gate/hall.h"

#include "gate/service.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

static void
link_guest(struct guest **list, struct guest *guest)
{
	guest->next = *list;
	guest->from = list;
	if (guest->next)
		guest->next->from = &guest->next;
	*list = guest;
}

static void
unlink_guest(struct guest *guest)
{
	*guest->from = guest->next;
	if (guest->next)
		guest->next->from = guest->from;
}

static void
move(struct guest **from, struct guest **to)
{
	*to = *from;
	*from = NULL;
	if (*to)
		(*to)->from = to;
}

/* A TCP client that has ended its side may have closed or may only have nothing more to say; the
 * two look alike, and one that waits to be heard is taken to be gone. On a unix socket they differ,
 * and a hang-up is told whatever was asked for. */
static uint32_t
events_wanted(const struct guest *guest)
{
	if (guest->stage->ready)
		return guest->stage->events;
	return protocol_family(guest->entrant.protocol) == AF_UNIX ? EPOLLERR : EPOLLRDHUP;
}

static void
guest_ready(struct watch *watch, uint32_t events)
{
	struct guest *guest = CONTAINER_OF(watch, struct guest, watch);

	(void)events;
	if (guest->stage->ready)
		guest->stage->ready(guest);
	else
		guest->stage->over(guest, HALL_HUNG_UP);
}

static void
patience_ended(struct timer *timer, msec now)
{
	struct guest *guest = CONTAINER_OF(timer, struct guest, patience);

	(void)now;
	guest->stage->over(guest, HALL_LATE);
}

/* Who serves it is settled only when it leaves, for a reload may come before: so its socket is as a
 * gate wants it, and made plain again for a program. */
static int
make_ready(struct entrant *entrant)
{
	int flags;

	if (entrant->is_kept_ready)
		return 0;
	flags = fcntl(entrant->conn_fd, F_GETFL);
	if (flags < 0 || fcntl(entrant->conn_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	entrant->is_kept_ready = true;
	return 0;
}

static int
start_waiting(struct guest *guest, msec patience)
{
	struct loop *loop = guest->entrant.service->gate->loop;
	int error = make_ready(&guest->entrant);

	if (error == 0)
		error = loop_watch(loop, &guest->watch);
	if (error == 0 && patience > 0) {
		error = loop_set_timer(loop, &guest->patience, loop_now(loop) + patience);
		if (error < 0)
			loop_unwatch(loop, &guest->watch);
	}
	return error;
}

int
hall_enter(struct guest *guest, const struct entrant *entrant, const struct hall_stage *stage,
	msec patience)
{
	struct gate *gate = entrant->service->gate;
	int error;

	*guest = (struct guest){ .stage = stage,
		.entrant = *entrant,
		.watch = { .fd = entrant->conn_fd, .ready = guest_ready },
		.patience.expired = patience_ended };
	guest->watch.events = events_wanted(guest);
	error = start_waiting(guest, patience);
	if (error < 0)
		return error;
	link_guest(&gate->first_guest, guest);
	gate->conn_count++;
	service_borrow(entrant->service);
	return 0;
}

int
hall_change(struct guest *guest, const struct hall_stage *stage, msec patience)
{
	struct loop *loop = guest->entrant.service->gate->loop;
	const struct hall_stage *before = guest->stage;
	int error;

	(void)loop_set_timer(loop, &guest->patience, loop_now(loop) + patience);
	guest->stage = stage;
	error = loop_rewatch(loop, &guest->watch, events_wanted(guest));
	if (error < 0)
		guest->stage = before;
	return error;
}

struct entrant
hall_leave(struct guest *guest)
{
	struct gate *gate = guest->entrant.service->gate;

	loop_unwatch(gate->loop, &guest->watch);
	loop_stop_timer(gate->loop, &guest->patience);
	unlink_guest(guest);
	gate->conn_count--;
	return guest->entrant;
}

/* Those of whom `is_over` says so. One that goes may take others with it, for whom there is a place
 * now, so each is looked at when it is back in the gate's list. */
static void
end_those(struct gate *gate, bool (*is_over)(const struct guest *guest), enum hall_end why)
{
	struct guest *left = NULL;

	move(&gate->first_guest, &left);
	while (left) {
		struct guest *guest = left;

		unlink_guest(guest);
		link_guest(&gate->first_guest, guest);
		if (is_over(guest))
			guest->stage->over(guest, why);
	}
}

static bool
is_gone(const struct guest *guest)
{
	const struct service *service = guest->entrant.service;

	return service->generation != service->gate->generation;
}

void
hall_forget_gone(struct gate *gate)
{
	end_those(gate, is_gone, HALL_GONE);
}

static bool
ends_at_stop(const struct guest *guest)
{
	return guest->stage->ends_at_stop;
}

void
hall_stop(struct gate *gate)
{
	end_those(gate, ends_at_stop, HALL_STOP);
}

uint32_t
hall_cut(struct gate *gate)
{
	uint32_t count = 0;

	while (gate->first_guest) {
		const struct hall_stage *stage = gate->first_guest->stage;

		count += !stage->is_refused;
		stage->over(gate->first_guest, HALL_STOP);
	}
	return count;
}
