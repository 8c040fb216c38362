/* SPDX-License-Identifier: ISC */
/* Policy says yes or no to a peer; it touches no socket, no clock and no log. */
#ifndef REEVE_POLICY_H
#define REEVE_POLICY_H

#include "base/netaddr.h"
#include "base/verdict.h"

/* The ports that datagrams must not be answered to: the small services of the world and our own
 * datagram built-ins (an answer to an answer never ends: CVE-2024-2169). */
struct policy_ports {
	uint64_t bits[1024];
};

void policy_ports_init(struct policy_ports *ports);
void policy_ports_add(struct policy_ports *ports, uint16_t port);

/* Judge a datagram by where it came from and which address it asked. A peer on a unix socket
 * is always admitted: the file's permissions have judged it. */
enum verdict policy_judge_datagram(const struct policy_ports *ports, const struct netaddr *peer,
	const struct netaddr *local);

#endif
