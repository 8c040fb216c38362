/* SPDX-License-Identifier: ISC */
/* Limits, from the service's keys to what is remembered of its sources. */
#include "gate/limits.h"

#include "base/log.h"
#include "base/shared_holds.h"
#include "config/meaning.h"
#include "gate/admission.h"
#include "gate/bans.h"
#include "gate/listener.h"
#include "gate/memory.h"
#include "gate/queue.h"
#include "gate/service.h"
#include "model/ban.h"
#include "model/client_source.h"

#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>

#define LOAD_LOOKED_MS 1000
#define PAUSE_MAX_MS 60000
#define PAIR_PENALTY_MS 60000

static uint64_t
clock_of(const struct service *service)
{
	return rate_clock(loop_now(service->gate->loop));
}

static struct rate
rate_of(int64_t value, int64_t burst)
{
	struct config_rate rate = config_rate(value);

	return (struct rate){ .tokens = (uint64_t)rate.count,
		.span = rate.span,
		.burst = (uint64_t)(burst > 0 ? burst : rate.count) };
}

static struct client_source
source_of(const struct service *service, enum client_source_kind kind, const struct netaddr *peer)
{
	const struct service_keys *keys = service->config->keys;

	return (struct client_source){ .kind = kind,
		.service = service->identity,
		.peer = peer,
		.prefix4 = (uint8_t)keys->source_prefix4,
		.prefix6 = (uint8_t)keys->source_prefix6 };
}

/* ---------------------------------------------------------------- the service's own */

/* The load of the last minute in hundredths, looked at once a second at most. */
static int64_t
load_of_host(struct gate *gate)
{
	msec now = loop_now(gate->loop);
	struct sysinfo info;

	if (now - gate->load_looked >= LOAD_LOOKED_MS && sysinfo(&info) == 0) {
		gate->load = (int64_t)(info.loads[0] * 100 >> SI_LOAD_SHIFT);
		gate->load_looked = now;
	}
	return gate->load;
}

static bool
is_overloaded(const struct service *service)
{
	int64_t most = service->config->keys->max_load;

	return most > 0 && load_of_host(service->gate) > most;
}

/* How long until the service's rate lets the next client in. */
static msec
wait_for_rate(const struct service *service)
{
	const struct service_keys *keys = service->config->keys;
	const struct client_source everybody = source_of(service, SOURCE_ARRIVALS, NULL);
	const struct rate rate = rate_of(keys->cps, keys->cps_burst);

	return keys->cps == 0
		? 0
		: client_source_wait(service->gate->sources, &everybody, &rate, clock_of(service));
}

bool
limits_host_is_busy(const struct service *service)
{
	return is_overloaded(service) || memory_is_short(service);
}

bool
limits_are_reached(struct service *service)
{
	return limits_host_is_busy(service) || wait_for_rate(service) > 0;
}

static void
pause_expired(struct timer *timer, msec now)
{
	struct service *service = CONTAINER_OF(timer, struct service, pace);

	(void)now;
	service->is_paced = false;
	listener_resume_service(service);
}

static enum verdict
pause_for(struct service *service, enum verdict verdict, msec span)
{
	struct loop *loop = service->gate->loop;

	service->pace.expired = pause_expired;
	/* Without memory for the timer clients are taken too early rather than never. */
	if (loop_set_timer(loop, &service->pace, loop_now(loop) + MIN(span, PAUSE_MAX_MS)) < 0)
		return VERDICT_ADMIT;
	service->is_paced = true;
	admission_note_wait(service, verdict, span);
	return verdict;
}

static enum verdict
take_hold(struct service *service)
{
	bool may_wait = service->config->keys->at_limit == CONFIG_AT_LIMIT_QUEUE;

	switch (queue_take(service)) {
	case HOLD_PLACE:
		return VERDICT_ADMIT;
	case HOLD_SEAT:
		return VERDICT_wait_queue;
	case HOLD_NOTHING:
		break;
	}
	if (!may_wait)
		return VERDICT_refuse_instances;
	service_note_wait(service);
	return VERDICT_wait_instances;
}

