/* SPDX-License-Identifier: ISC */
/* Connections: begun, brought in line with what their service wants, handed on. */
#include "gate/conn.h"

#include "base/log.h"
#include "gate/listener.h"
#include "gate/pool.h"
#include "gate/queue.h"
#include "gate/service.h"

#include <errno.h>
#include <sys/epoll.h>

/* ---------------------------------------------------------------- stages and modes */

void
conn_mark_due(struct conn *conn)
{
	struct conns *conns = conn->service->gate->conns;

	if (conn->is_due || conn->was_told_end || conn == conns->current)
		return;
	conn->is_due = true;
	conn->next_due = NULL;
	*conns->due_end = conn;
	conns->due_end = &conn->next_due;
}

void
conn_set_ended(struct conn *conn, enum ending ending)
{
	if (conn->stage == CONN_HANDING_OVER && conn->aside.target) {
		queue_give_back(conn->aside.target, conn->is_seated ? HOLD_SEAT : HOLD_PLACE);
		service_return(conn->aside.target);
		conn->aside.target = NULL;
	}
	conn->stage = CONN_ENDED;
	conn->ending = (uint8_t)ending;
}

static uint32_t
events_wanted(const struct conn *conn)
{
	uint32_t input = conn->is_at_end ? 0 : EPOLLIN;

	if (conn->output || conn->wants_writable)
		return EPOLLOUT;
	if (conn->mode == CONN_REPEATING && conn->stage == CONN_OPEN)
		return EPOLLOUT | input;
	if (conn->mode == CONN_SHOWING && conn->aside.input &&
		conn->aside.input->length >= CONN_UNCONSUMED_MAX)
		input = 0;
	/* Errors and hang-ups alone still tell that the client is gone. */
	return input != 0 ? input : EPOLLERR;
}

void
conn_rewatch(struct conn *conn)
{
	if (loop_rewatch(conn->service->gate->loop, &conn->watch, events_wanted(conn)) == 0)
		return;
	conn_set_ended(conn, ENDING_ERROR);
	conn_reap(conn);
}

static void
hand_over(struct conn *conn)
{
	struct gate *gate = conn->service->gate;
	struct service *target = conn->aside.target;
	struct entrant entrant = { .service = target,
		.conn_fd = conn->watch.fd,
		.protocol = (enum protocol)conn->protocol,
		.peer = conn->peer,
		.proxy.family = conn->is_named ? AF_UNIX : AF_UNSPEC,
		.source = conn->source,
		.accepted_us = shared_clock_us(),
		.hold = conn->is_seated ? HOLD_SEAT : HOLD_PLACE,
		.is_judged = true,
		.is_kept_ready = true };

	loop_unwatch(gate->loop, &conn->watch);
	conn->watch.fd = -1;
	conn->aside.target = NULL;
	conn->source = 0;
	conn_set_ended(conn, ENDING_HANDED_OVER);
	service_count(target, METRIC_connections, 1);
	(void)entrance_go(&entrant);
	service_return(target);
	conn_reap(conn);
}

/* Output of the callback that just ran for it goes out without having been held. */
static void
send_said(struct conns *conns, struct conn *conn)
{
	size_t length = conns->said_length;
	/* The last words wait for the FIN, which follows at once. */
	int flags = conn->stage == CONN_FINISHING ? MSG_MORE : 0;
	int result;

	conns->said_length = 0;
	if (length == 0 || conn->stage == CONN_ENDED)
		return;
	result = conn_send(conn, conns->said, length, flags);
	if (result < 0)
		conn_set_ended(conn, result == -ENOMEM ? ENDING_ERROR : ENDING_CLIENT_RESET);
}

void
conn_enter(struct conn *conn)
{
	struct conns *conns = conn->service->gate->conns;

	conns->current = conn;
	conns->has_sent_early = false;
}

static void
leave_callback(struct conn *conn)
{
	struct conns *conns = conn->service->gate->conns;

	conns->current = NULL;
	send_said(conns, conn);
}

void
conn_leave(struct conn *conn)
{
	leave_callback(conn);
	if (!conn->is_due)
		conn_settle(conn);
}

/* All is drained, and the service waited for it. Settling goes on after it. */
static void
call_writable(struct conn *conn)
{
	const struct service_ops *ops = conn->service->builtin->ops;

	conn->wants_writable = false;
	if (!ops->writable)
		return;
	conn_enter(conn);
	ops->writable(conn);
	leave_callback(conn);
}

