/* SPDX-License-Identifier: ISC */
/* Relayed connections: begun, timed, cut. */
#include "gate/relay.h"

#include "base/log.h"
#include "config/meaning.h"
#include "gate/admission.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/service.h"
#include "gate/spawn_request.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/param.h>
#include <sys/socket.h>

struct relays *
relays_new(void)
{
	struct relays *relays = calloc(1, sizeof(*relays));

	if (!relays)
		return NULL;
	relays->scratch = malloc(RELAY_READ_MAX);
	return relays->scratch ? relays : relays_free(relays);
}

struct relays *
relays_free(struct relays *relays)
{
	if (!relays)
		return NULL;
	free(relays->scratch);
	free(relays);
	return NULL;
}

bool
relay_serves(const struct service *service)
{
	return !service->builtin && service->config->keys->stdio != CONFIG_STDIO_SOCKET;
}

uint32_t
relay_descriptors(const struct service *service)
{
	if (!relay_serves(service))
		return 1;
	return service->config->keys->stdio == CONFIG_STDIO_PIPE ? 3 : 2;
}

/* ---------------------------------------------------------------- times */

/* The end of input that is typed at a terminal is over with the next read, and lost on a program
 * that is just about to change the terminal's mode (a shell, before its first prompt). That of a
 * socket lasts: so it is typed again and again. */
#define TYPED_AGAIN_MS 500

static msec
typing_due(const struct relay *relay)
{
	return relay->is_terminal && relay->inward.is_over ? relay->typed + TYPED_AGAIN_MS
							   : INT64_MAX;
}

static msec
first_byte_due(const struct relay *relay)
{
	msec first_byte = relay->service->config->keys->first_byte;

	return first_byte > 0 && relay->inward.bytes == 0 ? relay->started + first_byte : INT64_MAX;
}

static msec
idle_due(const struct relay *relay)
{
	msec idle = config_idle(relay->service->config);

	return idle > 0 ? relay->moved + idle : INT64_MAX;
}

/* It is not moved with each byte: when it expires, one looks. */
void
relay_restart_timer(struct relay *relay)
{
	struct loop *loop = relay->service->gate->loop;
	msec due = MIN(MIN(idle_due(relay), first_byte_due(relay)), typing_due(relay));

	loop_stop_timer(loop, &relay->timer);
	/* Without memory for the timer the connection lasts until somebody ends it. */
	if (due < INT64_MAX)
		(void)loop_set_timer(loop, &relay->timer, due);
}

static void
timer_expired(struct timer *timer, msec now)
{
	struct relay *relay = CONTAINER_OF(timer, struct relay, timer);

	if (relay->stage == RELAY_LINGERING) {
		relay_linger_expired(relay);
	} else if (first_byte_due(relay) <= now) {
		relay_finish(relay, ENDING_FIRST_BYTE);
	} else if (idle_due(relay) <= now) {
		relay_finish(relay, ENDING_IDLE);
	} else {
		if (typing_due(relay) <= now)
			relay_type_end(relay);
		relay_restart_timer(relay);
	}
}

void
relays_restart_timers(const struct gate *gate)
{
	for (struct relay *relay = gate->relays->first; relay; relay = relay->next)
		if (relay->stage != RELAY_LINGERING)
			relay_restart_timer(relay);
}

/* ---------------------------------------------------------------- the loop's word */

/* The client's side is gone, and nobody reads from it who would find out. A reset ends all; what
 * came over a unix socket is still the program's. */
static void
note_hang_up(struct relay *relay)
{
	relay->is_hung_up = true;
	if (relay->is_unix)
		relay_move(relay);
	else
		relay_finish(relay, ENDING_CLIENT_RESET);
}

static void
conn_ready(struct watch *watch, uint32_t events)
{
	struct relay *relay = CONTAINER_OF(watch, struct relay, conn);
	bool is_read =
		relay->stage == RELAY_OPEN && !relay->inward.held && !relay->inward.is_at_end;

	if (relay->stage == RELAY_LINGERING)
		relay_linger_read(relay);
	else if (!is_read && !relay->outward.is_over && (events & (EPOLLERR | EPOLLHUP)) != 0)
		note_hang_up(relay);
	else
		relay_move(relay);
}

static void
in_ready(struct watch *watch, uint32_t events)
{
	struct relay *relay = CONTAINER_OF(watch, struct relay, in);

	/* The program has closed its standard input. */
	if ((events & EPOLLERR) != 0)
		relay->inward.is_discarded = true;
	relay_move(relay);
}

static void
out_ready(struct watch *watch, uint32_t events)
{
	struct relay *relay = CONTAINER_OF(watch, struct relay, out);

	if (relay->stage == RELAY_STARTING) {
		relay_take_terminal(relay);
		return;
	}
	if (relay->outward.held && (events & (EPOLLERR | EPOLLHUP)) != 0)
		relay_keep_place(relay);
	relay_move(relay);
}

/* ---------------------------------------------------------------- begin, end */

