/* SPDX-License-Identifier: ISC */
/* What a program is to be given that not everybody may give: urgency, limits, capabilities,
 * another root folder. The kernel asks for a capability each time, and without it a start would
 * fail, for every client. */
#include "config/check.h"

#include "config/meaning.h"

#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>

/* Less cannot hold a program and its loader: the kernel would kill it before its first line. */
#define MEMORY_LEAST 65536

static bool
has_right(uint64_t rights, int capability)
{
	return (rights & UINT64_C(1) << capability) != 0;
}

/* A name and what is known of it, as a complaint puts it. */
static void
complain_of_right(struct check *check, const struct service_config *service, size_t place,
	const char *what, const char *capability)
{
	const char *name = keys_find_service(place)->name;

	if (!check->host->is_root)
		complain(check->complaints, key_place_where(service, place), name,
			"%s needs root (or %s), and reeved is user %u", what, capability,
			(unsigned int)check->host->uid);
	else
		complain(check->complaints, key_place_where(service, place), name,
			"%s needs %s, which reeved does not have, though it is root", what,
			capability);
}

static void
check_nice(struct check *check, const struct service_config *service)
{
	const struct config_host *host = check->host;
	int64_t urgent = host->limits[CONFIG_RLIMIT_NICE].soft, nice = service->keys->nice;
	char what[64];

	if (!key_place_is_set(service, KEY_PLACE_nice) || nice >= host->nice ||
		has_right(host->host_rights, CAP_SYS_NICE) || urgent == CONFIG_UNLIMITED ||
		nice >= 20 - urgent)
		return;
	(void)snprintf(what, sizeof(what), "%" PRId64 ", below the %d of reeved itself,", nice,
		host->nice);
	complain_of_right(check, service, KEY_PLACE_nice, what, "CAP_SYS_NICE");
}

static void
check_oom_score(struct check *check, const struct service_config *service)
{
	const struct config_host *host = check->host;
	int64_t wanted = service->keys->oom_score_adjust;
	char what[64];

	if (!key_place_is_set(service, KEY_PLACE_oom_score_adjust) ||
		wanted >= host->oom_score_adjust || has_right(host->host_rights, CAP_SYS_RESOURCE))
		return;
	(void)snprintf(what, sizeof(what), "%" PRId64 ", below the %d of reeved itself,", wanted,
		host->oom_score_adjust);
	complain_of_right(check, service, KEY_PLACE_oom_score_adjust, what, "CAP_SYS_RESOURCE");
}

static void
check_cpu_scheduling(struct check *check, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	int64_t allowed = check->host->limits[CONFIG_RLIMIT_RTPRIO].soft;

	if (keys->cpu_scheduling_policy != CONFIG_CPU_FIFO &&
		keys->cpu_scheduling_policy != CONFIG_CPU_RR)
		return;
	if (keys->cpu_scheduling_priority == 0)
		complain(check->complaints,
			key_place_where(service, KEY_PLACE_cpu_scheduling_policy),
			"cpu_scheduling_policy",
			"fifo and rr have a priority: cpu_scheduling_priority=1 to 99 is wanted");
	else if (!has_right(check->host->host_rights, CAP_SYS_NICE) &&
		allowed != CONFIG_UNLIMITED && keys->cpu_scheduling_priority > allowed)
		complain_of_right(check, service, KEY_PLACE_cpu_scheduling_policy,
			"a real-time policy", "CAP_SYS_NICE");
}

static void
check_io_scheduling(struct check *check, const struct service_config *service)
{
	uint64_t rights = check->host->host_rights;

	if (service->keys->io_scheduling_class == CONFIG_IO_REALTIME &&
		!has_right(rights, CAP_SYS_ADMIN) && !has_right(rights, CAP_SYS_NICE))
		complain_of_right(check, service, KEY_PLACE_io_scheduling_class, "realtime",
			"CAP_SYS_ADMIN");
}

/* A limit of the service. */
struct limit {
	size_t place;
	size_t number; /* among rlimits.def */
	const char *text;
};

