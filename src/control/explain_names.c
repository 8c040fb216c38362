/* SPDX-License-Identifier: ISC */
/* Names of hosts, asked of this host as any program does. The daemon asks a process of its own, and
 * judges by what that has learned; here somebody waits for the answer anyway. */
#include "control/explain.h"

#include <netdb.h>
#include <string.h>

#define HOST_ADDRESSES_MAX 64

/* The addresses of a name; none is an answer, too. -1: there is no answer. */
int
explain_look_up(const char *name, struct netaddr *ret_addresses, int most)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int error = getaddrinfo(name, NULL, &hints, &list), count = 0;

	if (error == EAI_NONAME || error == EAI_NODATA)
		return 0;
	if (error != 0)
		return -1;
	for (const struct addrinfo *one = list; one != NULL && count < most; one = one->ai_next)
		count += netaddr_from_sockaddr(&ret_addresses[count], one->ai_addr) == 0;
	freeaddrinfo(list);
	return count;
}

static bool
is_same_host(const struct netaddr *a, const struct netaddr *b)
{
	struct netaddr left = *a, right = *b;

	left.port = right.port = 0;
	left.scope = right.scope = 0;
	return netaddr_equal(&left, &right);
}

enum access_naming
explain_name_peer(const struct netaddr *peer, struct client_names *ret_names)
{
	struct netaddr addresses[HOST_ADDRESSES_MAX];
	struct sockaddr_storage from;
	socklen_t length = netaddr_to_sockaddr(peer, &from);
	char host[NI_MAXHOST];
	int error = getnameinfo((const struct sockaddr *)(const void *)&from, length, host,
		sizeof(host), NULL, 0, NI_NAMEREQD);
	int count;

	ret_names->count = 0;
	if (error == EAI_NONAME)
		return ACCESS_NAMES_KNOWN;
	if (error != 0)
		return ACCESS_NAMES_UNKNOWN;
	count = explain_look_up(host, addresses, HOST_ADDRESSES_MAX);
	if (count < 0)
		return ACCESS_NAMES_UNKNOWN;
	for (int i = 0; i < count; i++)
		if (is_same_host(&addresses[i], peer) &&
			hostname_read(host, strlen(host), ret_names->names[0])) {
			ret_names->count = 1;
			break;
		}
	return ACCESS_NAMES_KNOWN;
}
