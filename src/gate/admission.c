/* SPDX-License-Identifier: ISC */
/* From the question to policy to the refusal that is told. */
#include "gate/admission.h"

#include "base/log.h"
#include "base/shared_measures.h"
#include "gate/arrival.h"
#include "gate/asking.h"
#include "gate/limits.h"
#include "gate/service.h"
#include "gate/unix_peer.h"
#include "model/ban.h"

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

/* A client that a proxy has named is its own source; those on unix sockets are one together. */
static void
count_source(const struct service *service, const struct netaddr *peer)
{
	const struct service_keys *keys = service->config->keys;
	const struct gate *gate = service->gate;
	struct ban_source source;

	ban_source_of(&source, peer, (uint32_t)keys->source_prefix4, (uint32_t)keys->source_prefix6,
		BAN_NO_USER);
	refused_note(shared_refused(gate->shared, gate->writer), &source.address, source.length);
}

void
admission_note_refusal(struct service *service, const struct netaddr *peer,
	const struct policy_answer *answer, bool is_datagram)
{
	const char *word = verdict_word(answer->verdict);
	char rule[RULE_TEXT_MAX];
	uint64_t count;

	service_count(service, metric_of(answer->verdict), 1);
	count_source(service, peer);
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
static void
add_rules(const struct service *service, struct policy_question *question)
{
	const struct gate *gate = service->gate;

	question->now = loop_now(gate->loop);
	if (service->access_set == ACCESS_NO_SET)
		return;
	question->access = gate->rules.access;
	question->access_set = service->access_set;
	if (access_asks_when(gate->rules.access, service->access_set))
		question->minute = ask_minute();
}

static void
add_answer(struct policy_question *question, const struct answer *answer)
{
	if (!answer || answer->error == NAMES_NO_ANSWER || !(answer->key.asks & QUESTION_NAMES))
		return;
	question->naming = ACCESS_NAMES_KNOWN;
	question->names = &answer->names;
}

/* Those whose clients may have to be asked about: whatever the rules wait for, it did not come; and
 * tcp_wrappers' files are asked last. */
static void
judge_by_answer(const struct policy_question *question, const struct answer *known,
	struct policy_answer *answer)
{
	const struct access_client client = policy_client(question);

	if (answer->verdict == VERDICT_refuse_access &&
		access_must_ask(question->access, question->access_set, &client))
		answer->verdict = VERDICT_refuse_names;
	if (answer->verdict != VERDICT_ADMIT ||
		!access_asks_wrap(question->access, question->access_set, &answer->rule))
		return;
	if (!known || !(known->key.asks & QUESTION_WRAP))
		answer->verdict = VERDICT_refuse_names;
	else if (known->is_refused)
		answer->verdict = VERDICT_refuse_libwrap;
}

static struct policy_answer
judge(const struct service *service, const struct policy_question *question,
	const struct answer *known)
{
	struct policy_answer answer = policy_judge(question);

	if (service->may_ask && question->peer->family != AF_UNIX)
		judge_by_answer(question, known, &answer);
	if (answer.verdict == VERDICT_ADMIT) /* whoever says no later goes by no rule */
		answer.rule = (struct access_place){ .file = NULL };
	return answer;
}

static uint32_t
find_needs(const struct policy_question *question)
{
	const struct access_client client = policy_client(question);
	struct access_place place;
	enum verdict verdict = policy_judge(question).verdict;
	bool must_ask = verdict == VERDICT_refuse_access &&
		access_must_ask(question->access, question->access_set, &client);

	/* Who is refused anyway needs no answer. */
	if (client.address->family == AF_UNIX || (!must_ask && verdict != VERDICT_ADMIT))
		return 0;
	return (must_ask ? (uint32_t)QUESTION_NAMES : 0) |
		(access_asks_wrap(question->access, question->access_set, &place)
				? (uint32_t)QUESTION_WRAP
				: 0);
}

static void
set_way(const struct service *service, const struct admission_client *client,
	struct policy_question *question)
{
	if (admission_asks_way(service))
		question->way = client->is_named ? ACCESS_WAY_UNKNOWN
						 : arrival_ask(client->conn_fd, client->peer);
}

uint32_t
admission_needs(const struct service *service, const struct admission_client *client)
{
	struct policy_question question = { .peer = client->peer };

	if (!service->may_ask || client->peer->family == AF_UNIX)
		return 0;
	set_way(service, client, &question);
	add_rules(service, &question);
	return find_needs(&question);
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
	set_way(service, client, &question);
	add_rules(service, &question);
	add_answer(&question, client->answer);
	answer = judge(service, &question, client->answer);
	if (answer.verdict == VERDICT_ADMIT)
		answer.verdict = limits_judge_stream(service, conn_fd, peer, ret_source);
	if (answer.verdict != VERDICT_ADMIT)
		admission_refuse_stream(service, conn_fd, peer, &answer);
	return answer.verdict;
}

/* What is not known of a datagram's sender is asked, and the datagram does not wait for it: the
 * next one of the same sender finds the answer. */
static const struct answer *
find_answer(struct service *service, const struct policy_question *question)
{
	const struct answer *answer;
	uint32_t needs;

	if (!service->may_ask)
		return NULL;
	needs = find_needs(question);
	if (needs == 0)
		return NULL;
	answer = asking_find(service, question->peer, needs);
	if (!answer)
		asking_begin_for_later(service, question->peer, needs);
	return answer;
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
	const struct answer *known;
	struct policy_answer answer;

	add_rules(service, &question);
	known = find_answer(service, &question);
	add_answer(&question, known);
	answer = judge(service, &question, known);
	if (answer.verdict == VERDICT_ADMIT)
		answer.verdict =
			limits_judge_datagram(service, datagram->peer, datagram->unix_peer);
	if (answer.verdict == VERDICT_ADMIT)
		return true;
	admission_note_refusal(service, datagram->peer, &answer, true);
	return false;
}
