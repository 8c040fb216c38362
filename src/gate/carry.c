/* SPDX-License-Identifier: ISC */
/* Datagrams to programs, and their answers. */
#include "gate/carry.h"

#include "base/log.h"
#include "config/meaning.h"
#include "gate/carry_table.h"
#include "gate/datagram_queue.h"
#include "gate/datagrams.h"
#include "gate/listener.h"
#include "gate/service.h"
#include "gate/spawn_request.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/param.h>

/* What one datagram can carry: 65,535 bytes of IP packet, less the headers; on unix sockets what
 * the gate receives at once. */
#define LONGEST_V4 65507
#define LONGEST_V6 65527

/* Turns are shared: so many datagrams for programs of peers at once. */
#define DATAGRAMS_AT_ONCE 16

struct carries {
	struct gate *gate;
	struct carry_table peers;
	bool has_place; /* taken for the datagram that comes next */
	char *scratch;  /* DATAGRAM_MAX + 1; not zeroed, so it costs nothing before its use */
};

struct carries *
carries_new(struct gate *gate)
{
	struct carries *carries = calloc(1, sizeof(*carries));

	if (!carries)
		return NULL;
	carries->gate = gate;
	carries->scratch = malloc(DATAGRAM_MAX + 1);
	if (!carries->scratch || carry_table_init(&carries->peers) < 0)
		return carries_free(carries);
	return carries;
}

struct carries *
carries_free(struct carries *carries)
{
	if (!carries)
		return NULL;
	carry_table_fini(&carries->peers);
	free(carries->scratch);
	free(carries);
	return NULL;
}

char *
carry_scratch(const struct carry *carry)
{
	return carry->service->gate->carries->scratch;
}

struct carry_table *
carry_peers(const struct gate *gate)
{
	return &gate->carries->peers;
}

static bool
is_one_each(const struct service *service)
{
	return service->config->keys->per == CONFIG_PER_DATAGRAM;
}

size_t
carry_longest_answer(const struct carry *carry)
{
	if (carry->peer.address.family == AF_INET)
		return LONGEST_V4;
	return carry->peer.address.family == AF_INET6 ? LONGEST_V6 : DATAGRAM_MAX;
}

/* ---------------------------------------------------------------- back to the client */

/* What came from the peer may be answered with as much; beyond that its budget pays. */
static bool
can_pay(struct carry *carry, size_t length)
{
	uint64_t free_of_charge = MIN(carry->credit, length);

	if (!datagrams_may_answer(carry->service, &carry->peer, (int64_t)(length - free_of_charge)))
		return false;
	carry->credit -= free_of_charge;
	return true;
}

void
carry_answer(struct carry *carry, const char *bytes, size_t length)
{
	if (length > carry_longest_answer(carry)) {
		datagrams_note_refusal(carry->service, &carry->peer.address, VERDICT_refuse_length);
		return;
	}
	/* A client on a unix socket that has no name cannot be answered. */
	if (carry->peer.address.family == AF_UNIX && carry->peer.path_length == 0)
		return;
	if (!can_pay(carry, length))
		return;
	carry->bytes_out += length;
	datagrams_send(carry->listener, &carry->peer, bytes, length);
}

/* ---------------------------------------------------------------- the end */

static void
log_end(const struct carry *carry, enum ending ending)
{
	const struct service *service = carry->service;

	if (log_wants(LOG_LEVEL_INFO))
		LOG(conn_ended, .id = (int64_t)carry->connection, .service = service_name(service),
			.peer = &carry->peer.address, .ending = ending_word(ending),
			.duration_ms = loop_now(service->gate->loop) - carry->started,
			.bytes_in = (int64_t)carry->bytes_in,
			.bytes_out = (int64_t)carry->bytes_out);
}

void
carry_end(struct carry *carry, enum ending ending)
{
	struct service *service = carry->service;
	struct gate *gate = service->gate;

	if (!carry->is_peer && ending == ENDING_SERVED && carry->answer_length > 0)
		carry_answer(carry, carry->answer, carry->answer_length);
	if (ending == ENDING_IDLE)
		service_count(service, METRIC_idle_ends, 1);
	service_observe(service, HISTOGRAM_connection_duration_seconds,
		(loop_now(gate->loop) - carry->started) * 1000);
	log_end(carry, ending);
	if (carry->is_peer)
		carry_table_remove(&gate->carries->peers, carry);
	*carry->from = carry->next;
	if (carry->next)
		carry->next->from = carry->from;
	loop_stop_timer(gate->loop, &carry->idle);
	loop_unwatch(gate->loop, &carry->watch);
	(void)close(carry->watch.fd);
	free(carry->unsent);
	free(carry->answer);
	free(carry);
	listener_note_closed(gate);
	service_return(service);
}

void
carry_forget(const struct listener *listener)
{
	while (listener->carries)
		carry_end(listener->carries, ENDING_SHUTDOWN);
}

static void
forget_others(const struct listener *listener)
{
	struct carry *carry = listener->carries;

	while (carry) {
		struct carry *next = carry->next;

		if (carry->service != listener->service)
			carry_end(carry, ENDING_SHUTDOWN);
		carry = next;
	}
}

