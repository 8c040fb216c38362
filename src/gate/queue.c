/* SPDX-License-Identifier: ISC */
/* Clients that wait for a place. Each gate has its own in a list; by the tickets that gates show
 * each other (base/shared_queue.h) a place goes to whoever came first. A gate whose client is not
 * the first lets it go by, but not for ever: one that is stopped must not stop all. */
#include "gate/queue.h"

#include "base/log.h"
#include "base/shared_places.h"
#include "base/shared_queue.h"
#include "gate/admission.h"
#include "gate/hall.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/outbox.h"
#include "gate/refusal.h"
#include "gate/relay.h"
#include "gate/service.h"
#include "gate/speech.h"

#define YIELD_MS 1000 /* how long a free place may be left to a client of another gate */
#define RETRY_MS 100  /* when what a client takes beside a place was not there */

struct waiter {
	struct guest guest; /* first */
	uint64_t ticket;
	struct waiter *next; /* in the order of coming */
	struct waiter **from;
	char *untaken; /* of what it was told; NULL: it has taken all */
	size_t untaken_length;
};

struct queue {
	struct service *service;
	struct waiter *first;
	struct waiter **end;
	struct timer retry;
	bool is_yielding;
	bool is_serving;
	bool lets_by; /* until `retry` */
};

static uint64_t
first_ticket(const struct queue *queue)
{
	return queue && queue->first ? queue->first->ticket : SHARED_NO_TICKET;
}

static bool
is_before(const struct service *service)
{
	const struct gate *gate = service->gate;

	return (service->queue && service->queue->first) ||
		shared_queue_is_behind(gate->shared, service->row, gate->writer, SHARED_NO_TICKET);
}

enum hold
queue_take(struct service *service)
{
	const struct gate *gate = service->gate;

	if (!is_before(service) && service_admit_or_drop(service))
		return HOLD_PLACE;
	return shared_queue_sit(gate->shared, service->row, gate->writer,
		       service->config->keys->queue)
		? HOLD_SEAT
		: HOLD_NOTHING;
}

bool
queue_has_seat(const struct service *service)
{
	int64_t limit = service->config->keys->queue;

	return limit > 0 && shared_queue_length(service->gate->shared, service->row) < limit;
}

static void
rise(struct service *service)
{
	const struct gate *gate = service->gate;

	if (shared_queue_rise(gate->shared, service->row, gate->writer))
		service_tell_free(service);
	listener_note_seat(service);
}

void
queue_give_back(struct service *service, enum hold hold)
{
	switch (hold) {
	case HOLD_NOTHING:
		break;
	case HOLD_PLACE:
		service_release(service);
		break;
	case HOLD_SEAT:
		rise(service);
		break;
	}
}

/* ---------------------------------------------------------------- the list */

static void
show_first(const struct queue *queue)
{
	const struct service *service = queue->service;

	shared_queue_show(service->gate->shared, service->row, service->gate->writer,
		first_ticket(queue));
}

static void
add(struct queue *queue, struct waiter *waiter)
{
	waiter->next = NULL;
	waiter->from = queue->end;
	*queue->end = waiter;
	queue->end = &waiter->next;
	if (queue->first == waiter)
		show_first(queue);
}

static void
take_out(struct queue *queue, struct waiter *waiter)
{
	bool was_first = queue->first == waiter;

	*waiter->from = waiter->next;
	if (waiter->next)
		waiter->next->from = waiter->from;
	else
		queue->end = waiter->from;
	if (was_first)
		show_first(queue);
}

static void
waiter_free(struct waiter *waiter)
{
	free(waiter->untaken);
	free(waiter);
}

/* Its client, with its seat and a hold on the service. */
static struct entrant
leave(struct waiter *waiter)
{
	struct entrant entrant = hall_leave(&waiter->guest);

	take_out(entrant.service->queue, waiter);
	return entrant;
}

/* ---------------------------------------------------------------- its turn */

