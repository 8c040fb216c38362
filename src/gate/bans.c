/* SPDX-License-Identifier: ISC */
/* Bans: looked up for each client, made for a few. */
#include "gate/bans.h"

#include "base/log.h"
#include "gate/outbox.h"
#include "gate/service.h"
#include "model/ban.h"
#include "model/rate.h"

/* Who touches a sensor again and again is banned from the last time on. By steps of this part of
 * the time, so that it is not told of each. */
#define STEPS 16

_Static_assert(BANS_NO_USER == BAN_NO_USER, "nobody is the same everywhere");

static uint64_t
clock_of(const struct service *service)
{
	return rate_clock(loop_now(service->gate->loop));
}

bool
bans_hold(const struct service *service, const struct netaddr *peer, uint32_t user)
{
	struct shared_sources *sources = service->gate->sources;

	return ban_are_any(sources) &&
		ban_holds(sources, service->ban_number, peer, user, clock_of(service));
}

/* What finds no way to the supervisor holds all the same, until that marks its own anew. */
static void
tell_supervisor(const struct service *service, const struct netaddr *peer, uint32_t user,
	enum verdict verdict)
{
	const struct message_banned body = {
		.source = *peer, .row = service->row, .user = user, .verdict = (uint32_t)verdict
	};

	if (!outbox_is_behind(service->gate->outbox))
		outbox_send(service->gate, MESSAGE_banned, &body, -1);
}

void
bans_impose(const struct service *service, const struct netaddr *peer, uint32_t user,
	enum verdict verdict)
{
	const struct service_keys *keys = service->config->keys;
	struct shared_sources *sources = service->gate->sources;
	bool is_of_all = verdict == VERDICT_refuse_sensor || keys->ban_scope == CONFIG_BAN_ALL;
	uint64_t number = is_of_all ? BAN_OF_ALL : service->ban_number;
	uint64_t now = clock_of(service);
	uint64_t until = now + rate_clock(keys->ban_time);
	struct ban_source source;
	uint64_t before;

	/* Services tell sources apart in their own ways; from all, one address is kept out. */
	if (is_of_all)
		ban_source_of(&source, peer, 32, 64, user);
	else
		ban_source_of(&source, peer, (uint32_t)keys->source_prefix4,
			(uint32_t)keys->source_prefix6, user);
	before = ban_until(sources, number, &source);
	/* One that is there and is not found, for want of its marks, is made anew. */
	if (before >= until - rate_clock(keys->ban_time) / STEPS && bans_hold(service, peer, user))
		return;
	if (!ban_impose(sources, number, &source, until, now))
		return;
	tell_supervisor(service, peer, user, verdict);
	if (before <= now)
		LOG(source_banned, .service = service_name(service), .peer = peer,
			.verdict = verdict_word(verdict), .duration_ms = keys->ban_time);
}
