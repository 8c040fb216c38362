/* SPDX-License-Identifier: ISC */
/* No, said in the way that was asked for. */
#include "gate/refusal.h"

#include "gate/admission.h"
#include "gate/service.h"
#include "gate/speech.h"
#include "gate/tarpit.h"

#include <sys/socket.h>

static enum config_refuse_with
choose_at_limit(const struct service_keys *keys)
{
	switch ((enum config_at_limit)keys->at_limit) {
	case CONFIG_AT_LIMIT_QUEUE: /* but it cannot wait any more */
		break;
	case CONFIG_AT_LIMIT_CLOSE:
		return CONFIG_REFUSE_CLOSE;
	case CONFIG_AT_LIMIT_RESET:
		return CONFIG_REFUSE_RESET;
	case CONFIG_AT_LIMIT_BANNER:
		return CONFIG_REFUSE_BANNER;
	case CONFIG_AT_LIMIT_TARPIT:
		return CONFIG_REFUSE_TARPIT;
	}
	return CONFIG_REFUSE_AUTO;
}

static enum config_refuse_with
choose(const struct service *service, enum verdict verdict)
{
	const struct service_keys *keys = service->config->keys;
	enum config_refuse_with way = CONFIG_REFUSE_AUTO;

	switch (verdict_answer(verdict)) {
	case VERDICT_NOT:
		return CONFIG_REFUSE_CLOSE;
	case VERDICT_AT_LIMIT:
		way = choose_at_limit(keys);
		break;
	case VERDICT_REFUSE_WITH:
		way = (enum config_refuse_with)keys->refuse_with;
		break;
	}
	if (way != CONFIG_REFUSE_AUTO)
		return way;
	if (speech_has(keys->banner_fail))
		return CONFIG_REFUSE_BANNER;
	return keys->at_limit == CONFIG_AT_LIMIT_RESET ? CONFIG_REFUSE_RESET : CONFIG_REFUSE_CLOSE;
}

static void
reset_at_close(int conn_fd)
{
	static const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	(void)setsockopt(conn_fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void
refusal_answer(struct entrant *entrant, enum verdict verdict)
{
	switch (choose(entrant->service, verdict)) {
	case CONFIG_REFUSE_BANNER:
		speech_dismiss(entrant, verdict);
		return;
	case CONFIG_REFUSE_TARPIT:
		tarpit_hold(entrant);
		return;
	case CONFIG_REFUSE_RESET:
		reset_at_close(entrant->conn_fd);
		break;
	case CONFIG_REFUSE_AUTO:
	case CONFIG_REFUSE_CLOSE:
		break;
	}
	entrance_turn_away(entrant);
}

void
refusal_refuse(struct entrant *entrant, enum verdict verdict)
{
	const struct policy_answer answer = { .verdict = verdict };

	admission_refuse_stream(entrant->service, entrant->conn_fd, &entrant->peer, &answer);
	refusal_answer(entrant, verdict);
}
