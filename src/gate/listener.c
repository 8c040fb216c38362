/* SPDX-License-Identifier: ISC */
/* Listeners: accepting in batches, pausing. */
#include "gate/listener.h"

#include "base/explain.h"
#include "gate/admission.h"
#include "gate/arrival.h"
#include "gate/conn.h"
#include "gate/datagrams.h"
#include "gate/entrance.h"
#include "gate/limits.h"
#include "gate/preface.h"
#include "gate/queue.h"
#include "gate/refusal.h"
#include "gate/relay.h"
#include "gate/service.h"
#include "gate/unix_peer.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/param.h>

#define BATCH_MAX 64
#define FULL_BATCHES_TO_GROW 8

enum outcome { ACCEPTED, REFUSED, NOBODY_CAME, CLIENT_VANISHED, MUST_PAUSE };

static uint32_t
events_wanted(const struct listener *listener)
{
	return EPOLLIN | (listener->is_shared ? (uint32_t)EPOLLEXCLUSIVE : 0);
}

/* What comes there takes one of the service's places, or waits in the kernel. */
static bool
takes_places(const struct listener *listener)
{
	const struct service *service = listener->service;

	return protocol_type(listener->protocol) != SOCK_DGRAM ||
		(!service->builtin && service->config->keys->per == CONFIG_PER_DATAGRAM);
}

bool
listener_is_short(const struct listener *listener)
{
	const struct service *service = listener->service;

	return takes_places(listener) &&
		!listener_has_descriptors(service->gate, relay_descriptors(service));
}

static bool
lets_wait(const struct service *service)
{
	return service->config->keys->at_limit == CONFIG_AT_LIMIT_QUEUE;
}

/* Who comes now is to wait in the kernel's queue. */
static bool
is_shut(const struct service *service)
{
	return service->is_full && lets_wait(service) && !queue_has_seat(service);
}

/* The rate, the load, the queue and what becomes of clients at a limit are about connections:
 * datagrams wait for a place and for nothing else. */
static bool
has_to_wait(const struct listener *listener)
{
	const struct service *service = listener->service;

	if (!takes_places(listener))
		return false;
	if (protocol_type(listener->protocol) == SOCK_DGRAM)
		return service->is_full;
	return is_shut(service) || service->is_paced;
}

void
listener_watch_again(struct listener *listener)
{
	const struct service *service = listener->service;

	if (listener->watch.events != 0 || listener->is_starved || service->is_held ||
		has_to_wait(listener))
		return;
	listener->watch.events = events_wanted(listener);
	if (loop_watch(service->gate->loop, &listener->watch) < 0) {
		listener->watch.events = 0;
		listener_starve(listener);
	}
}

void
listener_pause_service(struct service *service)
{
	for (struct listener *listener = service->listeners; listener;
		listener = listener->next_of_service)
		if (has_to_wait(listener))
			loop_unwatch(service->gate->loop, &listener->watch);
}

void
listener_hold_service(struct service *service, bool is_held)
{
	service->is_held = is_held;
	if (!is_held)
		listener_resume_service(service);
	for (struct listener *listener = service->listeners; is_held && listener;
		listener = listener->next_of_service)
		loop_unwatch(service->gate->loop, &listener->watch);
}

static enum outcome
judge_accept_error(struct listener *listener, int error)
{
	switch (error) {
	case EAGAIN:
		return NOBODY_CAME;
	/* The client, or its network, was gone before we came: accept(2) passes that on. */
	case EINTR:
	case ECONNABORTED:
	case EPROTO:
	case EPERM:
	case ENETDOWN:
	case ENETUNREACH:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENONET:
	case ENOPROTOOPT:
	case ETIMEDOUT:
		return CLIENT_VANISHED;
	default:
		listener_tell_hunger(listener, error);
		listener_starve(listener);
		return MUST_PAUSE;
	}
}

/* Whoever waits, as an entrant without a place. */
static enum outcome
accept_client(struct listener *listener, struct entrant *ret_entrant)
{
	struct service *service = listener->service;
	/* A program that gets it expects a socket that blocks. Who serves the client of a proxy is
	 * settled when it is named: there may be a reload until then. */
	bool is_kept =
		service->builtin || relay_serves(service) || service->config->keys->proxy_from;
	int flags = SOCK_CLOEXEC | (is_kept ? SOCK_NONBLOCK : 0);
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} from;
	socklen_t length = sizeof(from);
	int conn_fd = accept4(listener->watch.fd, &from.any, &length, flags);

	if (conn_fd < 0)
		return judge_accept_error(listener, errno == EWOULDBLOCK ? EAGAIN : errno);
	listener_note_opened(service->gate);
	*ret_entrant = (struct entrant){ .service = service,
		.conn_fd = conn_fd,
		.protocol = listener->protocol,
		.peer = { .family = AF_UNIX },
		.accepted_us = shared_clock_us(),
		.is_kept_ready = is_kept };
	if (length >= sizeof(from.any.sa_family))
		(void)netaddr_from_sockaddr(&ret_entrant->peer, &from.any);
	EXPLAIN(accept, .listen_fd = listener->watch.fd, .conn_fd = conn_fd,
		.peer = &ret_entrant->peer);
	if (!listener->is_wildcard)
		ret_entrant->local = listener->address;
	return ACCEPTED;
}

/* Nobody may come in, and nobody is to wait outside. */
static enum outcome
refuse_one(struct listener *listener, enum verdict verdict)
{
	struct entrant entrant;
	enum outcome outcome = accept_client(listener, &entrant);

	if (outcome != ACCEPTED)
		return outcome;
	refusal_refuse(&entrant, verdict);
	return REFUSED;
}

