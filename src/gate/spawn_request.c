/* SPDX-License-Identifier: ISC */
/* Asking the supervisor for a program. */
#include "gate/spawn_request.h"

#include "base/log.h"
#include "gate/admission.h"
#include "gate/listener.h"
#include "gate/outbox.h"
#include "gate/service.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>

static void
refuse(struct service *service, int conn_fd, const struct netaddr *peer)
{
	static const struct policy_answer short_of_descriptors = { VERDICT_wait_descriptors,
		POLICY_NO_RULE };

	(void)close(conn_fd);
	listener_note_closed(service->gate);
	service_release(service);
	admission_note_refusal(service, peer, &short_of_descriptors, false);
}

static void
ask_local(int conn_fd, struct netaddr *ret_local)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} local;
	socklen_t length = sizeof(local);

	if (getsockname(conn_fd, &local.any, &length) == 0)
		(void)netaddr_from_sockaddr(ret_local, &local.any);
}

/* By which the supervisor finds the connection once the program alone has it: for the bytes in
 * the log, and for limits that look at them. */
static void
note_cookie(const struct service *service, int conn_fd, struct message_spawn *spawn)
{
	const struct service_keys *keys = service->config->keys;
	socklen_t length = sizeof(spawn->cookie);

	if (spawn->peer.family == AF_UNIX ||
		(!log_wants(LOG_LEVEL_INFO) && keys->idle <= 0 && keys->first_byte <= 0))
		return;
	if (getsockopt(conn_fd, SOL_SOCKET, SO_COOKIE, &spawn->cookie, &length) < 0)
		spawn->cookie = 0;
}

/* From here on the connection is the supervisor's: to start a program with, and to count. */
static void
request(struct service *service, int conn_fd, struct message_spawn *spawn)
{
	note_cookie(service, conn_fd, spawn);
	outbox_send(service->gate, MESSAGE_spawn, spawn, conn_fd);
	listener_note_closed(service->gate);
}

static struct message_spawn
make_message(struct service *service, enum protocol protocol, const struct netaddr *peer)
{
	struct gate *gate = service->gate;

	return (struct message_spawn){
		.connection = gate_connection_id(gate, gate->next_serial++),
		.row = service->row,
		.protocol = (uint32_t)protocol,
		.peer = *peer,
	};
}

void
spawn_request_send(const struct listener *listener, int conn_fd, const struct netaddr *peer)
{
	struct message_spawn spawn = make_message(listener->service, listener->protocol, peer);

	spawn.local = listener->address;
	if (listener->is_wildcard)
		ask_local(conn_fd, &spawn.local);
	request(listener->service, conn_fd, &spawn);
}

void
spawn_request_hand_over(struct service *service, int conn_fd, enum protocol protocol,
	const struct netaddr *peer)
{
	struct message_spawn spawn = make_message(service, protocol, peer);
	int flags = fcntl(conn_fd, F_GETFL);
	int off = 0;

	/* A program finds its socket as if it had come to it directly. */
	if (protocol == PROTOCOL_TCP4 || protocol == PROTOCOL_TCP6)
		(void)setsockopt(conn_fd, IPPROTO_TCP, TCP_NODELAY, &off, sizeof(off));
	if (flags < 0 || fcntl(conn_fd, F_SETFL, flags & ~O_NONBLOCK) < 0) {
		refuse(service, conn_fd, peer);
		return;
	}
	spawn.local = (struct netaddr){ .family = peer->family };
	ask_local(conn_fd, &spawn.local);
	request(service, conn_fd, &spawn);
}