static bool
is_above(int64_t limit, int64_t most)
{
	return most != CONFIG_UNLIMITED && (limit == CONFIG_UNLIMITED || limit > most);
}

static void
check_limit(struct check *check, const struct service_config *service, const struct limit *limit)
{
	const struct config_host *host = check->host;
	const struct where *where = key_place_where(service, limit->place);
	const char *name = keys_find_service(limit->place)->name;
	int64_t ours = host->limits[limit->number].hard, soft, hard;
	char what[80];

	if (limit->text == NULL || !config_rlimit(limit->text, &soft, &hard))
		return;
	if (limit->number == CONFIG_RLIMIT_NOFILE && is_above(hard, host->descriptors_most)) {
		complain(check->complaints, where, name,
			"%s is more than the system allows anybody, %" PRId64 " (fs.nr_open)",
			limit->text, host->descriptors_most);
		return;
	}
	if (is_above(hard, ours) && !has_right(host->host_rights, CAP_SYS_RESOURCE)) {
		(void)snprintf(what, sizeof(what), "a hard limit above reeved's own, %" PRId64 ",",
			ours);
		complain_of_right(check, service, limit->place, what, "CAP_SYS_RESOURCE");
	}
	if ((limit->number == CONFIG_RLIMIT_AS || limit->number == CONFIG_RLIMIT_DATA ||
		    limit->number == CONFIG_RLIMIT_STACK) &&
		soft != CONFIG_UNLIMITED && soft < MEMORY_LEAST)
		complain(check->complaints, where, name,
			"no program starts with %" PRId64 " bytes; is a unit meant, %" PRId64 "M?",
			soft, soft);
}

static void
check_limits(struct check *check, const struct service_config *service)
{
	const struct limit limits[] = {
#define RLIMIT(word, name, standard, help) \
	{ KEY_PLACE_rlimit_##word, CONFIG_RLIMIT_##name, service->keys->rlimit_##word },
#include "config/rlimits.def"
#undef RLIMIT
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		check_limit(check, service, &limits[i]);
}

static void
complain_of_capability(struct check *check, const struct where *where, const char *name)
{
	static const char *const names[] = {
#define CAPABILITY(name, number) "CAP_" #name,
#include "config/capabilities.def"
#undef CAPABILITY
		NULL
	};
	char typed[64];
	const char *nearest;

	(void)snprintf(typed, sizeof(typed), "%s%s",
		strncasecmp(name, "CAP_", 4) == 0 ? "" : "CAP_", name);
	for (char *at = typed; *at != '\0'; at++)
		if (*at >= 'a' && *at <= 'z')
			*at = (char)(*at - 'a' + 'A');
	nearest = complaint_nearest(typed, names);
	complain(check->complaints, where, "capabilities", "there is no capability \"%.60s\"%s%s%s",
		name, nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "\"?" : "");
}

static void
check_capabilities(struct check *check, const struct service_config *service)
{
	const struct where *where = key_place_where(service, KEY_PLACE_capabilities);

	for (char **name = service->keys->capabilities; name != NULL && *name != NULL; name++) {
		int number = config_capability(*name);

		if (number < 0)
			complain_of_capability(check, where, *name);
		else if (has_right(check->host->capabilities, number))
			continue;
		else if (check->host->is_root)
			complain(check->complaints, where, "capabilities",
				"reeved itself does not have \"%s\", so no program can keep it",
				*name);
		else
			complain(check->complaints, where, "capabilities",
				"needs root: reeved is user %u and has no \"%s\" to leave to "
				"anybody",
				(unsigned int)check->host->uid, *name);
		return;
	}
}

void
check_service_rights(struct check *check, const struct service_config *service)
{
	if (service->keys->chroot != NULL && !has_right(check->host->capabilities, CAP_SYS_CHROOT))
		complain_of_right(check, service, KEY_PLACE_chroot, "another root folder",
			"CAP_SYS_CHROOT");
	check_nice(check, service);
	check_oom_score(check, service);
	check_cpu_scheduling(check, service);
	check_io_scheduling(check, service);
	check_limits(check, service);
	check_capabilities(check, service);
}