static enum outcome
accept_one(struct listener *listener)
{
	struct service *service = listener->service;
	struct entrant entrant;
	enum outcome outcome;
	enum verdict verdict;
	enum hold hold;

	if (!listener_has_what_it_takes(listener))
		return MUST_PAUSE;
	verdict = limits_open(service);
	if (verdict == VERDICT_wait_instances || verdict == VERDICT_wait_rate ||
		verdict == VERDICT_wait_load || verdict == VERDICT_wait_memory) {
		listener_pause_service(service);
		return MUST_PAUSE;
	}
	if (verdict != VERDICT_ADMIT && verdict != VERDICT_wait_queue)
		return refuse_one(listener, verdict);
	outcome = accept_client(listener, &entrant);
	hold = verdict == VERDICT_ADMIT ? HOLD_PLACE : HOLD_SEAT;
	if (outcome != ACCEPTED) {
		queue_give_back(service, hold);
		return outcome;
	}
	entrant.hold = hold;
	if (service->config->keys->proxy_from)
		return preface_begin(&entrant) ? ACCEPTED : REFUSED;
	return entrance_go(&entrant) ? ACCEPTED : REFUSED;
}

/* An accept that finds nobody makes a socket and a file and throws them away: as dear as one that
 * finds somebody. The loop's word that there is another client is cheaper. So a batch is what the
 * last ones had use for, and grows only when it was full again and again. */
static void
tune_batch(struct listener *listener, enum outcome last, unsigned came)
{
	if (last == NOBODY_CAME) {
		listener->batch = (uint8_t)(came > 0 ? came : 1);
		listener->full_batches = 0;
	} else if (++listener->full_batches == FULL_BATCHES_TO_GROW) {
		listener->batch = (uint8_t)MIN(listener->batch * 2, BATCH_MAX);
		listener->full_batches = 0;
	}
}

static bool
has_nothing_free(const struct listener *listener)
{
	const struct service *service = listener->service;

	if (listener_is_short(listener))
		return true;
	return lets_wait(service) && service_has_no_place(service) && !queue_has_seat(service);
}

static void
stream_ready(struct watch *watch, uint32_t events)
{
	struct listener *listener = CONTAINER_OF(watch, struct listener, watch);
	enum outcome outcome = ACCEPTED;
	unsigned came = 0;
	unsigned accepted = 0;

	(void)events;
	EXPLAIN(epoll, .socket_fd = watch->fd);
	for (unsigned i = 0; i < listener->batch && outcome != NOBODY_CAME && outcome != MUST_PAUSE;
		i++) {
		/* Whether somebody waits the loop tells; to find nothing free for nobody would be
		 * told as a siege. */
		if (i > 0 && has_nothing_free(listener))
			break;
		outcome = accept_one(listener);
		accepted += outcome == ACCEPTED;
		came += outcome == ACCEPTED || outcome == REFUSED;
	}
	tune_batch(listener, outcome, came);
	service_count(listener->service, METRIC_connections, accepted);
}

/* Connections inherit it, and a program finds what it would find anywhere. */
static void
set_no_delay(const struct listener *listener)
{
	int is_builtin = listener->service->builtin != NULL;

	if (listener->protocol == PROTOCOL_TCP4 || listener->protocol == PROTOCOL_TCP6)
		(void)setsockopt(listener->watch.fd, IPPROTO_TCP, TCP_NODELAY, &is_builtin,
			sizeof(is_builtin));
}

static bool
is_wildcard(const struct netaddr *address)
{
	if (address->family == AF_INET)
		return address->ip.v4.s_addr == htonl(INADDR_ANY);
	return address->family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->ip.v6);
}

struct listener *
listener_new(const struct message_listeners_row *row, enum protocol protocol, int listen_fd)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener) {
		(void)close(listen_fd);
		return NULL;
	}
	listener->watch.fd = listen_fd;
	listener->watch.ready =
		protocol_type(protocol) == SOCK_DGRAM ? datagrams_ready : stream_ready;
	listener->batch = 1;
	listener->id = row->listener;
	listener->protocol = protocol;
	listener->address = row->address;
	listener->is_shared = row->is_shared != 0;
	listener->is_wildcard = is_wildcard(&row->address);
	return listener;
}

void
listener_let_go(struct listener *listener, struct gate *gate)
{
	loop_unwatch(gate->loop, &listener->watch);
	listener_forget_starved(listener, gate);
}

struct listener *
listener_free(struct listener *listener, struct gate *gate)
{
	if (!listener)
		return NULL;
	listener_let_go(listener, gate);
	(void)close(listener->watch.fd);
	free(listener);
	return NULL;
}

void
listener_serve(struct listener *listener, struct service *service)
{
	bool is_other = listener->service != service;

	listener->service = service;
	listener->next_of_service = service->listeners;
	service->listeners = listener;
	if (is_other) {
		set_no_delay(listener);
		EXPLAIN(got_listener, .socket_fd = listener->watch.fd,
			.address = &listener->address);
	}
	if (listener->protocol == PROTOCOL_UNIX_DGRAM)
		unix_peer_expect(listener, admission_asks_who(service));
	arrival_expect(listener, listener->is_wildcard || admission_asks_way(service));
	if (service->is_held)
		loop_unwatch(service->gate->loop, &listener->watch);
	listener_watch_again(listener);
}

void
listener_resume_service(struct service *service)
{
	service_note_place(service);
	queue_serve(service);
	for (struct listener *listener = service->listeners; listener;
		listener = listener->next_of_service)
		listener_watch_again(listener);
}

void
listener_note_seat(struct service *service)
{
	if (!service->is_full)
		return;
	for (struct listener *listener = service->listeners; listener;
		listener = listener->next_of_service)
		listener_watch_again(listener);
}
