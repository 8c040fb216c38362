/* SPDX-License-Identifier: ISC */
/* By which interface a client came. */
#include "gate/arrival.h"

#include "model/access.h"

#include <linux/in6.h>
#include <string.h>

/* What a connection's socket would tell with each packet if it were one of datagrams. That can be
 * asked for only while the option is on, and whoever is served finds it off. */
static uint32_t
ask(int conn_fd, int level, int wish, int question, void *ret_answer, size_t length)
{
	union {
		struct cmsghdr align;
		char room[256];
	} control;
	socklen_t got = sizeof(control);
	const int on = 1;
	const int off = 0;
	bool is_told = setsockopt(conn_fd, level, wish, &on, sizeof(on)) == 0 &&
		getsockopt(conn_fd, level, question, &control, &got) == 0;

	(void)setsockopt(conn_fd, level, wish, &off, sizeof(off));
	if (!is_told || got < CMSG_LEN(length) || control.align.cmsg_level != level ||
		control.align.cmsg_len < CMSG_LEN(length))
		return ACCESS_WAY_UNKNOWN;
	memcpy(ret_answer, CMSG_DATA(&control.align), length);
	return 0;
}

uint32_t
arrival_ask(int conn_fd, const struct netaddr *peer)
{
	struct in_pktinfo v4 = { .ipi_ifindex = 0 };
	struct in6_pktinfo v6 = { .ipi6_ifindex = 0 };
	int domain = AF_UNSPEC;
	socklen_t length = sizeof(domain);
	uint32_t index;

	if (peer->family == AF_UNIX)
		return ACCESS_WAY_NONE;
	/* A client with IPv4 may have come to a socket of IPv6. */
	if (getsockopt(conn_fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0)
		return ACCESS_WAY_UNKNOWN;
	if (domain == AF_INET6) {
		index = ask(conn_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, IPV6_2292PKTOPTIONS, &v6,
			sizeof(v6));
		index |= v6.ipi6_ifindex;
	} else {
		index = ask(conn_fd, IPPROTO_IP, IP_PKTINFO, IP_PKTOPTIONS, &v4, sizeof(v4));
		index |= (uint32_t)v4.ipi_ifindex;
	}
	return index == 0 ? ACCESS_WAY_UNKNOWN : index;
}

void
arrival_expect(const struct listener *listener, bool is_wanted)
{
	int value = is_wanted;

	/* What the kernel lacks, rules are told as unknown. */
	if (listener->protocol == PROTOCOL_UDP4)
		(void)setsockopt(listener->watch.fd, IPPROTO_IP, IP_PKTINFO, &value, sizeof(value));
	if (listener->protocol == PROTOCOL_UDP6)
		(void)setsockopt(listener->watch.fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &value,
			sizeof(value));
}
