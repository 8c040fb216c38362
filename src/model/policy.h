/* SPDX-License-Identifier: ISC */
/* Policy says yes or no to a peer, before anything is done for it; it touches no socket, no clock
 * and no log. What it has to know is handed in as a question: one for the client of a stream and
 * the sender of a datagram, of a built-in and of a program alike.
 *
 * It asks in this order, and the first no is the verdict: is it a group or a loop (datagrams); who
 * is it; what time is it; how much did it, and did everybody, ask for lately. */
#ifndef REEVE_POLICY_H
#define REEVE_POLICY_H

#include "base/netaddr.h"
#include "base/verdict.h"
#include "config/config.h"
#include "model/access.h"

/* The ports that datagrams must not be answered to: the small services of the world and our own
 * datagram built-ins (an answer to an answer never ends: CVE-2024-2169). */
struct policy_ports {
	uint64_t bits[1024];
};

/* Those of the world; add one; add all that a configuration names, whatever their address and
 * whichever gate serves them: what comes from one of these may be an answer. */
void policy_ports_init(struct policy_ports *ports);
void policy_ports_add(struct policy_ports *ports, uint16_t port);
void policy_ports_add_config(struct policy_ports *ports, const struct config *config);

/* Who wants what, and when. What a field that is NULL would ask is not asked. */
struct policy_question {
	const struct netaddr *peer;
	const struct netaddr *local;      /* datagrams: the address that was asked */
	const struct policy_ports *ports; /* datagrams: ports that get no answer */
	const struct access *access;      /* the rules of all services */
	uint32_t access_set;              /* those of this one */
	const struct access_peer *unix_peer;
	uint32_t way; /* these three as in struct access_client */
	enum access_naming naming;
	const struct client_names *names;
	uint16_t minute; /* of the local day */
	msec now;
};

struct policy_answer {
	enum verdict verdict;
	struct access_place rule; /* that decided; its file is NULL if none did */
};

/* The rules' part of it. */
struct access_client policy_client(const struct policy_question *question);

struct policy_answer policy_judge(const struct policy_question *question);

#endif