static void
serve_first(struct queue *queue)
{
	struct service *service = queue->service;
	struct waiter *waiter = queue->first;
	struct entrant entrant = leave(waiter);

	entrant.hold = HOLD_PLACE;
	rise(service);
	LOG(queue_served, .service = service_name(service), .peer = &entrant.peer,
		.waited_ms = (shared_clock_us() - entrant.accepted_us) / 1000);
	if (speech_say_rest(&entrant, waiter->untaken, waiter->untaken_length) == PASSAGE_ON)
		(void)entrance_go(&entrant);
	waiter_free(waiter);
	service_return(service);
}

static void
retry_in(struct queue *queue, msec span)
{
	struct loop *loop = queue->service->gate->loop;

	/* Without memory for the timer the next place that is free has to do. */
	if (queue->retry.place == 0)
		(void)loop_set_timer(loop, &queue->retry, loop_now(loop) + span);
}

/* Beside a place: a host that has not too much to do, descriptors, a supervisor that follows. */
static bool
has_what_it_takes(const struct service *service)
{
	struct gate *gate = service->gate;

	return !limits_host_is_busy(service) &&
		listener_has_descriptors(gate, relay_descriptors(service) - 1) &&
		(service->builtin || !outbox_is_behind(gate->outbox));
}

/* The one that was let go first has come: the next one is waited for anew. */
static void
end_yielding(struct queue *queue)
{
	if (!queue->is_yielding)
		return;
	queue->is_yielding = false;
	loop_stop_timer(queue->service->gate->loop, &queue->retry);
}

/* Is there an older client in another gate? Then the place is left to it, for a while. */
static bool
yields(struct queue *queue)
{
	struct service *service = queue->service;
	const struct gate *gate = service->gate;

	if (queue->is_yielding && queue->retry.place == 0) {
		queue->is_yielding = false;
		return false;
	}
	if (!shared_queue_is_behind(gate->shared, service->row, gate->writer,
		    first_ticket(queue))) {
		queue->is_yielding = false;
		return false;
	}
	service->is_full = true; /* to be woken */
	queue->is_yielding = true;
	retry_in(queue, YIELD_MS);
	return true;
}

/* There was no place, so that nobody was let go first, and asking for one notes us as waiting. One
 * that has become free in between is kept only if it is our turn. */
static bool
is_left_to_others(struct queue *queue)
{
	struct service *service = queue->service;
	const struct gate *gate = service->gate;

	if (!shared_queue_is_behind(gate->shared, service->row, gate->writer, first_ticket(queue)))
		return false;
	if (shared_release(gate->shared, service->row, gate->writer))
		service_tell_free(service);
	return true;
}

/* A place for the oldest of ours, if it is its turn. */
static bool
find_place(struct queue *queue)
{
	struct service *service = queue->service;
	bool was_full;

	if (!has_what_it_takes(service)) {
		retry_in(queue, RETRY_MS);
		return false;
	}
	do {
		was_full = service_has_no_place(service);
		if (was_full)
			end_yielding(queue);
		else if (yields(queue))
			return false;
		if (!service_try_place(service))
			return false;
	} while (was_full && is_left_to_others(queue));
	return true;
}

void
queue_serve(struct service *service)
{
	struct queue *queue = service->queue;

	/* Whoever is served may be done at once, and its place be free again. */
	if (!queue || queue->is_serving || queue->lets_by || gate_is_stopping(service->gate))
		return;
	queue->is_serving = true;
	while (queue->first && find_place(queue))
		serve_first(queue);
	queue->is_serving = false;
}

static void
retry_expired(struct timer *timer, msec now)
{
	struct queue *queue = CONTAINER_OF(timer, struct queue, retry);

	(void)now;
	queue->lets_by = false;
	listener_resume_service(queue->service);
}

void
queue_let_by(struct service *service)
{
	struct loop *loop = service->gate->loop;
	struct queue *queue = service->queue;

	/* Without the timer nobody would be let go on. */
	if (queue && queue->first)
		queue->lets_by =
			loop_set_timer(loop, &queue->retry, loop_now(loop) + YIELD_MS) == 0;
}

