/* SPDX-License-Identifier: ISC */
/* Names of hosts, asked of this host as any program does. The daemon asks a process of its own, and
 * judges by what that has learned; here somebody waits for the answer anyway. */
#include "control/explain.h"

#include <netdb.h>
#include <string.h>

/* NULL is an answer, too. False: there is none. */
static bool
look_up(const char *name, struct addrinfo **ret_list)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	int error = getaddrinfo(name, NULL, &hints, ret_list);

	if (error != 0)
		*ret_list = NULL;
	return error == 0 || error == EAI_NONAME || error == EAI_NODATA;
}

static void
forget(struct addrinfo *list)
{
	if (list != NULL)
		freeaddrinfo(list);
}

void
explain_look_up(const char *name, struct host_addresses *ret_addresses)
{
	struct addrinfo *list;
	struct netaddr address;

	*ret_addresses = (struct host_addresses){ .count = 0 };
	(void)look_up(name, &list);
	for (const struct addrinfo *one = list; one != NULL; one = one->ai_next)
		if (netaddr_from_sockaddr(&address, one->ai_addr) == 0)
			host_addresses_add(ret_addresses, &address);
	forget(list);
}

static bool
is_same_host(const struct netaddr *a, const struct netaddr *b)
{
	struct netaddr left = netaddr_bare(a), right = netaddr_bare(b);

	return netaddr_equal(&left, &right);
}

/* One that has the peer's address in turn is the peer's. False: that could not be found out. */
static bool
add_name(const struct netaddr *peer, const char *name, struct client_names *names)
{
	char *place = names->names[names->count < CLIENT_NAMES_MAX ? names->count : 0];
	struct addrinfo *list;
	struct netaddr address;
	bool is_known, is_its = false;

	if (names->count == CLIENT_NAMES_MAX || !hostname_read(name, strlen(name), place))
		return true;
	is_known = look_up(place, &list);
	for (const struct addrinfo *one = list; one != NULL && !is_its; one = one->ai_next)
		is_its = netaddr_from_sockaddr(&address, one->ai_addr) == 0 &&
			is_same_host(&address, peer);
	names->count += is_its;
	forget(list);
	return is_known;
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
