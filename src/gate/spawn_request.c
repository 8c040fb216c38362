/* SPDX-License-Identifier: ISC */
/* Asking the supervisor for a program. */
#include "gate/spawn_request.h"

#include "base/explain.h"
#include "base/log.h"
#include "gate/admission.h"
#include "gate/listener.h"
#include "gate/outbox.h"
#include "gate/service.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

static const struct policy_answer short_of_descriptors = { .verdict = VERDICT_wait_descriptors };

/* One of its own addresses: getsockname(2), getpeername(2). */
static void
ask_name(int (*ask)(int, struct sockaddr *, socklen_t *), int conn_fd, struct netaddr *ret_name)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} name;
	socklen_t length = sizeof(name);

	if (ask(conn_fd, &name.any, &length) == 0)
		(void)netaddr_from_sockaddr(ret_name, &name.any);
}

/* By which the supervisor finds the connection once the program alone has it: for the bytes in
 * the log, and for limits that look at them. */
static void
note_socket(const struct entrant *entrant, struct message_spawn *spawn)
{
	const struct service_keys *keys = entrant->service->config->keys;
	socklen_t length = sizeof(spawn->socket.cookie);

	if (protocol_family(entrant->protocol) == AF_UNIX ||
		(!log_wants(LOG_LEVEL_INFO) && keys->idle <= 0 && keys->first_byte <= 0))
		return;
	if (getsockopt(entrant->conn_fd, SOL_SOCKET, SO_COOKIE, &spawn->socket.cookie, &length) < 0)
		spawn->socket.cookie = 0;
	spawn->socket.peer = spawn->peer;
	spawn->socket.local = spawn->local;
	/* A gate has read from it: it may have been a proxy's word who the client is. */
	if (!entrant->is_kept_ready && entrant->proxy.family == AF_UNSPEC)
		return;
	ask_name(getpeername, entrant->conn_fd, &spawn->socket.peer);
	ask_name(getsockname, entrant->conn_fd, &spawn->socket.local);
}

/* A program finds its socket as if it had come to it directly. */
static bool
make_plain(const struct entrant *entrant)
{
	int flags = fcntl(entrant->conn_fd, F_GETFL);
	int off = 0;

	if (entrant->protocol == PROTOCOL_TCP4 || entrant->protocol == PROTOCOL_TCP6)
		(void)setsockopt(entrant->conn_fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof(off));
	return flags >= 0 && fcntl(entrant->conn_fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

static struct message_spawn
make_message(struct service *service, enum protocol protocol, const struct netaddr *peer,
	const struct netaddr *local)
{
	struct gate *gate = service->gate;

	return (struct message_spawn){
		.connection = gate_connection_id(gate, gate->next_serial++),
		.row = service->row,
		.accepted_us = shared_clock_us(),
		.protocol = (uint16_t)protocol,
		.peer = *peer,
		.local = *local,
	};
}

/* From here on the connection is the supervisor's: to start a program with, and to count. */
void
spawn_request_send(const struct entrant *entrant)
{
	struct service *service = entrant->service;
	struct gate *gate = service->gate;
	struct message_spawn spawn =
		make_message(service, entrant->protocol, &entrant->peer, &entrant->local);

	spawn.source = entrant->source;
	spawn.accepted_us = entrant->accepted_us;
	if (entrant->is_kept_ready && !make_plain(entrant)) {
		entrance_turn_away(entrant);
		admission_note_refusal(service, &entrant->peer, &short_of_descriptors, false);
		return;
	}
	if (spawn.local.family == AF_UNSPEC)
		ask_name(getsockname, entrant->conn_fd, &spawn.local);
	note_socket(entrant, &spawn);
	EXPLAIN(ask_program, .conn_fd = entrant->conn_fd);
	outbox_send(gate, MESSAGE_spawn, &spawn, entrant->conn_fd);
	listener_note_closed(gate);
}

uint64_t
spawn_request_relay(const struct entrant *entrant, const int *program_fds, uint32_t fd_count)
{
	struct service *service = entrant->service;
	struct message_spawn spawn =
		make_message(service, entrant->protocol, &entrant->peer, &entrant->local);

	spawn.source = entrant->source;
	spawn.accepted_us = entrant->accepted_us;
	spawn.stdio = fd_count > 1 ? CONFIG_STDIO_PIPE : CONFIG_STDIO_PTY;
	if (spawn.local.family == AF_UNSPEC)
		ask_name(getsockname, entrant->conn_fd, &spawn.local);
	outbox_send_fds(service->gate, MESSAGE_spawn, &spawn, program_fds, fd_count);
	return spawn.connection;
}

uint64_t
spawn_request_carry(const struct listener *listener, int program_fd, const struct netaddr *peer,
	const struct netaddr *local)
{
	struct service *service = listener->service;
	struct message_spawn spawn = make_message(service, listener->protocol, peer, local);

	outbox_send(service->gate, MESSAGE_spawn, &spawn, program_fd);
	return spawn.connection;
}