/* ---------------------------------------------------------------- the end of waiting */

/* What it was told when it came ends before anything else begins. */
static void
refuse(const struct waiter *waiter, struct entrant *entrant, enum verdict verdict)
{
	const struct policy_answer answer = { .verdict = verdict };

	if (speech_try_rest(entrant, waiter->untaken, waiter->untaken_length)) {
		refusal_refuse(entrant, verdict);
		return;
	}
	admission_refuse_stream(entrant->service, entrant->conn_fd, &entrant->peer, &answer);
	entrance_turn_away(entrant);
}

static void
waiter_over(struct guest *guest, enum hall_end why)
{
	static const enum verdict verdicts[] = {
		[HALL_LATE] = VERDICT_refuse_queue_time,
		[HALL_GONE] = VERDICT_refuse_gone,
		[HALL_STOP] = VERDICT_refuse_gone,
		[HALL_HUNG_UP] = VERDICT_ADMIT,
	};
	struct waiter *waiter = CONTAINER_OF(guest, struct waiter, guest);
	struct entrant entrant = leave(waiter);
	struct service *service = entrant.service;

	if (why == HALL_HUNG_UP) {
		service_count(service, METRIC_queue_hangups, 1);
		LOG(queue_left, .service = service_name(service), .peer = &entrant.peer,
			.waited_ms = (shared_clock_us() - entrant.accepted_us) / 1000);
		entrance_turn_away(&entrant);
	} else {
		refuse(waiter, &entrant, verdicts[why]);
	}
	/* It may have been the one that others, and the next of ours, let go before them. */
	if (!service_has_no_place(service)) {
		service_tell_free(service);
		queue_serve(service);
	}
	waiter_free(waiter);
	service_return(service);
}

/* ---------------------------------------------------------------- begin, end */

static struct queue *
queue_of(struct service *service)
{
	struct queue *queue = service->queue;

	if (queue)
		return queue;
	queue = calloc(1, sizeof(*queue));
	if (!queue)
		return NULL;
	queue->service = service;
	queue->end = &queue->first;
	queue->retry.expired = retry_expired;
	service->queue = queue;
	return queue;
}

enum passage
queue_join(struct entrant *entrant)
{
	static const struct hall_stage stage = { .over = waiter_over, .ends_at_stop = true };
	struct service *service = entrant->service;
	struct gate *gate = service->gate;
	struct queue *queue = queue_of(service);
	struct waiter *waiter = queue ? calloc(1, sizeof(*waiter)) : NULL;

	if (gate_is_stopping(gate)) {
		free(waiter);
		refusal_refuse(entrant, VERDICT_refuse_gone);
		return PASSAGE_REFUSED;
	}
	if (!waiter ||
		hall_enter(&waiter->guest, entrant, &stage, service->config->keys->queue_time) <
			0) {
		free(waiter);
		entrance_turn_away(entrant);
		return PASSAGE_REFUSED;
	}
	waiter->ticket = shared_queue_draw(gate->shared, service->row);
	add(queue, waiter);
	service_count(service, METRIC_verdict_wait_queue, 1);
	service_note_siege(service, VERDICT_wait_queue);
	if (log_wants(LOG_LEVEL_DEBUG))
		LOG(queue_joined, .service = service_name(service), .peer = &entrant->peer,
			.position = shared_queue_position(gate->shared, service->row));
	/* Now that it has its turn: who has been told is before all who are told later. */
	waiter->untaken = speech_try(entrant, service->config->keys->banner_queue,
		VERDICT_wait_queue, &waiter->untaken_length);
	queue_serve(service);
	return PASSAGE_WAITS;
}

struct queue *
queue_free(struct queue *queue)
{
	if (queue)
		loop_stop_timer(queue->service->gate->loop, &queue->retry);
	free(queue);
	return NULL;
}
