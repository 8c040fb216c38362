/* SPDX-License-Identifier: ISC */
/* The addresses of a host that rules name, as they are kept of an answer: sorted, each once, and of
 * more than there is room for the first ones, the same whatever their order in the answer. */
#ifndef REEVE_HOST_ADDRESSES_H
#define REEVE_HOST_ADDRESSES_H

#include "base/netaddr.h"

#define HOST_ADDRESSES_MAX 64

/* Zeroes: none. */
struct host_addresses {
	uint32_t count;
	bool is_cut;                             /* it has more */
	struct netaddr list[HOST_ADDRESSES_MAX]; /* IPv4 before IPv6 */
};

/* All of an answer are to be added, for the last one may be the first. Of an internet address
 * nothing but its bytes is kept: no port, no scope. */
void host_addresses_add(struct host_addresses *addresses, const struct netaddr *address);

#endif