static enum verdict
take_place(struct service *service)
{
	if (service->config->keys->queue > 0)
		return take_hold(service);
	if (service->config->keys->at_limit == CONFIG_AT_LIMIT_QUEUE)
		return service_admit(service) ? VERDICT_ADMIT : VERDICT_wait_instances;
	return service_admit_or_drop(service) ? VERDICT_ADMIT : VERDICT_refuse_instances;
}

enum verdict
limits_open(struct service *service)
{
	bool may_wait = service->config->keys->at_limit == CONFIG_AT_LIMIT_QUEUE;
	enum verdict verdict = VERDICT_ADMIT;
	msec span;

	if (is_overloaded(service))
		verdict = may_wait ? pause_for(service, VERDICT_wait_load, LOAD_LOOKED_MS)
				   : VERDICT_refuse_load;
	if (verdict == VERDICT_ADMIT && memory_is_short(service))
		verdict = may_wait ? pause_for(service, VERDICT_wait_memory, MEMORY_LOOKED_MS)
				   : VERDICT_refuse_memory;
	if (verdict == VERDICT_ADMIT && (span = wait_for_rate(service)) > 0)
		verdict = may_wait ? pause_for(service, VERDICT_wait_rate, span)
				   : VERDICT_refuse_rate;
	return verdict == VERDICT_ADMIT ? take_place(service) : verdict;
}

void
limits_retuned(struct service *service)
{
	const struct {
		uint64_t row, name;
	} identity = {
		.row = service->row,
		.name = shared_sources_key(service->gate->sources, service_name(service),
			strlen(service_name(service))),
	};

	/* A row that is given to another service takes nobody's offenders with it. */
	service->identity = shared_sources_key(service->gate->sources, &identity, sizeof(identity));
	service->ban_number = ban_service(service->gate->sources, service_name(service));
	loop_stop_timer(service->gate->loop, &service->pace);
	service->is_paced = false;
}

/* Refused for what its source is or does, and not for what others do. */
static bool
is_own_doing(enum verdict verdict)
{
	static const bool own_doing[VERDICT_COUNT] = {
		[VERDICT_refuse_access] = true,
		[VERDICT_refuse_source_full] = true,
		[VERDICT_refuse_source_rate] = true,
	};

	return own_doing[verdict];
}

/* ---------------------------------------------------------------- clients */

/* A user on a unix socket. */
static uint64_t
detail_of(uid_t user)
{
	return (uint64_t)user + 1;
}

static uint32_t
user_of(const struct client_source *who)
{
	return who->detail != 0 ? (uint32_t)(who->detail - 1) : BANS_NO_USER;
}

static struct client_source
ask_source(const struct service *service, int conn_fd, const struct netaddr *peer)
{
	struct client_source who = source_of(service, SOURCE_ARRIVALS, peer);
	struct ucred user;
	socklen_t length = sizeof(user);

	if (peer->family == AF_UNIX &&
		getsockopt(conn_fd, SOL_SOCKET, SO_PEERCRED, &user, &length) == 0)
		who.detail = detail_of(user.uid);
	return who;
}

bool
limits_ask_who(const struct service *service)
{
	const struct service_keys *keys = service->config->keys;

	return keys->per_source > 0 || keys->cps_per_source > 0 || keys->pps_per_source > 0 ||
		keys->ban > 0 || keys->sensor || service->gate->has_sensors ||
		ban_are_any(service->gate->sources);
}

void
limits_expect(const struct service *service, const struct netaddr *peer)
{
	const struct service_keys *keys = service->config->keys;
	const struct rate rate = rate_of(keys->cps_per_source, keys->cps_per_source_burst);
	const struct shared_sources *sources = service->gate->sources;
	struct client_source who = source_of(service, SOURCE_ARRIVALS, peer);

	if (peer->family == AF_UNIX)
		return; /* a few users, whose words are at hand */
	if (keys->cps_per_source > 0)
		client_source_expect(sources, &who, &rate);
	who.kind = SOURCE_CONNECTIONS;
	if (keys->per_source > 0)
		shared_holds_expect(sources, client_source_key(sources, &who));
}