void
conn_settle(struct conn *conn)
{
	int result = 0;

	if (conn->output && conn->stage != CONN_ENDED)
		result = conn_flush(conn);
	if (result < 0)
		conn_set_ended(conn, ENDING_CLIENT_RESET);
	if (conn->stage == CONN_OPEN && !conn->output && conn->wants_writable)
		call_writable(conn);
	if (conn->stage == CONN_ENDED) {
		conn_reap(conn);
		return;
	}
	if (!conn->output && conn->stage == CONN_FINISHING) {
		conn_close_politely(conn);
		return;
	}
	if (!conn->output && conn->stage == CONN_HANDING_OVER) {
		hand_over(conn);
		return;
	}
	if (!conn->output && conn->is_at_end && conn->stage == CONN_OPEN &&
		(conn->mode == CONN_ECHOING || conn->mode == CONN_IGNORING)) {
		conn_set_ended(conn, ENDING_CLIENT_CLOSED);
		conn_reap(conn);
		return;
	}
	conn_rewatch(conn);
}

/* ---------------------------------------------------------------- events */

static void
conn_ready(struct watch *watch, uint32_t events)
{
	struct conn *conn = CONTAINER_OF(watch, struct conn, watch);

	/* Something of this turn waits to be done first. */
	if (conn->is_due)
		return;
	if (conn->stage == CONN_LINGERING)
		conn_linger_read(conn);
	else if (conn->output || conn->wants_writable)
		conn_settle(conn);
	else if (events & EPOLLIN)
		conn_read(conn);
	else if (conn->mode == CONN_REPEATING)
		conn_send_repeat(conn);
	else {
		conn_set_ended(conn, ENDING_CLIENT_RESET);
		conn_reap(conn);
	}
}

struct conn *
conn_take_up(const struct entrant *entrant)
{
	struct service *service = entrant->service;
	struct gate *gate = service->gate;
	const struct service_ops *ops = service->builtin->ops;
	struct conn *conn = pool_take(&service->builtin->pool, sizeof(*conn) + ops->conn_size);

	if (!conn) {
		entrance_turn_away(entrant);
		return NULL;
	}
	conn->watch.fd = entrant->conn_fd;
	conn->watch.ready = conn_ready;
	conn->service = service;
	conn->peer = entrant->peer;
	conn->source = entrant->source;
	conn->is_named = entrant->proxy.family != AF_UNSPEC;
	conn->protocol = (uint8_t)entrant->protocol;
	conn->started = loop_now(gate->loop);
	conn->serial = gate->next_serial++;
	conn->mode = ops->readable ? CONN_SHOWING : CONN_IGNORING;
	service_borrow(service);
	gate->conn_count++;
	conn_join_service(conn);
	return conn;
}

void
conn_begin(const struct entrant *entrant)
{
	struct service *service = entrant->service;
	const struct service_ops *ops = service->builtin->ops;
	struct conn *conn = conn_take_up(entrant);

	if (!conn)
		return;
	if (log_wants(LOG_LEVEL_DEBUG))
		LOG(conn_started, .id = (int64_t)conn_id(conn), .service = service_name(service),
			.peer = &conn->peer);
	conn_enter(conn);
	if (ops->open)
		ops->open(conn);
	conn_leave(conn);
}

void
conns_end_turn(struct conns *conns)
{
	/* Settling one may make others due, or due again (a farewell to a room): they join the
	 * end. It ends because nobody is read from here. */
	while (conns->first_due) {
		struct conn *conn = conns->first_due;

		conns->first_due = conn->next_due;
		if (!conns->first_due)
			conns->due_end = &conns->first_due;
		conn->is_due = false;
		conn_settle(conn);
	}
}

uint32_t
conns_cut(struct gate *gate, enum ending ending)
{
	uint32_t count = gate->conn_count;

	for (struct service *service = gate->first_service; service; service = service->next) {
		for (struct conn *conn = conn_oldest(service); conn; conn = conn->newer) {
			conn_set_ended(conn, ending);
			conn_mark_due(conn);
		}
	}
	while (gate->conns->first_lingering)
		conn_reap(gate->conns->first_lingering);
	conns_end_turn(gate->conns);
	return count;
}

struct conns *
conns_new(struct gate *gate)
{
	struct conns *conns = calloc(1, sizeof(*conns));

	if (!conns)
		return NULL;
	conns->gate = gate;
	conns->due_end = &conns->first_due;
	conns->linger.expired = conn_linger_expired;
	conns->scratch = malloc(SCRATCH_SIZE);
	conns->said = malloc(CONN_HELD_MAX);
	if (!conns->scratch || !conns->said)
		return conns_free(conns);
	return conns;
}

struct conns *
conns_free(struct conns *conns)
{
	if (!conns)
		return NULL;
	loop_stop_timer(conns->gate->loop, &conns->linger);
	free(conns->scratch);
	free(conns->said);
	free(conns);
	return NULL;
}
