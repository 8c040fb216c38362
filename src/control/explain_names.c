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

/* One that has the peer's address in turn is the peer's. False: that could not be found out. */
static bool
add_name(const struct netaddr *peer, const char *name, struct client_names *names)
{
	struct netaddr addresses[HOST_ADDRESSES_MAX];
	char *place = names->names[names->count < CLIENT_NAMES_MAX ? names->count : 0];
	int count;

	if (names->count == CLIENT_NAMES_MAX || !hostname_read(name, strlen(name), place))
		return true;
	count = explain_look_up(place, addresses, HOST_ADDRESSES_MAX);
	for (int i = 0; i < count; i++)
		if (is_same_host(&addresses[i], peer)) {
			names->count++;
			break;
		}
	return count >= 0;
}

/* By gethostbyaddr, for getnameinfo tells one name alone, and /etc/hosts may have several. */
enum access_naming
explain_name_peer(const struct netaddr *peer, struct client_names *ret_names)
{
	socklen_t length = peer->family == AF_INET ? sizeof(peer->ip.v4) : sizeof(peer->ip.v6);
	const struct hostent *host = gethostbyaddr(&peer->ip, length, peer->family);
	bool is_known = host != NULL || h_errno == HOST_NOT_FOUND || h_errno == NO_DATA;

	ret_names->count = 0;
	if (host != NULL)
		is_known = add_name(peer, host->h_name, ret_names);
	for (char **alias = host != NULL ? host->h_aliases : NULL; alias && *alias; alias++)
		is_known &= add_name(peer, *alias, ret_names);
	return is_known ? ACCESS_NAMES_KNOWN : ACCESS_NAMES_UNKNOWN;
}
