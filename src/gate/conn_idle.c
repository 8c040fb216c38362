/* SPDX-License-Identifier: ISC */
/* Idle connections. Those of a service stand in the order of their last move, so that one timer
 * for the oldest is enough. A move within a short grain of the last one is not noted: a busy
 * connection would pay for its neighbours in the list at every byte. */
#include "gate/conn.h"

#include "config/meaning.h"

#include <sys/param.h>

#define GRAIN_MAX_MS 1000
#define GRAINS_OF_IDLE 8

static msec
grain_of(const struct service *service)
{
	return MIN(config_idle(service->config) / GRAINS_OF_IDLE, GRAIN_MAX_MS);
}

/* Wraps after 49 days, which is longer than an idle time may be (config_keys.def). */
static msec
time_since_move(const struct conn *conn, msec now)
{
	return (uint32_t)((uint32_t)now - conn->moved_ms);
}

static void
append(struct conn *conn)
{
	struct builtin *builtin = conn->service->builtin;

	conn->newer = NULL;
	conn->older = builtin->newest;
	if (conn->older)
		conn->older->newer = conn;
	else
		builtin->oldest = conn;
	builtin->newest = conn;
	conn->moved_ms = (uint32_t)loop_now(conn->service->gate->loop);
}

void
conn_leave_service(struct conn *conn)
{
	struct builtin *builtin = conn->service->builtin;

	if (conn->newer)
		conn->newer->older = conn->older;
	else
		builtin->newest = conn->older;
	if (conn->older)
		conn->older->newer = conn->newer;
	else
		builtin->oldest = conn->newer;
}

void
conn_note_move(struct conn *conn)
{
	struct service *service = conn->service;
	msec now = loop_now(service->gate->loop);

	if (time_since_move(conn, now) <= grain_of(service))
		return;
	if (service->builtin->newest == conn) {
		conn->moved_ms = (uint32_t)now;
		return;
	}
	conn_leave_service(conn);
	append(conn);
}

/* Nobody is ended early because of the grain: it is granted on top. */
static void
idle_expired(struct timer *timer, msec now)
{
	struct builtin *builtin = CONTAINER_OF(timer, struct builtin, idle);
	const struct service *service = builtin->service;
	msec allowed = config_idle(service->config) + grain_of(service);
	struct conn *conn = builtin->oldest;

	if (config_idle(service->config) == 0)
		return;
	while (conn && time_since_move(conn, now) >= allowed) {
		struct conn *next = conn->newer;

		if (conn->stage != CONN_ENDED)
			conn_drop(conn, ENDING_IDLE);
		conn = next;
	}
	/* Without memory for the timer the next client sets it. */
	if (conn)
		(void)loop_set_timer(service->gate->loop, timer,
			now + allowed - time_since_move(conn, now));
}

void
conn_join_service(struct conn *conn)
{
	append(conn);
	if (conn->service->builtin->idle.place == 0)
		conn_restart_idle(conn->service->builtin);
}

void
conn_restart_idle(struct builtin *builtin)
{
	const struct service *service = builtin->service;
	struct loop *loop = service->gate->loop;
	msec now = loop_now(loop);
	msec allowed = config_idle(service->config) + grain_of(service);
	msec passed;

	builtin->idle.expired = idle_expired;
	loop_stop_timer(loop, &builtin->idle);
	if (config_idle(service->config) == 0 || !builtin->oldest)
		return;
	passed = MIN(time_since_move(builtin->oldest, now), allowed);
	(void)loop_set_timer(loop, &builtin->idle, now + allowed - passed);
}
