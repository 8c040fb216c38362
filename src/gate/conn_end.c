/* SPDX-License-Identifier: ISC */
/* Ends of connections.
 *
 * Closing a socket that has unread input resets the connection, and the reset can overtake the
 * answer and destroy it; so does input that comes while the kernel still owes bytes to the client.
 * So after the last word the input is looked at once more: a client that is still talking, or has
 * much to read yet, gets our FIN and a while to read it, what it says being forgotten. */
#include "base/explain.h"
#include "base/log.h"
#include "gate/conn.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/pool.h"
#include "gate/service.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#define LINGER_MS 2000
#define LINGERS_MAX 15 /* as long as the client goes on reading: half a minute in all */
#define LINGERING_MAX 1024

/* What fits into a few segments is at the client's before it could answer: nobody pays for
 * asking. */
#define SMALL_ANSWER 4096

uint64_t
conn_id(const struct conn *conn)
{
	return gate_connection_id(conn->service->gate, conn->serial);
}

/* Its socket is, whoever a proxy has named as its client. */
static bool
is_unix(const struct conn *conn)
{
	return protocol_family((enum protocol)conn->protocol) == AF_UNIX;
}

static void
log_end(const struct conn *conn)
{
	struct service *service = conn->service;
	msec now = loop_now(service->gate->loop);
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);
	uint64_t rtt_us, retransmits;
	bool is_known;

	if (!log_wants(LOG_LEVEL_INFO))
		return;
	is_known = !is_unix(conn) && conn->watch.fd >= 0 &&
		getsockopt(conn->watch.fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0;
	rtt_us = info.tcpi_rtt;
	retransmits = info.tcpi_total_retrans;
	LOG(conn_ended, .id = (int64_t)conn_id(conn), .service = service_name(service),
		.peer = &conn->peer, .ending = ending_word((enum ending)conn->ending),
		.duration_ms = now - conn->started, .bytes_in = (int64_t)conn->bytes_in,
		.bytes_out = (int64_t)conn->bytes_out, .rtt_us = is_known ? &rtt_us : NULL,
		.retransmits = is_known ? &retransmits : NULL);
}

/* The service's part is over; the socket may live on a little. */
static void
tell_end(struct conn *conn)
{
	struct service *service = conn->service;

	if (conn->was_told_end)
		return;
	conn->was_told_end = true;
	if (service->builtin->ops->closed)
		service->builtin->ops->closed(conn, (enum ending)conn->ending);
	service_count(service, METRIC_received_bytes, conn->bytes_in);
	service_count(service, METRIC_sent_bytes, conn->bytes_out);
	service_observe(service, HISTOGRAM_connection_duration_seconds,
		(loop_now(service->gate->loop) - conn->started) * 1000);
	if (conn->ending == ENDING_IDLE)
		service_count(service, METRIC_idle_ends, 1);
	log_end(conn);
}

static void
leave_lingering(struct conn *conn)
{
	struct conns *conns = conn->service->gate->conns;

	if (conn->newer)
		conn->newer->older = conn->older;
	else
		conns->last_lingering = conn->older;
	if (conn->older)
		conn->older->newer = conn->newer;
	else
		conns->first_lingering = conn->newer;
	conns->lingering_count--;
}

void
conn_reap(struct conn *conn)
{
	struct service *service = conn->service;
	struct gate *gate = service->gate;
	bool was_lingering = conn->stage == CONN_LINGERING;

	conn->stage = CONN_ENDED;
	tell_end(conn);
	if (was_lingering)
		leave_lingering(conn);
	else
		conn_leave_service(conn);
	free(conn->output);
	if (!was_lingering)
		free(conn->aside.input); /* or what is repeated */
	if (conn->watch.fd >= 0) {
		loop_unwatch(gate->loop, &conn->watch);
		EXPLAIN(close, .conn_fd = conn->watch.fd);
		(void)close(conn->watch.fd);
		listener_note_closed(gate);
	}
	gate->conn_count--;
	limits_release(gate, conn->source);
	pool_give(&service->builtin->pool, conn);
	service_release(service);
	service_return(service);
}

/* The service is told that everybody goes, of which it makes no news. */
int
conn_give_away(struct conn *conn)
{
	struct gate *gate = conn->service->gate;
	int conn_fd = conn->watch.fd;

	loop_unwatch(gate->loop, &conn->watch);
	conn->watch.fd = -1;
	listener_note_closed(gate);
	if (conn->service->builtin->ops->closed)
		conn->service->builtin->ops->closed(conn, ENDING_SHUTDOWN);
	conn->was_told_end = true;
	conn_reap(conn);
	return conn_fd;
}

/* Bytes that the kernel has not brought to the client yet, FIN included (tcp(7), SIOCOUTQ). What a
 * unix client was sent is in its own queue. */
static int
ask_owed(const struct conn *conn)
{
	int owed = 0;

	if (is_unix(conn) || conn->bytes_out <= SMALL_ANSWER ||
		ioctl(conn->watch.fd, SIOCOUTQ, &owed) < 0)
		return 0;
	return owed;
}

/* `started` has told the log how long it took; from here on it is the end of the patience. */
static void
join_lingering(struct conn *conn)
{
	struct gate *gate = conn->service->gate;
	struct conns *conns = gate->conns;

	conn->aside.owed = ask_owed(conn);
	conn->lingers++;
	conn->started = loop_now(gate->loop) + LINGER_MS;
	conn->newer = NULL;
	conn->older = conns->last_lingering;
	if (conn->older)
		conn->older->newer = conn;
	else
		conns->first_lingering = conn;
	conns->last_lingering = conn;
	conns->lingering_count++;
	if (conns->linger.place == 0)
		(void)loop_set_timer(gate->loop, &conns->linger, conn->started);
}

static bool
should_linger(struct conn *conn)
{
	int64_t unread = conn->is_at_end ? 0 : conn_discard(conn);

	return unread > 0 || (unread == -EAGAIN && ask_owed(conn) > 0);
}

void
conn_close_politely(struct conn *conn)
{
	struct gate *gate = conn->service->gate;

	if (!should_linger(conn) || gate->conns->lingering_count >= LINGERING_MAX ||
		shutdown(conn->watch.fd, SHUT_WR) < 0) {
		conn_reap(conn);
		return;
	}
	EXPLAIN(shutdown, .conn_fd = conn->watch.fd);
	conn->stage = CONN_LINGERING;
	tell_end(conn);
	conn_leave_service(conn);
	join_lingering(conn);
	if (loop_rewatch(gate->loop, &conn->watch, EPOLLIN) < 0)
		conn_reap(conn);
}

void
conn_linger_read(struct conn *conn)
{
	int64_t length = conn_discard(conn);

	if (length == 0 || (length < 0 && length != -EAGAIN && length != -EINTR))
		conn_reap(conn);
}

/* A client that takes what it is owed, however slowly, is not left. */
static bool
deserves_patience(const struct conn *conn)
{
	int owed = conn->lingers < LINGERS_MAX ? ask_owed(conn) : 0;

	return owed > 0 && owed < conn->aside.owed;
}

void
conn_linger_expired(struct timer *timer, msec now)
{
	struct conns *conns = CONTAINER_OF(timer, struct conns, linger);

	while (conns->first_lingering && conns->first_lingering->started <= now) {
		struct conn *conn = conns->first_lingering;

		if (deserves_patience(conn)) {
			leave_lingering(conn);
			join_lingering(conn);
		} else {
			conn_reap(conn);
		}
	}
	if (conns->first_lingering)
		(void)loop_set_timer(conns->gate->loop, timer, conns->first_lingering->started);
}
