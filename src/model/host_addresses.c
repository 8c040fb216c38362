/* SPDX-License-Identifier: ISC */
/* The addresses of a host that are kept. */
#include "model/host_addresses.h"

#include <string.h>

static int
compare(const struct netaddr *a, const struct netaddr *b)
{
	if (a->family != b->family)
		return a->family == AF_INET ? -1 : 1;
	return a->family == AF_INET
		? memcmp(&a->ip.v4.s_addr, &b->ip.v4.s_addr, sizeof(a->ip.v4.s_addr))
		: memcmp(a->ip.v6.s6_addr, b->ip.v6.s6_addr, sizeof(a->ip.v6.s6_addr));
}

/* Into its place in the list, whose end makes room for it. */
void
host_addresses_add(struct host_addresses *addresses, const struct netaddr *address)
{
	const struct netaddr bare = netaddr_bare(address);
	uint32_t place = addresses->count;
	int order = 1;

	while (place > 0 && (order = compare(&addresses->list[place - 1], &bare)) > 0)
		place--;
	if (place > 0 && order == 0)
		return;
	if (addresses->count == HOST_ADDRESSES_MAX) {
		addresses->is_cut = true;
		if (place == addresses->count)
			return;
		addresses->count--;
	}
	memmove(&addresses->list[place + 1], &addresses->list[place],
		(addresses->count - place) * sizeof(bare));
	addresses->list[place] = bare;
	addresses->count++;
}