void
carry_forget_gone(const struct gate *gate)
{
	for (uint32_t i = 0; i < gate->listener_count; i++)
		forget_others(gate->listeners[i]);
}

/* ---------------------------------------------------------------- idle times */

static void
restart_idle(struct carry *carry)
{
	struct loop *loop = carry->service->gate->loop;
	msec allowed = config_idle(carry->service->config);

	loop_stop_timer(loop, &carry->idle);
	/* Without memory for the timer the program lives until it ends by itself. */
	if (allowed > 0)
		(void)loop_set_timer(loop, &carry->idle, carry->moved + allowed);
}

/* The timer is not moved with each datagram: when it expires, one looks. */
static void
idle_expired(struct timer *timer, msec now)
{
	struct carry *carry = CONTAINER_OF(timer, struct carry, idle);
	msec allowed = config_idle(carry->service->config);

	if (allowed > 0 && now - carry->moved >= allowed)
		carry_end(carry, ENDING_IDLE);
	else
		restart_idle(carry);
}

void
carry_restart_idle(const struct gate *gate)
{
	for (uint32_t i = 0; i < gate->listener_count; i++)
		for (struct carry *carry = gate->listeners[i]->carries; carry; carry = carry->next)
			restart_idle(carry);
}

void
carry_note_move(struct carry *carry)
{
	carry->moved = loop_now(carry->service->gate->loop);
}

static void
carry_ready(struct watch *watch, uint32_t events)
{
	struct carry *carry = CONTAINER_OF(watch, struct carry, watch);

	if (carry->is_peer)
		carry_peer_ready(carry);
	else
		carry_single_ready(carry, events);
}

/* ---------------------------------------------------------------- to the program */

static struct carry *
carry_new(struct listener *listener, const struct datagram_peer *peer, int pair_fd)
{
	struct service *service = listener->service;
	struct carry *carry = calloc(1, sizeof(*carry));

	if (!carry)
		return NULL;
	carry->watch = (struct watch){ .fd = pair_fd, .events = EPOLLIN, .ready = carry_ready };
	if (loop_watch(service->gate->loop, &carry->watch) < 0) {
		free(carry);
		return NULL;
	}
	carry->service = service;
	carry->listener = listener;
	carry->peer = *peer;
	carry->is_peer = !is_one_each(service);
	carry->started = carry->moved = loop_now(service->gate->loop);
	carry->idle.expired = idle_expired;
	carry->next = listener->carries;
	carry->from = &listener->carries;
	if (carry->next)
		carry->next->from = &carry->next;
	listener->carries = carry;
	service_borrow(service);
	listener_note_opened(service->gate);
	return carry;
}

/* A pair of sockets with a program at its other end. The place that was taken is the program's;
 * NULL: it is free again, the refusal is noted. */
struct carry *
carry_begin(struct listener *listener, const struct datagram_peer *peer)
{
	struct service *service = listener->service;
	int type = is_one_each(service) ? SOCK_STREAM : SOCK_SEQPACKET;
	struct carry *carry = NULL;
	int pair_fds[2];
	int on = 1;

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair_fds) == 0) {
		carry = carry_new(listener, peer, pair_fds[0]);
		if (!carry) {
			(void)close(pair_fds[0]);
			(void)close(pair_fds[1]);
		}
	}
	if (!carry) {
		service_release(service);
		datagrams_note_refusal(service, &peer->address, VERDICT_wait_descriptors);
		return NULL;
	}
	if (carry->is_peer) {
		(void)setsockopt(pair_fds[0], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on));
		carry_table_add(&service->gate->carries->peers, carry);
	}
	carry->connection =
		spawn_request_carry(listener, pair_fds[1], &peer->address, &peer->local);
	restart_idle(carry);
	LOG(conn_started, .id = (int64_t)carry->connection, .service = service_name(service),
		.peer = &peer->address);
	return carry;
}

void
carry_datagram(struct listener *listener, const struct datagram_peer *peer, const char *bytes,
	size_t length)
{
	if (is_one_each(listener->service)) {
		/* carry_prepare has taken the place. */
		listener->service->gate->carries->has_place = false;
		carry_single(listener, peer, bytes, length);
	} else {
		carry_peer(listener, peer, bytes, length);
	}
}

unsigned
carry_prepare(struct listener *listener, bool is_first)
{
	struct service *service = listener->service;

	if (!is_one_each(service))
		return listener_is_followed(listener) ? DATAGRAMS_AT_ONCE : 0;
	/* Whether a further one waits the loop tells. */
	if (!is_first && (service_has_no_place(service) || listener_is_short(listener)))
		return 0;
	if (!listener_has_what_it_takes(listener))
		return 0;
	if (!service_admit(service)) {
		listener_pause_service(service);
		return 0;
	}
	service->gate->carries->has_place = true;
	return 1;
}

void
carry_settle(struct listener *listener)
{
	struct carries *carries = listener->service->gate->carries;

	if (!carries->has_place)
		return;
	carries->has_place = false;
	service_release(listener->service);
}
