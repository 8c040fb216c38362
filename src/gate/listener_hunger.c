/* SPDX-License-Identifier: ISC */
/* Listeners that starve: descriptors are short, or the supervisor cannot follow. Each is tried
 * again in its turn, when a descriptor was freed and in a second. */
#include "gate/listener.h"

#include "base/log.h"
#include "gate/outbox.h"
#include "gate/service.h"

#define HUNGER_MS 1000
#define HUNGER_TOLD_MS 10000

void
listener_tell_hunger(const struct listener *listener, int error)
{
	struct service *service = listener->service;
	struct gate *gate = service->gate;
	msec now = loop_now(gate->loop);

	service_count(service, METRIC_waits, 1);
	if (now - gate->hunger_told < HUNGER_TOLD_MS)
		return;
	gate->hunger_told = now;
	if (error != 0)
		LOG(accept_failed, .service = service_name(service), .error = error);
	else
		LOG(service_full, .service = service_name(service),
			.verdict = verdict_word(VERDICT_wait_descriptors),
			.instances = gate->descriptors);
}

void
listener_starve(struct listener *listener)
{
	struct gate *gate = listener->service->gate;

	loop_unwatch(gate->loop, &listener->watch);
	if (listener->is_starved)
		return;
	listener->is_starved = true;
	listener->next_starved = NULL;
	*gate->starved_end = listener;
	gate->starved_end = &listener->next_starved;
	/* Without memory for the timer the next descriptor that is freed has to do. */
	if (gate->hunger.place == 0)
		(void)loop_set_timer(gate->loop, &gate->hunger, loop_now(gate->loop) + HUNGER_MS);
}

static struct listener *
take_starved(struct gate *gate)
{
	struct listener *listener = gate->first_starved;

	if (!listener)
		return NULL;
	gate->first_starved = listener->next_starved;
	if (!gate->first_starved)
		gate->starved_end = &gate->first_starved;
	listener->is_starved = false;
	return listener;
}

void
listener_forget_starved(struct listener *listener, struct gate *gate)
{
	struct listener **place = &gate->first_starved;

	if (!listener->is_starved)
		return;
	while (*place) {
		if (*place == listener)
			*place = listener->next_starved;
		else
			place = &(*place)->next_starved;
	}
	gate->starved_end = place;
	listener->is_starved = false;
}

/* Who waits at one that is short as before has been counted, and is not asked for again. */
static void
feed(struct listener *listener)
{
	listener->is_hungry = listener->is_hungry && listener_is_short(listener);
	if (listener->is_hungry)
		listener_starve(listener);
	else
		listener_watch_again(listener);
}

void
listener_resume_starved(struct gate *gate)
{
	struct listener *last = NULL;
	struct listener *listener;

	if (gate->first_starved)
		last = CONTAINER_OF(gate->starved_end, struct listener, next_starved);
	/* Up to the one that is last now: one that starves again joins behind it. */
	do {
		listener = take_starved(gate);
		if (listener)
			feed(listener);
	} while (listener && listener != last);
}

static void
hunger_expired(struct timer *timer, msec now)
{
	(void)now;
	listener_resume_starved(CONTAINER_OF(timer, struct gate, hunger));
}

bool
listener_is_followed(struct listener *listener)
{
	const struct service *service = listener->service;

	if (service->builtin || !outbox_is_behind(service->gate->outbox))
		return true;
	listener_starve(listener); /* the supervisor cannot follow; clients wait in the kernel */
	return false;
}

bool
listener_has_descriptors(const struct gate *gate, uint32_t count)
{
	return gate->descriptors + count <= gate->descriptors_max;
}

bool
listener_has_what_it_takes(struct listener *listener)
{
	struct service *service = listener->service;

	if (!listener_is_short(listener))
		return listener_is_followed(listener);
	service_count(service, METRIC_verdict_wait_descriptors, 1);
	listener_tell_hunger(listener, 0);
	listener->is_hungry = true;
	listener_starve(listener);
	return false;
}

void
listener_note_opened(struct gate *gate)
{
	gate->descriptors++;
}

void
listener_note_closed(struct gate *gate)
{
	struct listener *listener;

	gate->descriptors--;
	/* One for one: waking all who starve would only have them starve again. */
	listener = take_starved(gate);
	if (listener)
		feed(listener);
}

void
listener_init(struct gate *gate)
{
	gate->starved_end = &gate->first_starved;
	gate->hunger.expired = hunger_expired;
	gate->hunger_told = LONG_AGO;
}
