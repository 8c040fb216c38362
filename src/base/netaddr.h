/* SPDX-License-Identifier: ISC */
/* An internet address with its port, in 28 bytes, family included. Peers and listeners are
 * written one way everywhere: "127.0.0.1:13", "[::1]:13". An IPv4 peer that reached an IPv6
 * socket (::ffff:1.2.3.4) is an IPv4 address here. A unix peer has no address: family AF_UNIX,
 * written "unix". */
#ifndef REEVE_NETADDR_H
#define REEVE_NETADDR_H

#include "base/util.h"

#include <netinet/in.h>
#include <sys/socket.h>

/* Longest text of netaddr_format: "[v6%scope]:port" and its NUL. */
#define NETADDR_TEXT_MAX 72

struct netaddr {
	uint16_t family; /* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC is "none" */
	uint16_t port;   /* host byte order */
	uint32_t scope;  /* IPv6 scope id, else 0 */
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} ip;
};

/* Both directions between the kernel's form and ours. From: 0 or -EAFNOSUPPORT; an unknown
 * family leaves `ret_address` untouched. To: the length to hand to bind(2) and sendto(2). */
int netaddr_from_sockaddr(struct netaddr *ret_address, const struct sockaddr *from);
socklen_t netaddr_to_sockaddr(const struct netaddr *address, struct sockaddr_storage *ret_to);

/* Read "192.0.2.1" or "2001:db8::1" or "fe80::1%eth0" (no brackets, no port). 0 or -EINVAL. */
int netaddr_parse_ip(struct netaddr *ret_address, const char *text);

/* Write address and port; the short form leaves the port and the brackets out. Both return
 * `text`, which has room for NETADDR_TEXT_MAX bytes. A scope is written as its number: asking
 * for the interface's name takes a socket, which the gate's sandbox does not have. */
const char *netaddr_format(const struct netaddr *address, char *text);
const char *netaddr_format_ip(const struct netaddr *address, char *text);

bool netaddr_equal(const struct netaddr *a, const struct netaddr *b);

/* An internet address without its port and scope; all its bytes are set, to be compared by. */
struct netaddr netaddr_bare(const struct netaddr *address);

/* True for an address that must never get an answer as if it were one host: unspecified,
 * multicast, the limited broadcast. (Directed broadcasts are the kernel's to refuse.) */
bool netaddr_is_group(const struct netaddr *address);

#endif
