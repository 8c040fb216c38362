/* SPDX-License-Identifier: ISC */
/* In, or away. */
#include "gate/entrance.h"

#include "base/explain.h"
#include "gate/admission.h"
#include "gate/asking.h"
#include "gate/conn.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/queue.h"
#include "gate/refusal.h"
#include "gate/relay.h"
#include "gate/service.h"
#include "gate/spawn_request.h"
#include "gate/speech.h"

static enum passage
greet(struct entrant *entrant)
{
	return speech_say(entrant, entrant->service->config->keys->banner, VERDICT_ADMIT);
}

static struct admission_client
client_of(const struct entrant *entrant)
{
	return (struct admission_client){ .peer = &entrant->peer,
		.conn_fd = entrant->conn_fd,
		.is_named = entrant->proxy.family != AF_UNSPEC,
		.answer = entrant->answer };
}

/* What has to be asked about it is asked elsewhere, and it waits meanwhile. */
static enum passage
inquire(struct entrant *entrant)
{
	const struct admission_client client = client_of(entrant);
	uint32_t needs = entrant->is_judged ? 0 : admission_needs(entrant->service, &client);

	if (needs == 0)
		return PASSAGE_ON;
	entrant->answer = asking_find(entrant->service, &entrant->peer, needs);
	return !entrant->answer && asking_begin(entrant, needs) ? PASSAGE_WAITS : PASSAGE_ON;
}

static enum passage
judge(struct entrant *entrant)
{
	const struct admission_client client = client_of(entrant);
	enum verdict verdict;

	entrant->answer = NULL;
	if (entrant->is_judged)
		return PASSAGE_ON;
	verdict = admission_judge_stream(entrant->service, &client, &entrant->source);
	entrant->is_judged = verdict == VERDICT_ADMIT;
	if (entrant->is_judged)
		return PASSAGE_ON;
	refusal_answer(entrant, verdict);
	return PASSAGE_REFUSED;
}

static enum passage
find_place(struct entrant *entrant)
{
	return entrant->hold == HOLD_PLACE ? PASSAGE_ON : queue_join(entrant);
}

static enum passage
welcome(struct entrant *entrant)
{
	return speech_say(entrant, entrant->service->config->keys->banner_success, VERDICT_ADMIT);
}

static enum passage
serve(struct entrant *entrant)
{
	const struct service *service = entrant->service;

	if (service->builtin) {
		service_observe(service, HISTOGRAM_accept_to_handler_seconds,
			shared_clock_us() - entrant->accepted_us);
		conn_begin(entrant);
	} else if (relay_serves(service)) {
		relay_begin(entrant);
	} else {
		spawn_request_send(entrant);
	}
	return PASSAGE_WAITS;
}

bool
entrance_go(struct entrant *entrant)
{
	static enum passage (*const steps[])(struct entrant * entrant) = { greet, inquire, judge,
		find_place, welcome, serve };
	enum passage passage;

	do {
		passage = steps[entrant->step++](entrant);
	} while (passage == PASSAGE_ON);
	return passage != PASSAGE_REFUSED;
}

void
entrance_give_back(struct entrant *entrant)
{
	enum hold hold = entrant->hold;

	limits_release(entrant->service->gate, entrant->source);
	entrant->source = 0;
	entrant->hold = HOLD_NOTHING;
	queue_give_back(entrant->service, hold);
}

void
entrance_turn_away(const struct entrant *entrant)
{
	struct entrant gone = *entrant;

	EXPLAIN(refuse, .conn_fd = gone.conn_fd, .peer = &gone.peer);
	(void)close(gone.conn_fd);
	listener_note_closed(gone.service->gate);
	entrance_give_back(&gone);
}