static enum verdict
judge_source(struct service *service, struct client_source *who, uint64_t *ret_source)
{
	const struct service_keys *keys = service->config->keys;
	const struct rate rate = rate_of(keys->cps_per_source, keys->cps_per_source_burst);
	struct gate *gate = service->gate;
	uint64_t source = 0;

	if (keys->sensor)
		return VERDICT_refuse_sensor;
	if (bans_hold(service, who->peer, user_of(who)))
		return VERDICT_refuse_ban;
	if (keys->cps_per_source > 0 &&
		!client_source_take(gate->sources, who, &rate, 1, clock_of(service)))
		return VERDICT_refuse_source_rate;
	if (keys->per_source > 0) {
		who->kind = SOURCE_CONNECTIONS;
		source = client_source_key(gate->sources, who);
		if (!shared_holds_take(gate->sources, gate->writer, source,
			    (uint32_t)keys->per_source))
			return VERDICT_refuse_source_full;
	}
	*ret_source = source;
	return VERDICT_ADMIT;
}

/* The last question, so that nobody who is refused uses up what others might have. Whoever did not
 * have to wait at the door gets in: another gate may have been faster, and the next one pays. */
static enum verdict
charge_service(struct service *service)
{
	const struct service_keys *keys = service->config->keys;
	const struct client_source everybody = source_of(service, SOURCE_ARRIVALS, NULL);
	const struct rate rate = rate_of(keys->cps, keys->cps_burst);

	if (keys->cps == 0)
		return VERDICT_ADMIT;
	if (keys->at_limit == CONFIG_AT_LIMIT_QUEUE) {
		client_source_take_on_credit(service->gate->sources, &everybody, &rate,
			clock_of(service));
		return VERDICT_ADMIT;
	}
	return client_source_take(service->gate->sources, &everybody, &rate, 1, clock_of(service))
		? VERDICT_ADMIT
		: VERDICT_refuse_rate;
}

enum verdict
limits_judge_stream(struct service *service, int conn_fd, const struct netaddr *peer,
	uint64_t *ret_source)
{
	enum verdict verdict = VERDICT_ADMIT;
	uint64_t source = 0;

	if (limits_ask_who(service)) {
		struct client_source who = ask_source(service, conn_fd, peer);

		verdict = judge_source(service, &who, &source);
	}
	if (verdict == VERDICT_ADMIT)
		verdict = charge_service(service);
	if (verdict == VERDICT_ADMIT)
		*ret_source = source;
	else
		limits_release(service->gate, source);
	return verdict;
}

/* By the prefixes that the daemon itself bans by. */
static msec
ban_left(const struct service *service, const struct netaddr *peer)
{
	const struct service_keys *keys = service->config->keys;
	struct shared_sources *sources = service->gate->sources;
	uint64_t now = clock_of(service);
	struct ban_source own;
	struct ban_source of_all;
	uint64_t until;

	ban_source_of(&own, peer, (uint32_t)keys->source_prefix4, (uint32_t)keys->source_prefix6,
		BAN_NO_USER);
	ban_source_of(&of_all, peer, 32, 64, BAN_NO_USER);
	until = MAX(ban_until(sources, service->ban_number, &own),
		ban_until(sources, BAN_OF_ALL, &of_all));
	return until > now ? (msec)((until - now) / rate_clock(1)) : -1;
}

msec
limits_time_to_wait(const struct service *service, const struct netaddr *peer, enum verdict verdict)
{
	const struct service_keys *keys = service->config->keys;
	const struct client_source who = source_of(service, SOURCE_ARRIVALS, peer);
	const struct rate rate = rate_of(keys->cps_per_source, keys->cps_per_source_burst);

	if (verdict == VERDICT_refuse_rate)
		return wait_for_rate(service);
	/* Whose client came by a unix socket is not asked once more. */
	if (verdict == VERDICT_refuse_source_rate && peer->family != AF_UNIX)
		return client_source_wait(service->gate->sources, &who, &rate, clock_of(service));
	return verdict == VERDICT_refuse_ban ? ban_left(service, peer) : -1;
}

void
limits_release(const struct gate *gate, uint64_t source)
{
	if (source != 0)
		shared_holds_drop(gate->sources, gate->writer, source);
}

