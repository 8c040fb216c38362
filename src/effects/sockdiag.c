/* SPDX-License-Identifier: ISC */
/* The kernel's sock_diag, for TCP: questions about one socket, and notices of ends. */
#include "effects/sockdiag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <string.h>
#include <sys/param.h>

/* An answer is about 400 bytes; a kernel to come may say more. */
#define MESSAGE_MAX 4096

/* Notices that may wait for us; a privilege lets us have more than the system's rmem_max. */
#define NOTICES_ROOM (4 << 20)

/* Answers to questions that nobody waited for any more. */
#define STALE_MAX 16

/* States of the kernel's net/tcp_states.h. <netinet/tcp.h>, which has them too, does not go
 * together with <linux/tcp.h>. */
enum state {
	STATE_FIN_WAIT2 = 5,
	STATE_TIME_WAIT = 6,
	STATE_CLOSE = 7,
	STATE_CLOSE_WAIT = 8,
	STATE_LAST_ACK = 9,
	STATE_CLOSING = 11,
};

struct question {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

static int
open_netlink(int *ret_netlink_fd)
{
	const struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	auto_close int netlink_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	if (netlink_fd < 0)
		return -errno;
	if (bind(netlink_fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		return -errno;
	*ret_netlink_fd = util_take_fd(&netlink_fd);
	return 0;
}

int
sockdiag_open(int *ret_ask_fd)
{
	return open_netlink(ret_ask_fd);
}

int
sockdiag_subscribe(int *ret_notice_fd)
{
	static const int groups[] = { SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY };
	const int room = NOTICES_ROOM;
	auto_close int notice_fd = -1;
	int error = open_netlink(&notice_fd);

	if (error < 0)
		return error;
	if (setsockopt(notice_fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(notice_fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (setsockopt(notice_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			    sizeof(groups[i])) < 0)
			return -errno;
	*ret_notice_fd = util_take_fd(&notice_fd);
	return 0;
}

/* --- what the kernel says */

/* A kernel of another age has a shorter or a longer struct tcp_info: what lacks is 0. */
static void
take_counters(struct sockdiag *facts, const void *bytes, size_t length)
{
	struct tcp_info info = { 0 };

	memcpy(&info, bytes, MIN(length, sizeof(info)));
	facts->has_counters = true;
	facts->bytes_in = info.tcpi_bytes_received;
	facts->bytes_out =
		info.tcpi_bytes_sent - MIN(info.tcpi_bytes_sent, info.tcpi_bytes_retrans);
	/* Before Linux 4.19 there is only what was acknowledged, FIN included. */
	if (length <
		offsetof(struct tcp_info, tcpi_bytes_retrans) + sizeof(info.tcpi_bytes_retrans))
		facts->bytes_out = info.tcpi_bytes_acked;
	facts->is_fin_taken = info.tcpi_bytes_acked == facts->bytes_out + 1;
	facts->data_in = info.tcpi_data_segs_in;
	facts->rtt_us = info.tcpi_rtt;
	facts->retransmits = info.tcpi_total_retrans;
	facts->in_ago_ms = info.tcpi_last_data_recv;
	facts->out_ago_ms = info.tcpi_last_data_sent;
}

static int
take_attributes(struct sockdiag *facts, const char *bytes, size_t length)
{
	while (length >= sizeof(struct nlattr)) {
		struct nlattr attribute;
		size_t step;

		memcpy(&attribute, bytes, sizeof(attribute));
		if (attribute.nla_len < sizeof(attribute) || attribute.nla_len > length)
			return -EBADMSG;
		if ((attribute.nla_type & NLA_TYPE_MASK) == INET_DIAG_INFO)
			take_counters(facts, bytes + sizeof(attribute),
				attribute.nla_len - sizeof(attribute));
		step = MIN((attribute.nla_len + NLA_ALIGNTO - 1UL) & ~(NLA_ALIGNTO - 1UL), length);
		bytes += step;
		length -= step;
	}
	return 1;
}

static int
take_error(const char *body, size_t length)
{
	struct nlmsgerr error;

	if (length < sizeof(error.error))
		return -EBADMSG;
	memcpy(&error.error, body, sizeof(error.error));
	return error.error < 0 && error.error > -4096 ? error.error : -EBADMSG;
}

int
sockdiag_parse(const void *bytes, size_t length, uint32_t sequence, struct sockdiag *ret_facts)
{
	struct sockdiag facts = { .has_counters = false };
	struct nlmsghdr header;
	struct inet_diag_msg body;
	const char *rest = bytes;
	int result;

	if (length < sizeof(header))
		return -EBADMSG;
	memcpy(&header, rest, sizeof(header));
	if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > length)
		return -EBADMSG;
	length = header.nlmsg_len - sizeof(header);
	rest += sizeof(header);
	if (header.nlmsg_seq != sequence)
		return 0;
	if (header.nlmsg_type == NLMSG_ERROR)
		return take_error(rest, length);
	if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return 0;
	if (length < sizeof(body))
		return -EBADMSG;
	memcpy(&body, rest, sizeof(body));
	facts.cookie = (uint64_t)body.id.idiag_cookie[1] << 32 | body.id.idiag_cookie[0];
	facts.state = body.idiag_state;
	facts.unread = body.idiag_rqueue;
	result = take_attributes(&facts, rest + sizeof(body), length - sizeof(body));
	if (result > 0)
		*ret_facts = facts;
	return result;
}

/* One datagram of the kernel's: its length, 0 when there is none now, -errno. */
static int64_t
receive(int netlink_fd, void *room, size_t size)
{
	for (;;) {
		struct sockaddr_nl from = { .nl_family = AF_NETLINK };
		struct iovec part = { .iov_base = room, .iov_len = size };
		struct msghdr message = { .msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &part,
			.msg_iovlen = 1 };
		ssize_t length = recvmsg(netlink_fd, &message, MSG_DONTWAIT);

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return errno == EAGAIN ? 0 : -errno;
		/* Not the kernel's, cut off, or empty: as if it had not come. */
		if (from.nl_pid == 0 && (message.msg_flags & MSG_TRUNC) == 0 && length > 0)
			return length;
	}
}

/* --- questions */

static void
fill_address(const struct netaddr *address, __be16 *ret_port, __be32 ret_ip[4])
{
	*ret_port = htons(address->port);
	if (address->family == AF_INET)
		ret_ip[0] = address->ip.v4.s_addr;
	else
		memcpy(ret_ip, &address->ip.v6, sizeof(address->ip.v6));
}

static struct question
make_question(const struct sockdiag_name *name, uint32_t sequence)
{
	struct question question = {
		.header = { .nlmsg_len = sizeof(question),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
			.nlmsg_seq = sequence },
		.body = { .sdiag_family = (uint8_t)name->peer.family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_ext = 1 << (INET_DIAG_INFO - 1),
			.idiag_states = UINT32_MAX },
	};
	struct inet_diag_sockid *id = &question.body.id;

	fill_address(&name->local, &id->idiag_sport, id->idiag_src);
	fill_address(&name->peer, &id->idiag_dport, id->idiag_dst);
	id->idiag_if = name->peer.scope;
	id->idiag_cookie[0] = name->cookie != 0 ? (uint32_t)name->cookie : INET_DIAG_NOCOOKIE;
	id->idiag_cookie[1] =
		name->cookie != 0 ? (uint32_t)(name->cookie >> 32) : INET_DIAG_NOCOOKIE;
	return question;
}

int
sockdiag_ask(int ask_fd, const struct sockdiag_name *name, struct sockdiag *ret_facts)
{
	/* An answer that was left behind is told by its number. */
	uint32_t sequence = (uint32_t)name->cookie ^ ((uint32_t)name->peer.port << 16 | 1);
	struct question question = make_question(name, sequence);
	_Alignas(8) char room[MESSAGE_MAX];

	if (name->local.family != name->peer.family ||
		(name->peer.family != AF_INET && name->peer.family != AF_INET6))
		return -EAFNOSUPPORT;
	/* The kernel has answered when send(2) returns. */
	if (send(ask_fd, &question, sizeof(question), MSG_DONTWAIT) < 0)
		return -errno;
	for (int i = 0; i < STALE_MAX; i++) {
		int64_t length = receive(ask_fd, room, sizeof(room));
		int result = length > 0 ? sockdiag_parse(room, (size_t)length, sequence, ret_facts)
					: (int)length;

		if (result != 0)
			return result < 0 ? result : 0;
		if (length == 0)
			break;
	}
	return -ENODATA;
}

/* --- notices */

int
sockdiag_next(int notice_fd, struct sockdiag *ret_facts)
{
	_Alignas(8) char room[MESSAGE_MAX];

	for (;;) {
		int64_t length = receive(notice_fd, room, sizeof(room));
		int result = length > 0 ? sockdiag_parse(room, (size_t)length, 0, ret_facts) : 0;

		if (length <= 0)
			return (int)length;
		if (result > 0)
			return 1;
	}
}

/* Which state a connection was in before it ended: nobody says. If the client has taken our FIN
 * and the program has read all that there was, then either the client's FIN came first and
 * nothing is left of the connection, or it did not, and the kernel keeps the connection's remains
 * until it has come and been forgotten. */
static bool
had_client_fin(int ask_fd, const struct sockdiag_name *name, const struct sockdiag *facts)
{
	const struct sockdiag_name anybody = { .local = name->local, .peer = name->peer };
	struct sockdiag remains = { .has_counters = false };

	if (!facts->is_fin_taken)
		return false;
	if (facts->unread > 0)
		return true; /* unread data would have had it end with a reset */
	if (sockdiag_ask(ask_fd, &anybody, &remains) < 0)
		return true;
	return remains.state != STATE_FIN_WAIT2 && remains.state != STATE_TIME_WAIT;
}

void
sockdiag_settle(int ask_fd, const struct sockdiag_name *name, struct sockdiag *facts)
{
	bool had_fin = facts->state == STATE_CLOSE_WAIT || facts->state == STATE_LAST_ACK ||
		facts->state == STATE_CLOSING;

	if (facts->bytes_in == 0)
		return;
	if (facts->data_in == 0)
		had_fin = true;
	else if (facts->state == STATE_CLOSE)
		had_fin = had_client_fin(ask_fd, name, facts);
	facts->bytes_in -= had_fin;
}
