/* SPDX-License-Identifier: ISC */
/* Internet addresses: to and from the kernel's form and text. Formatting makes no system call,
 * for it runs in the gate's sandbox and once a connection. */
#include "base/netaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* ::ffff:192.0.2.1 is 192.0.2.1 */
static void
set_v6(struct netaddr *address, const struct in6_addr *v6, uint32_t scope)
{
	if (IN6_IS_ADDR_V4MAPPED(v6)) {
		address->family = AF_INET;
		memcpy(&address->ip.v4, &v6->s6_addr[12], sizeof(address->ip.v4));
		return;
	}
	address->family = AF_INET6;
	address->ip.v6 = *v6;
	/* Elsewhere a scope names nothing, and would make one peer look like two. */
	if (IN6_IS_ADDR_LINKLOCAL(v6) || IN6_IS_ADDR_MC_LINKLOCAL(v6))
		address->scope = scope;
}

int
netaddr_from_sockaddr(struct netaddr *ret_address, const struct sockaddr *from)
{
	struct netaddr address = { .family = AF_UNIX };

	switch (from->sa_family) {
	case AF_INET: {
		struct sockaddr_in in;

		memcpy(&in, from, sizeof(in));
		address.family = AF_INET;
		address.port = ntohs(in.sin_port);
		address.ip.v4 = in.sin_addr;
		break;
	}
	case AF_INET6: {
		struct sockaddr_in6 in6;

		memcpy(&in6, from, sizeof(in6));
		address.port = ntohs(in6.sin6_port);
		set_v6(&address, &in6.sin6_addr, in6.sin6_scope_id);
		break;
	}
	case AF_UNIX:
		break;
	default:
		return -EAFNOSUPPORT;
	}
	*ret_address = address;
	return 0;
}

socklen_t
netaddr_to_sockaddr(const struct netaddr *address, struct sockaddr_storage *ret_to)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	switch (address->family) {
	case AF_INET:
		in.sin_port = htons(address->port);
		in.sin_addr = address->ip.v4;
		memcpy(ret_to, &in, sizeof(in));
		return sizeof(in);
	case AF_INET6:
		in6.sin6_port = htons(address->port);
		in6.sin6_addr = address->ip.v6;
		in6.sin6_scope_id = address->scope;
		memcpy(ret_to, &in6, sizeof(in6));
		return sizeof(in6);
	default:
		ret_to->ss_family = address->family;
		return sizeof(ret_to->ss_family);
	}
}

/* The scope behind the '%': an interface's name, or its number. */
static int
parse_scope(uint32_t *ret_scope, const char *text)
{
	unsigned int index = if_nametoindex(text);

	if (index == 0) {
		unsigned long number;
		char *end;

		if (*text < '0' || *text > '9')
			return -EINVAL;
		errno = 0;
		number = strtoul(text, &end, 10);
		if (*end != '\0' || errno != 0 || number == 0 || number > UINT32_MAX)
			return -EINVAL;
		index = (unsigned int)number;
	}
	*ret_scope = index;
	return 0;
}

int
netaddr_parse_ip(struct netaddr *ret_address, const char *text)
{
	struct netaddr address = { .family = AF_INET };
	char before_scope[INET6_ADDRSTRLEN];
	const char *percent = strchr(text, '%');
	size_t length = percent != NULL ? (size_t)(percent - text) : strlen(text);
	struct in6_addr v6;
	uint32_t scope = 0;

	if (length >= sizeof(before_scope))
		return -EINVAL;
	memcpy(before_scope, text, length);
	before_scope[length] = '\0';
	if (percent == NULL && inet_pton(AF_INET, before_scope, &address.ip.v4) == 1) {
		*ret_address = address;
		return 0;
	}
	if (inet_pton(AF_INET6, before_scope, &v6) != 1)
		return -EINVAL;
	if (percent != NULL) {
		if (!IN6_IS_ADDR_LINKLOCAL(&v6) && !IN6_IS_ADDR_MC_LINKLOCAL(&v6))
			return -EINVAL;
		if (parse_scope(&scope, percent + 1) < 0)
			return -EINVAL;
	}
	set_v6(&address, &v6, scope);
	*ret_address = address;
	return 0;
}

/* Write a number in decimal; returns the end. */
static char *
write_number(char *at, uint32_t number)
{
	char digits[10];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	while (count > 0)
		*at++ = digits[--count];
	return at;
}

/* Write the address without brackets and port; returns the end, where a NUL stands. inet_ntop
 * goes through printf, which would be the dearest part of logging an IPv4 connection. */
static char *
write_ip(const struct netaddr *address, char *at)
{
	const unsigned char *bytes = (const unsigned char *)&address->ip.v4;

	switch (address->family) {
	case AF_INET:
		for (size_t i = 0; i < 4; i++) {
			at = write_number(at, bytes[i]);
			*at++ = i < 3 ? '.' : '\0';
		}
		return at - 1;
	case AF_INET6:
		(void)inet_ntop(AF_INET6, &address->ip.v6, at, INET6_ADDRSTRLEN);
		at += strlen(at);
		if (address->scope != 0) {
			*at++ = '%';
			at = write_number(at, address->scope);
			*at = '\0';
		}
		return at;
	case AF_UNIX:
		return stpcpy(at, "unix");
	default:
		return stpcpy(at, "none");
	}
}

const char *
netaddr_format_ip(const struct netaddr *address, char *text)
{
	(void)write_ip(address, text);
	return text;
}

const char *
netaddr_format(const struct netaddr *address, char *text)
{
	char *at = text;

	if (address->family == AF_INET6)
		*at++ = '[';
	at = write_ip(address, at);
	if (address->family == AF_INET6)
		*at++ = ']';
	if (address->family == AF_INET || address->family == AF_INET6) {
		*at++ = ':';
		at = write_number(at, address->port);
		*at = '\0';
	}
	return text;
}

bool
netaddr_equal(const struct netaddr *a, const struct netaddr *b)
{
	if (a->family != b->family)
		return false;
	switch (a->family) {
	case AF_INET:
		return a->port == b->port && a->ip.v4.s_addr == b->ip.v4.s_addr;
	case AF_INET6:
		return a->port == b->port && a->scope == b->scope &&
			IN6_ARE_ADDR_EQUAL(&a->ip.v6, &b->ip.v6);
	default:
		return true;
	}
}

struct netaddr
netaddr_bare(const struct netaddr *address)
{
	struct netaddr bare;

	memset(&bare, 0, sizeof(bare));
	bare.family = address->family;
	if (address->family == AF_INET)
		bare.ip.v4 = address->ip.v4;
	else
		bare.ip.v6 = address->ip.v6;
	return bare;
}

bool
netaddr_is_group(const struct netaddr *address)
{
	uint32_t v4;

	switch (address->family) {
	case AF_INET:
		v4 = ntohl(address->ip.v4.s_addr);
		/* 0.0.0.0/8 is "this network" (RFC 1122 3.2.1.3): never one host's address. */
		return v4 >> 24 == 0 || IN_MULTICAST(v4) || v4 == INADDR_BROADCAST;
	case AF_INET6:
		return IN6_IS_ADDR_UNSPECIFIED(&address->ip.v6) ||
			IN6_IS_ADDR_MULTICAST(&address->ip.v6);
	default:
		return false;
	}
}