uint64_t
limits_keep(const struct gate *gate, uint64_t source)
{
	if (source == 0 || !shared_holds_take(gate->sources, gate->writer, source, UINT32_MAX))
		return 0;
	return source;
}

void
limits_note_refusal(struct service *service, int conn_fd, const struct netaddr *peer,
	enum verdict verdict)
{
	const struct service_keys *keys = service->config->keys;
	const struct config_rate ban = config_rate(keys->ban);
	struct client_source who;

	if (verdict != VERDICT_refuse_sensor && (keys->ban == 0 || !is_own_doing(verdict)))
		return;
	who = ask_source(service, conn_fd, peer);
	if (verdict == VERDICT_refuse_sensor) {
		bans_impose(service, peer, user_of(&who), verdict);
		return;
	}
	if (bans_hold(service, peer, user_of(&who)))
		return;
	who.kind = SOURCE_REFUSALS;
	if (client_source_note_refusal(service->gate->sources, &who, (uint32_t)ban.count, ban.span,
		    clock_of(service)))
		bans_impose(service, peer, user_of(&who), verdict);
}

/* ---------------------------------------------------------------- datagrams */

/* Their source can be forged: it is never banned for them, but a ban holds for them too. */
enum verdict
limits_judge_datagram(const struct service *service, const struct netaddr *peer,
	const struct access_peer *unix_peer)
{
	const struct service_keys *keys = service->config->keys;
	const struct rate rate = rate_of(keys->pps_per_source, keys->pps_per_source_burst);
	struct client_source who;

	if (!limits_ask_who(service))
		return VERDICT_ADMIT;
	who = source_of(service, SOURCE_DATAGRAMS, peer);
	if (unix_peer && unix_peer->is_known)
		who.detail = detail_of(unix_peer->user);
	if (bans_hold(service, peer, user_of(&who)))
		return VERDICT_refuse_ban;
	if (keys->pps_per_source > 0 &&
		!client_source_take(service->gate->sources, &who, &rate, 1, clock_of(service)))
		return VERDICT_refuse_source_rate;
	return VERDICT_ADMIT;
}

/* The two ports answer each other, faster than anybody asks: one of them has to stop. */
static bool
loops(const struct service *service, const struct netaddr *peer, uint16_t local_port)
{
	const struct service_keys *keys = service->config->keys;
	const struct rate rate = rate_of(keys->loop_guard, 0);
	struct client_source pair = source_of(service, SOURCE_PAIR, peer);
	bool is_new;

	if (keys->loop_guard == 0)
		return false;
	pair.prefix4 = 32;
	pair.prefix6 = 128;
	pair.detail = (uint64_t)peer->port << 16 | local_port;
	if (client_source_take_or_punish(service->gate->sources, &pair, &rate, PAIR_PENALTY_MS,
		    clock_of(service), &is_new))
		return false;
	if (is_new)
		LOG(pair_blocked, .service = service_name(service), .peer = peer,
			.port = local_port, .duration_ms = PAIR_PENALTY_MS);
	return true;
}

/* One budget for all services that grant the same. */
static bool
can_pay(const struct service *service, const struct netaddr *peer, int64_t excess)
{
	const struct service_keys *keys = service->config->keys;
	const struct rate rate = { .tokens = (uint64_t)keys->reply_budget_rate,
		.span = 1000,
		.burst = (uint64_t)keys->reply_budget };
	struct client_source who = source_of(service, SOURCE_BUDGET, peer);

	if (excess <= 0)
		return true;
	who.service = 0;
	return client_source_take(service->gate->sources, &who, &rate, (uint64_t)excess,
		clock_of(service));
}

enum verdict
limits_judge_answer(const struct service *service, const struct netaddr *peer, uint16_t local_port,
	int64_t excess)
{
	if (peer->family == AF_UNIX)
		return VERDICT_ADMIT;
	if (!can_pay(service, peer, excess))
		return VERDICT_refuse_budget;
	return loops(service, peer, local_port) ? VERDICT_refuse_pair : VERDICT_ADMIT;
}