static struct relay *
relay_new(const struct entrant *entrant)
{
	struct service *service = entrant->service;
	struct gate *gate = service->gate;
	struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return NULL;
	relay->conn = (struct watch){ .fd = entrant->conn_fd, .ready = conn_ready };
	relay->in = (struct watch){ .fd = -1, .ready = in_ready };
	relay->out = (struct watch){ .fd = -1, .ready = out_ready };
	relay->service = service;
	relay->peer = entrant->peer;
	relay->source = entrant->source;
	relay->started = relay->moved = loop_now(gate->loop);
	relay->timer.expired = timer_expired;
	relay->is_unix = protocol_family(entrant->protocol) == AF_UNIX;
	relay->is_terminal = service->config->keys->stdio == CONFIG_STDIO_PTY;
	relay->stage = relay->is_terminal ? RELAY_STARTING : RELAY_OPEN;
	relay->next = gate->relays->first;
	relay->from = &gate->relays->first;
	if (relay->next)
		relay->next->from = &relay->next;
	gate->relays->first = relay;
	gate->conn_count++;
	service_borrow(service);
	return relay;
}

static void
keep(struct relay *relay, struct watch *watch, int own_fd)
{
	watch->fd = own_fd;
	listener_note_opened(relay->service->gate);
}

/* Two pipes; each has an end for us, which does not block, and one for the program, which does. */
static int
make_pipes(struct relay *relay, int ret_program_fds[2])
{
	int in_fds[2];
	int out_fds[2];

	if (pipe2(in_fds, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(out_fds, O_CLOEXEC) < 0) {
		int error = -errno;

		(void)close(in_fds[0]);
		(void)close(in_fds[1]);
		return error;
	}
	keep(relay, &relay->in, in_fds[1]);
	keep(relay, &relay->out, out_fds[0]);
	ret_program_fds[0] = in_fds[0];
	ret_program_fds[1] = out_fds[1];
	/* Cannot fail: they are ours and open. */
	(void)fcntl(in_fds[1], F_SETFL, O_NONBLOCK);
	(void)fcntl(out_fds[0], F_SETFL, O_NONBLOCK);
	return 0;
}

static int
make_way_for_terminal(struct relay *relay, int ret_program_fds[2])
{
	int pair_fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair_fds) < 0)
		return -errno;
	keep(relay, &relay->out, pair_fds[0]);
	ret_program_fds[0] = pair_fds[1];
	return 0;
}

static void
give_up(struct relay *relay, const struct entrant *entrant)
{
	static const struct policy_answer answer = { .verdict = VERDICT_wait_descriptors };

	admission_note_refusal(relay->service, &relay->peer, &answer, false);
	loop_unwatch(relay->service->gate->loop, &relay->conn);
	relay->conn.fd = -1; /* the entrance closes it */
	relay_free(relay);
	entrance_turn_away(entrant);
}

/* What a program writes at once has been gathered by it; Nagle's algorithm would only add a wait
 * between the pieces of a prompt. */
static void
send_at_once(const struct entrant *entrant)
{
	int on = 1;

	if (entrant->protocol == PROTOCOL_TCP4 || entrant->protocol == PROTOCOL_TCP6)
		(void)setsockopt(entrant->conn_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void
relay_begin(const struct entrant *entrant)
{
	struct service *service = entrant->service;
	struct relay *relay = relay_new(entrant);
	int program_fds[2];
	int result;

	if (!relay) {
		entrance_turn_away(entrant);
		return;
	}
	send_at_once(entrant);
	/* The door has looked; but proxies' clients and tcpmux's have come through it long ago. */
	if (!listener_has_descriptors(service->gate, relay_descriptors(service) - 1)) {
		give_up(relay, entrant);
		return;
	}
	result = relay->is_terminal ? make_way_for_terminal(relay, program_fds)
				    : make_pipes(relay, program_fds);
	if (result < 0) {
		give_up(relay, entrant);
		return;
	}
	relay->connection = spawn_request_relay(entrant, program_fds, relay->is_terminal ? 1 : 2);
	LOG(conn_started, .id = (int64_t)relay->connection, .service = service_name(service),
		.peer = &relay->peer);
	relay_restart_timer(relay);
	relay_move(relay);
}

void
relay_close(struct relay *relay, struct watch *watch)
{
	struct gate *gate = relay->service->gate;

	if (watch->fd < 0)
		return;
	loop_unwatch(gate->loop, watch);
	(void)close(watch->fd);
	watch->fd = -1;
	listener_note_closed(gate);
}

void
relay_keep_place(struct relay *relay)
{
	if (relay->has_place)
		return;
	relay->has_place = true;
	relay->source = limits_keep(relay->service->gate, relay->source);
	service_keep_place(relay->service);
}

void
relay_free(struct relay *relay)
{
	struct service *service = relay->service;
	struct gate *gate = service->gate;

	loop_stop_timer(gate->loop, &relay->timer);
	relay_close(relay, &relay->conn);
	relay_close(relay, &relay->in);
	relay_close(relay, &relay->out);
	*relay->from = relay->next;
	if (relay->next)
		relay->next->from = relay->from;
	free(relay->inward.held);
	free(relay->outward.held);
	if (relay->has_place) {
		limits_release(gate, relay->source);
		service_release(service);
	}
	free(relay);
	gate->conn_count--;
	service_return(service);
}

void
relays_cut(const struct gate *gate)
{
	while (gate->relays->first) {
		struct relay *relay = gate->relays->first;

		if (relay->stage != RELAY_LINGERING)
			relay_log_end(relay, ENDING_SHUTDOWN);
		relay_free(relay);
	}
}
