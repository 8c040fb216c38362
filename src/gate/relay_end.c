/* SPDX-License-Identifier: ISC */
/* Ends of relayed connections; why they linger, conn_end.c says. */
#include "base/log.h"
#include "gate/relay.h"
#include "gate/service.h"

#include <errno.h>
#include <linux/sockios.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define LINGER_MS 2000
#define LOOKS_MAX 15 /* as long as the client goes on reading: half a minute in all */

void
relay_log_end(const struct relay *relay, enum ending ending)
{
	struct service *service = relay->service;
	uint64_t sent = relay->outward.bytes;

	if (relay->outward.held)
		sent -= relay->outward.length - relay->outward.done;
	service_count(service, METRIC_received_bytes, relay->inward.bytes);
	service_count(service, METRIC_sent_bytes, sent);
	service_observe(service, HISTOGRAM_connection_duration_seconds,
		(loop_now(service->gate->loop) - relay->started) * 1000);
	if (ending == ENDING_IDLE)
		service_count(service, METRIC_idle_ends, 1);
	if (log_wants(LOG_LEVEL_INFO))
		LOG(conn_ended, .id = (int64_t)relay->connection, .service = service_name(service),
			.peer = &relay->peer, .ending = ending_word(ending),
			.duration_ms = loop_now(service->gate->loop) - relay->started,
			.bytes_in = (int64_t)relay->inward.bytes, .bytes_out = (int64_t)sent);
}

/* Forget what has come: 0 at the client's end, -EAGAIN when there is no more for now. */
static int
discard(struct relay *relay)
{
	ssize_t length;

	for (int i = 0; i < LOOKS_MAX; i++) {
		length =
			read(relay->conn.fd, relay->service->gate->relays->scratch, RELAY_READ_MAX);
		if (length == 0)
			return 0;
		if (length < 0)
			return errno == EINTR ? -EAGAIN : -errno;
	}
	return -EBUSY;
}

static int
ask_owed(const struct relay *relay)
{
	int owed = 0;

	if (relay->is_unix || ioctl(relay->conn.fd, SIOCOUTQ, &owed) < 0)
		return 0;
	return owed;
}

static bool
is_vanished(enum ending ending)
{
	return ending == ENDING_CLIENT_RESET || ending == ENDING_ERROR;
}

static bool
should_linger(struct relay *relay)
{
	int left = discard(relay);

	return left == -EBUSY || (left == -EAGAIN && ask_owed(relay) > 0);
}

static int
linger(struct relay *relay)
{
	struct loop *loop = relay->service->gate->loop;

	relay->owed = ask_owed(relay);
	relay->looks++;
	return loop_set_timer(loop, &relay->timer, loop_now(loop) + LINGER_MS);
}

void
relay_finish(struct relay *relay, enum ending ending)
{
	struct loop *loop = relay->service->gate->loop;

	relay_log_end(relay, ending);
	loop_stop_timer(loop, &relay->timer);
	relay_close(relay, &relay->in);
	relay_close(relay, &relay->out);
	relay->stage = RELAY_LINGERING;
	if (is_vanished(ending) || shutdown(relay->conn.fd, SHUT_WR) < 0 || !should_linger(relay) ||
		linger(relay) < 0 || loop_rewatch(loop, &relay->conn, EPOLLIN) < 0)
		relay_free(relay);
	else
		relay_keep_place(relay);
}

void
relay_linger_read(struct relay *relay)
{
	int left = discard(relay);

	if (left != -EAGAIN && left != -EBUSY)
		relay_free(relay);
}

/* A client that takes what it is owed, however slowly, is not left. */
void
relay_linger_expired(struct relay *relay)
{
	int owed = relay->looks < LOOKS_MAX ? ask_owed(relay) : 0;

	if (owed == 0 || owed >= relay->owed || linger(relay) < 0)
		relay_free(relay);
}
