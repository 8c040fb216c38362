/* SPDX-License-Identifier: ISC */
/* Who is admitted. */
#include "model/policy.h"

#include "config/meaning.h"

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

void
policy_ports_add_config(struct policy_ports *ports, const struct config *config)
{
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct service_config *service = &config->services[i];

		for (uint32_t j = 0; j < service->endpoint_count; j++)
			if (config_answers_datagrams(service, service->endpoints[j].protocol))
				policy_ports_add(ports, service->endpoints[j].address.port);
	}
}

/* Whom no datagram is answered. The permissions of a unix socket's file have judged its peers. */
static enum verdict
judge_datagram(const struct policy_question *question)
{
	const struct netaddr *peer = question->peer;

	if (peer->family == AF_UNIX)
		return VERDICT_ADMIT;
	if (netaddr_is_group(peer) || netaddr_is_group(question->local))
		return VERDICT_refuse_group;
	if (question->ports->bits[peer->port / 64] & (UINT64_C(1) << (peer->port % 64)))
		return VERDICT_refuse_loop;
	return VERDICT_ADMIT;
}

struct access_client
policy_client(const struct policy_question *question)
{
	return (struct access_client){ .address = question->peer,
		.unix_peer = question->unix_peer,
		.way = question->way,
		.naming = question->naming,
		.names = question->names,
		.minute = question->minute };
}

struct policy_answer
policy_judge(const struct policy_question *question)
{
	struct policy_answer answer = { .verdict = VERDICT_ADMIT };

	if (question->ports)
		answer.verdict = judge_datagram(question);
	if (answer.verdict == VERDICT_ADMIT && question->access) {
		const struct access_client client = policy_client(question);

		answer.verdict =
			access_judge(question->access, question->access_set, &client, &answer.rule);
	}
	return answer;
}
