/* SPDX-License-Identifier: ISC */
/* Limits that are missing, or that the host cannot keep. */
#include "control/lint_room.h"

#include "config/meaning.h"

#include <sys/socket.h>

#define MIB (INT64_C(1) << 20)

static void
judge_sources(struct lint *lint, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;

	if (lint_reach_of(service, SOCK_STREAM) == LINT_REACH_ANYBODY && keys->per_source == 0 &&
		keys->cps_per_source == 0 && keys->cps == 0)
		lint_add(lint, LINT_no_source_limit, service, &service->wheres->name,
			"one source may take all places of \"%s\" (instances=%lld); set per_source "
			"or cps_per_source",
			service->name, (long long)keys->instances);
	else if (lint_reach_of(service, SOCK_DGRAM) == LINT_REACH_ANYBODY &&
		keys->pps_per_source == 0)
		lint_add(lint, LINT_no_source_limit, service, &service->wheres->name,
			"one source may start programs of \"%s\" as fast as it likes; set "
			"pps_per_source",
			service->name);
}

static void
judge_time(struct lint *lint, const struct service_config *service)
{
	if (lint_reach_of(service, SOCK_STREAM) == LINT_REACH_ANYBODY &&
		service->keys->max_time == 0 && config_idle(service) == 0)
		lint_add(lint, LINT_no_time_limit, service, &service->wheres->name,
			"clients of \"%s\" that say nothing stay for ever; set idle or max_time",
			service->name);
}

/* The soft limit; CONFIG_UNLIMITED: there is none. */
static int64_t
limit_of(const char *text)
{
	int64_t soft = CONFIG_UNLIMITED, hard;

	if (text == NULL || !config_rlimit(text, &soft, &hard))
		return CONFIG_UNLIMITED;
	return soft;
}

static void
judge_memory(struct lint *lint, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	bool is_data = limit_of(keys->rlimit_as) == CONFIG_UNLIMITED;
	int64_t each = limit_of(is_data ? keys->rlimit_data : keys->rlimit_as);

	if (lint->host->memory == 0 || each <= lint->host->memory / keys->instances)
		return;
	lint_add(lint, LINT_memory, service,
		key_place_where(service, is_data ? KEY_PLACE_rlimit_data : KEY_PLACE_rlimit_as),
		"the programs of \"%s\" (instances=%lld) with %lld MiB each are more than the "
		"%lld MiB of this host",
		service->name, (long long)keys->instances, (long long)(each / MIB),
		(long long)(lint->host->memory / MIB));
}

static void
judge_processes(struct lint *lint, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	int64_t of_user = limit_of(keys->rlimit_nproc);
	int64_t most = lint->host->processes;
	uint32_t uid;

	/* Root is held by no limit of its own. */
	if (of_user != CONFIG_UNLIMITED && lint_user(lint, service, &uid) && uid != 0 &&
		(most == 0 || of_user < most))
		most = of_user;
	if (most > 0 && keys->instances > most)
		lint_add(lint, LINT_processes, service,
			key_place_where(service, KEY_PLACE_instances),
			"\"%s\" has %lld instances, and %s may have no more processes than %lld",
			service->name, (long long)keys->instances,
			most == of_user ? "its user" : "this host", (long long)most);
}

void
lint_limits(struct lint *lint, const struct service_config *service)
{
	if (service->program == NULL || service->keys->wait != 0 || service->keys->sensor != 0)
		return;
	judge_sources(lint, service);
	judge_time(lint, service);
	judge_memory(lint, service);
	judge_processes(lint, service);
}
