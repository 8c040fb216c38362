/* SPDX-License-Identifier: ISC */
/* Refused clients, held. */
#include "gate/tarpit.h"

#include "base/log.h"
#include "gate/listener.h"
#include "gate/service.h"

#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/socket.h>

#define WINDOW_BYTES 256 /* that a client may send before it has to wait; the kernel takes more */
#define TICKS 8          /* in which all are sent their byte, so that it is no burst */
#define LINE_BYTES 32

struct held_client {
	struct watch watch; /* first */
	struct tarpit *tarpit;
	struct held_client *newer;
	struct held_client *older;
	struct netaddr peer;
	msec since;
	msec spoken; /* when it was sent a byte last */
	uint32_t sent;
};

struct tarpit {
	struct service *service;
	struct held_client *oldest;
	struct held_client *newest;
	struct held_client *next; /* to be sent a byte; NULL: the oldest */
	uint32_t count;
	struct timer tick;
};

static void
let_go(struct held_client *client)
{
	struct tarpit *tarpit = client->tarpit;
	struct service *service = tarpit->service;
	struct gate *gate = service->gate;

	loop_unwatch(gate->loop, &client->watch);
	(void)close(client->watch.fd);
	if (tarpit->next == client)
		tarpit->next = client->newer;
	if (client->newer)
		client->newer->older = client->older;
	else
		tarpit->newest = client->older;
	if (client->older)
		client->older->newer = client->newer;
	else
		tarpit->oldest = client->newer;
	tarpit->count--;
	gate->tarpit_count--;
	if (log_wants(LOG_LEVEL_DEBUG))
		LOG(tarpit_left, .service = service_name(service), .peer = &client->peer,
			.held_ms = loop_now(gate->loop) - client->since);
	free(client);
	if (tarpit->count == 0)
		loop_stop_timer(gate->loop, &tarpit->tick);
	listener_note_closed(gate);
	service_return(service);
}

/* ---------------------------------------------------------------- a byte now and then */

/* Digits of a number that never ends, in lines: what begins like this is a header still to come for
 * most protocols, and no line of it means anything (ssh's begins with SSH-). */
static char
next_byte(struct held_client *client)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t number = client->sent++;

	if (number % LINE_BYTES == LINE_BYTES - 2)
		return '\r';
	if (number % LINE_BYTES == LINE_BYTES - 1)
		return '\n';
	return digits[(number * 2654435761u + (uint32_t)client->since) >> 28];
}

static void
send_byte(struct held_client *client)
{
	char byte = next_byte(client);

	/* Who does not read is held all the same; who is gone the loop tells. */
	(void)send(client->watch.fd, &byte, 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
set_tick(struct tarpit *tarpit)
{
	struct loop *loop = tarpit->service->gate->loop;
	msec pause = tarpit->service->config->keys->tarpit_pause;

	/* Without memory for the timer they are held in silence. */
	if (tarpit->tick.place == 0)
		(void)loop_set_timer(loop, &tarpit->tick, loop_now(loop) + MAX(pause / TICKS, 1));
}

static void
tick_expired(struct timer *timer, msec now)
{
	struct tarpit *tarpit = CONTAINER_OF(timer, struct tarpit, tick);
	msec pause = tarpit->service->config->keys->tarpit_pause;
	uint32_t share = (tarpit->count + TICKS - 1) / TICKS;

	for (uint32_t i = 0; i < share; i++) {
		struct held_client *client = tarpit->next ? tarpit->next : tarpit->oldest;

		tarpit->next = client->newer;
		if (now - client->spoken < pause - pause / TICKS)
			continue; /* there are so few that its turn comes too often */
		client->spoken = now;
		send_byte(client);
	}
	set_tick(tarpit);
}

/* ---------------------------------------------------------------- in, out */

static void
client_ready(struct watch *watch, uint32_t events)
{
	(void)events; /* its end, or an error */
	let_go(CONTAINER_OF(watch, struct held_client, watch));
}

static struct tarpit *
tarpit_of(struct service *service)
{
	struct tarpit *tarpit = service->tarpit;

	if (tarpit)
		return tarpit;
	tarpit = calloc(1, sizeof(*tarpit));
	if (!tarpit)
		return NULL;
	tarpit->service = service;
	tarpit->tick.expired = tick_expired;
	service->tarpit = tarpit;
	return tarpit;
}

/* Room for one more, if need be in place of the one that has been held longest. */
static bool
make_room(struct tarpit *tarpit)
{
	const struct gate *gate = tarpit->service->gate;
	int64_t share = tarpit->service->config->keys->tarpit_instances / gate->gate_count;

	while (tarpit->count > 0 &&
		(tarpit->count >= MAX(share, 1) || gate->tarpit_count >= gate->descriptors_max / 4))
		let_go(tarpit->oldest);
	return gate->tarpit_count < gate->descriptors_max / 4;
}

static struct held_client *
held_client_new(struct tarpit *tarpit, const struct entrant *entrant)
{
	struct loop *loop = tarpit->service->gate->loop;
	struct held_client *client = malloc(sizeof(*client));

	if (!client)
		return NULL;
	*client = (struct held_client){ .tarpit = tarpit,
		.peer = entrant->peer,
		.since = loop_now(loop),
		.spoken = loop_now(loop),
		.watch = { .fd = entrant->conn_fd,
			.ready = client_ready,
			.events = protocol_family(entrant->protocol) == AF_UNIX ? EPOLLERR
										: EPOLLRDHUP } };
	if (loop_watch(loop, &client->watch) == 0)
		return client;
	free(client);
	return NULL;
}

void
tarpit_hold(struct entrant *entrant)
{
	struct service *service = entrant->service;
	struct gate *gate = service->gate;
	struct tarpit *tarpit = tarpit_of(service);
	struct held_client *client = NULL;
	int window = WINDOW_BYTES;

	if (tarpit && gate->phase != CHANNEL_STOP && make_room(tarpit))
		client = held_client_new(tarpit, entrant);
	if (!client) {
		entrance_turn_away(entrant);
		return;
	}
	/* What the kernel holds of it, and with that its window. */
	(void)setsockopt(entrant->conn_fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window));
	client->older = tarpit->newest;
	if (client->older)
		client->older->newer = client;
	else
		tarpit->oldest = client;
	tarpit->newest = client;
	tarpit->count++;
	gate->tarpit_count++;
	service_borrow(service);
	service_count(service, METRIC_tarpitted, 1);
	set_tick(tarpit);
	entrance_give_back(entrant);
}

static void
empty(struct service *service)
{
	/* The last one may have been the last user of the service. */
	service_borrow(service);
	while (service->tarpit && service->tarpit->count > 0)
		let_go(service->tarpit->oldest);
	service_return(service);
}

static void
empty_those(struct gate *gate, bool is_all)
{
	struct service *service = gate->first_service;

	while (service) {
		struct service *next = service->next;

		if (is_all || service->generation != gate->generation)
			empty(service);
		service = next;
	}
}

void
tarpits_forget_gone(struct gate *gate)
{
	empty_those(gate, false);
}

void
tarpits_cut(struct gate *gate)
{
	empty_those(gate, true);
}

struct tarpit *
tarpit_free(struct tarpit *tarpit)
{
	if (tarpit)
		loop_stop_timer(tarpit->service->gate->loop, &tarpit->tick);
	free(tarpit);
	return NULL;
}
