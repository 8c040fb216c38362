/* SPDX-License-Identifier: ISC */
/* Datagrams: from the socket through judgement to the built-in, and its answers. */
#include "gate/datagrams.h"

#include "base/explain.h"
#include "gate/admission.h"
#include "gate/carry.h"
#include "gate/datagram_queue.h"
#include "gate/limits.h"
#include "gate/service.h"
#include "gate/unix_peer.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/param.h>

#define BATCHES_PER_TURN 4

union receive_control {
	struct cmsghdr align;
	char v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	char v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	union unix_peer_control who;
};

struct datagrams {
	struct gate *gate;
	struct datagram_queue *queue;

	/* The datagram whose service runs, so that its answer finds the way back. */
	const struct datagram *current;
	struct listener *current_listener;
	size_t current_place;

	struct datagram_peer peer;
	struct mmsghdr messages[DATAGRAM_BATCH];
	struct iovec parts[DATAGRAM_BATCH];
	union datagram_name names[DATAGRAM_BATCH];
	union receive_control controls[DATAGRAM_BATCH];
	char bytes[DATAGRAM_BATCH][DATAGRAM_MAX + 1];
};

struct datagrams *
datagrams_new(struct gate *gate)
{
	/* Four megabytes, of which only the pages that datagrams touch are ever there. */
	struct datagrams *datagrams = calloc(1, sizeof(*datagrams));

	if (!datagrams)
		return NULL;
	datagrams->gate = gate;
	datagrams->queue = datagram_queue_new();
	if (!datagrams->queue)
		return datagrams_free(datagrams);
	for (size_t i = 0; i < DATAGRAM_BATCH; i++) {
		struct msghdr *message = &datagrams->messages[i].msg_hdr;

		datagrams->parts[i] = (struct iovec){ .iov_base = datagrams->bytes[i],
			.iov_len = sizeof(datagrams->bytes[i]) };
		message->msg_name = &datagrams->names[i];
		message->msg_iov = &datagrams->parts[i];
		message->msg_iovlen = 1;
	}
	return datagrams;
}

struct datagrams *
datagrams_free(struct datagrams *datagrams)
{
	if (!datagrams)
		return NULL;
	datagram_queue_free(datagrams->queue);
	free(datagrams);
	return NULL;
}

void
datagrams_note_refusal(struct service *service, const struct netaddr *peer, enum verdict verdict)
{
	const struct policy_answer answer = { .verdict = verdict };

	admission_note_refusal(service, peer, &answer, true);
}

/* ---------------------------------------------------------------- in */

/* One that was received before anybody asked does not know it any more. */
static uint32_t
way_of(uint32_t index)
{
	return index != 0 ? index : ACCESS_WAY_UNKNOWN;
}

/* Which address was asked, by way of which interface. A directed broadcast shows as one that is not
 * the host's own and is made the limited one, which policy knows. */
static uint32_t
read_arrival(const struct msghdr *message, struct netaddr *ret_local)
{
	const struct cmsghdr *cmsg = message->msg_control ? CMSG_FIRSTHDR(message) : NULL;

	if (cmsg && cmsg->cmsg_level == IPPROTO_IP && cmsg->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo asked;

		memcpy(&asked, CMSG_DATA(cmsg), sizeof(asked));
		ret_local->ip.v4 = asked.ipi_addr;
		if (asked.ipi_addr.s_addr != asked.ipi_spec_dst.s_addr &&
			!IN_MULTICAST(ntohl(asked.ipi_addr.s_addr)))
			ret_local->ip.v4.s_addr = htonl(INADDR_BROADCAST);
		return way_of((uint32_t)asked.ipi_ifindex);
	}
	if (cmsg && cmsg->cmsg_level == IPPROTO_IPV6 && cmsg->cmsg_type == IPV6_PKTINFO) {
		struct in6_pktinfo asked;

		memcpy(&asked, CMSG_DATA(cmsg), sizeof(asked));
		ret_local->ip.v6 = asked.ipi6_addr;
		if (IN6_IS_ADDR_LINKLOCAL(&asked.ipi6_addr))
			ret_local->scope = asked.ipi6_ifindex;
		return way_of(asked.ipi6_ifindex);
	}
	return ACCESS_WAY_UNKNOWN;
}

