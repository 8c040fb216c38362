/* SPDX-License-Identifier: ISC */
/* From the question to policy to the refusal that is told. */
#include "gate/admission.h"

#include "base/log.h"
#include "gate/arrival.h"
#include "gate/limits.h"
#include "gate/service.h"
#include "gate/unix_peer.h"

#include <stdio.h>
#include <time.h>

#define REFUSALS_TOLD_MS 10000
#define RULE_TEXT_MAX 1024

struct refusals {
	struct {
		msec told; /* when it was logged last */
		uint64_t untold;
	} of[VERDICT_COUNT];
};

static enum metric
metric_of(enum verdict verdict)
{
	static const enum metric metrics[] = {
#define VERDICT(name, word, answer, told, sentence) [VERDICT_##name] = METRIC_verdict_##name,
#include "base/verdicts.def"
#undef VERDICT
	};

	return metrics[verdict];
}

static struct refusals *
refusals_new(void)
{
	struct refusals *refusals = calloc(1, sizeof(*refusals));

	for (size_t i = 0; refusals && i < VERDICT_COUNT; i++)
		refusals->of[i].told = LONG_AGO;
	return refusals;
}

/* Is it time for a line? Then with how many refusals. Without memory there is none: they are
 * counted all the same. */
static bool
should_tell(struct service *service, enum verdict verdict, uint64_t *ret_count)
{
	msec now = loop_now(service->gate->loop);

	if (!service->refusals)
		service->refusals = refusals_new();
	if (!service->refusals)
		return false;
	*ret_count = ++service->refusals->of[verdict].untold;
	if (now - service->refusals->of[verdict].told < REFUSALS_TOLD_MS)
		return false;
	service->refusals->of[verdict].told = now;
	service->refusals->of[verdict].untold = 0;
	return true;
}

/* "/etc/reeve/services:12"; NULL if no rule decided. */
static const char *
write_rule(const struct access_place *place, char text[static RULE_TEXT_MAX])
{
	if (!place->file)
		return NULL;
	(void)snprintf(text, RULE_TEXT_MAX, "%s:%u", place->file, place->line);
	return text;
}

void
admission_note_refusal(struct service *service, const struct netaddr *peer,
	const struct policy_answer *answer, bool is_datagram)
{
	const char *word = verdict_word(answer->verdict);
	char rule[RULE_TEXT_MAX];
	uint64_t count;

	service_count(service, metric_of(answer->verdict), 1);
	if (!should_tell(service, answer->verdict, &count))
		return;
	if (is_datagram)
		LOG(datagrams_refused, .service = service_name(service), .peer = peer,
			.verdict = word, .rule = write_rule(&answer->rule, rule),
			.count = (int64_t)count);
	else
		LOG(conn_refused, .service = service_name(service), .peer = peer, .verdict = word,
			.rule = write_rule(&answer->rule, rule), .count = (int64_t)count);
}

/* By the clock of the place: what the gate knows of its time zone it has read before its door was
 * shut. */
static uint16_t
ask_minute(void)
{
	time_t now = time(NULL);
	struct tm local;

	if (!localtime_r(&now, &local))
		return UINT16_MAX; /* no span holds it */
	return (uint16_t)(local.tm_hour * 60 + local.tm_min);
}

bool
admission_asks_who(const struct service *service)
{
	const struct access *access = service->gate->rules.access;

	if (limits_ask_who(service))
		return true;
	return access && service->access_set != ACCESS_NO_SET &&
		access_asks_who(access, service->access_set);
}

bool
admission_asks_way(const struct service *service)
{
	const struct access *access = service->gate->rules.access;

	return access && service->access_set != ACCESS_NO_SET &&
		access_asks_way(access, service->access_set);
}

void
admission_note_wait(struct service *service, enum verdict verdict, msec wait)
{
	uint64_t count;

	service_count(service, METRIC_waits, 1);
	service_count(service, metric_of(verdict), 1);
	if (should_tell(service, verdict, &count))
		LOG(service_paced, .service = service_name(service),
			.verdict = verdict_word(verdict), .wait_ms = wait, .count = (int64_t)count);
}

void
admission_refuse_stream(struct service *service, int conn_fd, const struct netaddr *peer,
	const struct policy_answer *answer)
{
	admission_note_refusal(service, peer, answer, false);
	limits_note_refusal(service, conn_fd, peer, answer->verdict);
}

/* What the service's own rules ask, beside what is known of every client. */
static struct policy_answer
judge(struct service *service, struct policy_question *question)
{
	struct gate *gate = service->gate;
	struct policy_answer answer;

	question->now = loop_now(gate->loop);
	if (service->access_set != ACCESS_NO_SET) {
		question->access = gate->rules.access;
		question->access_set = service->access_set;
		if (access_asks_when(gate->rules.access, service->access_set))
			question->minute = ask_minute();
	}
	answer = policy_judge(question);
	if (answer.verdict == VERDICT_ADMIT) /* whoever says no later goes by no rule */
		answer.rule = (struct access_place){ .file = NULL };
	return answer;
}

enum verdict
admission_judge_stream(struct service *service, const struct admission_client *client,
	uint64_t *ret_source)
{
	const struct netaddr *peer = client->peer;
	struct policy_question question = { .peer = peer };
	bool is_unix = peer->family == AF_UNIX;
	/* Who opened a unix socket is not who the client is that a proxy has named. */
	int conn_fd = is_unix && client->is_named ? -1 : client->conn_fd;
	struct access_peer unix_peer;
	struct policy_answer answer;

	*ret_source = 0;
	limits_expect(service, peer);
	if (is_unix && admission_asks_who(service)) {
		unix_peer_ask(conn_fd, &unix_peer);
		question.unix_peer = &unix_peer;
	}
	if (admission_asks_way(service))
		question.way = client->is_named ? ACCESS_WAY_UNKNOWN : arrival_ask(conn_fd, peer);
	answer = judge(service, &question);
	if (answer.verdict == VERDICT_ADMIT)
		answer.verdict = limits_judge_stream(service, conn_fd, peer, ret_source);
	if (answer.verdict != VERDICT_ADMIT)
		admission_refuse_stream(service, conn_fd, peer, &answer);
	return answer.verdict;
}

bool
admission_judge_datagram(struct service *service, const struct admission_datagram *datagram)
{
	struct policy_question question = {
		.peer = datagram->peer,
		.local = datagram->local,
		.ports = &service->gate->own_ports,
		.unix_peer = datagram->unix_peer,
		.way = datagram->way,
	};
	struct policy_answer answer = judge(service, &question);

	if (answer.verdict == VERDICT_ADMIT)
		answer.verdict =
			limits_judge_datagram(service, datagram->peer, datagram->unix_peer);
	if (answer.verdict == VERDICT_ADMIT)
		return true;
	admission_note_refusal(service, datagram->peer, &answer, true);
	return false;
}
