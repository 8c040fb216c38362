/* SPDX-License-Identifier: ISC */
/* Which datagrams get no answer. */
#include "model/policy.h"

#include <string.h>

/* echo, discard, daytime, qotd, chargen, time: what small servers anywhere answer on. */
static const uint16_t small_services[] = { 7, 9, 13, 17, 19, 37 };

void
policy_ports_init(struct policy_ports *ports)
{
	memset(ports, 0, sizeof(*ports));
	policy_ports_add(ports, 0); /* nobody can be answered there */
	for (size_t i = 0; i < ARRAY_SIZE(small_services); i++)
		policy_ports_add(ports, small_services[i]);
}

void
policy_ports_add(struct policy_ports *ports, uint16_t port)
{
	ports->bits[port / 64] |= UINT64_C(1) << (port % 64);
}

enum verdict
policy_judge_datagram(const struct policy_ports *ports, const struct netaddr *peer,
	const struct netaddr *local)
{
	if (peer->family == AF_UNIX)
		return VERDICT_ADMIT;
	if (netaddr_is_group(peer) || netaddr_is_group(local))
		return VERDICT_refuse_group;
	if (ports->bits[peer->port / 64] & (UINT64_C(1) << (peer->port % 64)))
		return VERDICT_refuse_loop;
	return VERDICT_ADMIT;
}