static uint32_t
read_peer(struct datagrams *datagrams, const struct listener *listener, size_t place)
{
	const struct msghdr *message = &datagrams->messages[place].msg_hdr;
	const union datagram_name *name = &datagrams->names[place];
	struct datagram_peer *peer = &datagrams->peer;

	peer->listener = listener->id;
	peer->local = listener->address;
	if (listener->protocol == PROTOCOL_UNIX_DGRAM) {
		size_t before = offsetof(struct sockaddr_un, sun_path);

		peer->address = (struct netaddr){ .family = AF_UNIX };
		peer->path_length = message->msg_namelen > before
			? (uint32_t)(message->msg_namelen - before)
			: 0;
		if (peer->path_length > sizeof(peer->path))
			peer->path_length = sizeof(peer->path);
		memcpy(peer->path, name->path.sun_path, peer->path_length);
		return ACCESS_WAY_NONE;
	}
	peer->address = (struct netaddr){ .family = AF_UNSPEC };
	if (message->msg_namelen >= sizeof(name->any.sa_family))
		(void)netaddr_from_sockaddr(&peer->address, &name->any);
	return read_arrival(message, &peer->local);
}

static void
serve_program(struct datagrams *datagrams, struct listener *listener, size_t place)
{
	const struct mmsghdr *message = &datagrams->messages[place];

	if (message->msg_hdr.msg_flags & MSG_TRUNC)
		datagrams_note_refusal(listener->service, &datagrams->peer.address,
			VERDICT_refuse_length);
	else
		carry_datagram(listener, &datagrams->peer, datagrams->bytes[place],
			message->msg_len);
}

static void
serve_one(struct datagrams *datagrams, struct listener *listener, size_t place)
{
	struct service *service = listener->service;
	struct datagram datagram = {
		.builtin = service->builtin,
		.peer = &datagrams->peer,
		.bytes = datagrams->bytes[place],
		.length = datagrams->messages[place].msg_len,
	};
	struct admission_datagram came = { .peer = &datagrams->peer.address,
		.local = &datagrams->peer.local };
	struct access_peer unix_peer;

	came.way = read_peer(datagrams, listener, place);
	EXPLAIN(receive_datagram, .socket_fd = listener->watch.fd,
		.length = (int64_t)datagram.length, .bytes = { datagram.bytes, datagram.length },
		.peer = &datagrams->peer.address);
	if (datagrams->messages[place].msg_hdr.msg_control &&
		listener->protocol == PROTOCOL_UNIX_DGRAM) {
		unix_peer_read(&datagrams->messages[place].msg_hdr, &unix_peer);
		came.unix_peer = &unix_peer;
	}
	if (!admission_judge_datagram(service, &came))
		return;
	if (!service->builtin) {
		serve_program(datagrams, listener, place);
		return;
	}
	/* A service that has nothing to say to one (discard) has read it all the same. */
	if (!service->builtin->ops->datagram)
		return;
	datagrams->current = &datagram;
	datagrams->current_place = place;
	service->builtin->ops->datagram(&datagram);
	datagrams->current = NULL;
}

static size_t
control_room_of(const struct listener *listener)
{
	if (listener->protocol == PROTOCOL_UNIX_DGRAM)
		return admission_asks_who(listener->service) ? sizeof(union unix_peer_control) : 0;
	return listener->is_wildcard || admission_asks_way(listener->service)
		? sizeof(union receive_control)
		: 0;
}

/* How many came; less than `batch` means that no more wait. */
static unsigned
serve_batch(struct datagrams *datagrams, struct listener *listener, unsigned batch)
{
	struct service *service = listener->service;
	size_t control_room = control_room_of(listener);
	uint64_t bytes = 0;
	int count;

	for (size_t i = 0; i < batch; i++) {
		struct msghdr *message = &datagrams->messages[i].msg_hdr;

		message->msg_namelen = sizeof(union datagram_name);
		message->msg_control = control_room > 0 ? &datagrams->controls[i] : NULL;
		message->msg_controllen = control_room;
	}
	/* No error is one of an earlier answer (port unreachable): the kernel reports none to an
	 * unconnected socket without IP_RECVERR. Whatever it is, the loop comes back. */
	count = recvmmsg(listener->watch.fd, datagrams->messages, batch, MSG_DONTWAIT, NULL);
	if (count <= 0)
		return 0;
	datagrams->current_listener = listener;
	EXPLAIN(epoll, .socket_fd = listener->watch.fd);
	for (int i = 0; i < count; i++) {
		bytes += datagrams->messages[i].msg_len;
		serve_one(datagrams, listener, (size_t)i);
	}
	datagram_queue_flush(datagrams->queue);
	service_count(service, METRIC_received_datagrams, (uint64_t)count);
	service_count(service, METRIC_received_bytes, bytes);
	return (unsigned)count;
}

void
datagrams_ready(struct watch *watch, uint32_t events)
{
	struct listener *listener = CONTAINER_OF(watch, struct listener, watch);
	struct datagrams *datagrams = listener->service->gate->datagrams;

	(void)events;
	for (int i = 0; i < BATCHES_PER_TURN; i++) {
		bool is_program = !listener->service->builtin;
		unsigned batch = is_program ? carry_prepare(listener, i == 0) : DATAGRAM_BATCH;
		unsigned served = batch > 0 ? serve_batch(datagrams, listener, batch) : 0;

		if (is_program)
			carry_settle(listener);
		if (served < batch || batch == 0)
			break;
	}
}

void
datagrams_end_turn(struct datagrams *datagrams)
{
	datagram_queue_flush(datagrams->queue);
}

void
datagrams_forget(struct datagrams *datagrams, const struct listener *listener)
{
	carry_forget(listener);
	datagram_queue_forget(datagrams->queue, listener);
}

/* ---------------------------------------------------------------- what services call */

bool
datagrams_may_answer(struct service *service, const struct datagram_peer *peer, int64_t excess)
{
	enum verdict verdict =
		limits_judge_answer(service, &peer->address, peer->local.port, excess);

	if (verdict == VERDICT_ADMIT)
		return true;
	datagrams_note_refusal(service, &peer->address, verdict);
	return false;
}

bool
datagram_reply(const struct datagram *datagram, const char *bytes, size_t length)
{
	struct service *service = datagram->builtin->service;
	struct datagrams *datagrams = service->gate->datagrams;
	const struct datagram_peer *peer = datagram->peer;
	bool is_lent =
		bytes >= datagram->bytes && bytes + length <= datagram->bytes + datagram->length;
	struct datagram_to to;

	if (datagrams->current != datagram || length > DATAGRAM_MAX ||
		(peer->address.family == AF_UNIX && peer->path_length == 0) ||
		!datagrams_may_answer(service, peer, (int64_t)length - (int64_t)datagram->length))
		return false;
	to = (struct datagram_to){
		.listener = datagrams->current_listener,
		.name = &datagrams->names[datagrams->current_place],
		.name_length = datagrams->messages[datagrams->current_place].msg_hdr.msg_namelen,
		.from = &peer->local,
	};
	datagram_queue_add(datagrams->queue, &to, bytes, length, is_lent);
	return true;
}

static struct listener *
find_listener(const struct service *service, uint32_t id)
{
	struct listener *listener = service->listeners;

	while (listener && listener->id != id)
		listener = listener->next_of_service;
	return listener;
}

void
datagrams_send(struct listener *listener, const struct datagram_peer *peer, const char *bytes,
	size_t length)
{
	union datagram_name name;
	struct datagram_to to = { .listener = listener, .name = &name, .from = &peer->local };

	if (length > DATAGRAM_MAX)
		return;
	if (peer->address.family == AF_UNIX) {
		if (peer->path_length == 0 || peer->path_length > sizeof(name.path.sun_path))
			return;
		name.path.sun_family = AF_UNIX;
		memcpy(name.path.sun_path, peer->path, peer->path_length);
		to.name_length =
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + peer->path_length);
	} else {
		struct sockaddr_storage room;

		to.name_length = netaddr_to_sockaddr(&peer->address, &room);
		if (to.name_length > sizeof(name))
			return;
		memcpy(&name, &room, to.name_length);
	}
	datagram_queue_add(listener->service->gate->datagrams->queue, &to, bytes, length, false);
}

void
datagram_send(struct builtin *builtin, const struct datagram_peer *peer, const char *bytes,
	size_t length)
{
	struct listener *listener = find_listener(builtin->service, peer->listener);

	if (listener)
		datagrams_send(listener, peer, bytes, length);
}

bool
datagram_peer_equal(const struct datagram_peer *a, const struct datagram_peer *b)
{
	if (a->listener != b->listener || !netaddr_equal(&a->address, &b->address))
		return false;
	if (a->address.family != AF_UNIX)
		return netaddr_equal(&a->local, &b->local);
	return a->path_length == b->path_length && memcmp(a->path, b->path, a->path_length) == 0;
}
