/* SPDX-License-Identifier: ISC */
/* From keys to the steps of a plan: each compares what is wanted with what we are. */
#include "supervisor/world.h"

#include "config/key_place.h"
#include "config/keys.h"
#include "config/meaning.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <string.h>

/* A key of rlimits.def. */
struct limit_row {
	size_t offset; /* of its text in struct service_keys */
	enum spawn_step step;
	int resource;
};

static const struct limit_row limit_rows[] = {
#define RLIMIT(word, name, ...)                                                      \
	{ offsetof(struct service_keys, rlimit_##word), SPAWN_STEP_RLIMIT_OF_##word, \
		RLIMIT_##name },
#include "config/rlimits.def"
#undef RLIMIT
};

/* The host's own: in a user namespace root has none. */
static bool
has_host_right(const struct program_maker *maker, int capability)
{
	return (maker->host_rights >> capability & 1) != 0;
}

/* Only a child that is to be somebody else takes these steps, and each alone only if need be. */
static void
plan_identity(const struct self *self, struct spawn_plan *plan)
{
	const struct identity *who = &plan->identity;

	if (!who->is_set)
		return;
	if (!self_has_groups(self, who->groups, who->group_count))
		plan->steps |= SPAWN_DO(GROUPS);
	if (!self_has_gid(self, who->gid))
		plan->steps |= SPAWN_DO(GID);
	if (!self_has_uid(self, who->uid))
		plan->steps |= SPAWN_DO(UID);
}

static uint64_t
read_capabilities(const struct service_config *service)
{
	uint64_t kept = 0;

	for (char **name = service->keys->capabilities; name != NULL && *name != NULL; name++)
		kept |= UINT64_C(1) << config_capability(*name); /* which the check knows */
	return kept;
}

/* A program of root's keeps what root has, so that a login can become somebody else. */
static void
plan_power(const struct self *self, struct spawn_plan *plan, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	const struct capability_sets *ours = &self->capabilities;
	bool is_root = plan->identity.is_set ? plan->identity.uid == 0 : self->uids[1] == 0;
	uint64_t kept = read_capabilities(service);

	plan->capabilities = kept;
	plan->bounding_drop = ours->bounding & ~kept;
	if (keys->capabilities != NULL && plan->bounding_drop != 0 && self_may(self, CAP_SETPCAP))
		plan->steps |= SPAWN_DO(BOUNDING_SET);
	if ((!is_root || keys->capabilities != NULL) &&
		(kept | ours->permitted | ours->inheritable | ours->ambient) != 0)
		plan->steps |= SPAWN_DO(CAPABILITIES);
	if (kept != 0)
		plan->steps |= SPAWN_DO(AMBIENT);
	if (kept != 0 && !is_root && (plan->steps & SPAWN_DO(UID)) != 0)
		plan->steps |= SPAWN_DO(KEEP_CAPABILITIES);
	if (!self->has_no_new_privs &&
		(keys->no_new_privs == CONFIG_AUTO ? !is_root : keys->no_new_privs == CONFIG_YES))
		plan->steps |= SPAWN_DO(NO_NEW_PRIVS);
}

static void
plan_processor(const struct program_maker *maker, struct spawn_plan *plan,
	const struct service_config *service)
{
	static const int policies[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO,
		SCHED_RR }; /* in the order of the key's words */
	const struct service_keys *keys = service->keys;
	const struct self *self = &maker->self;
	bool may = has_host_right(maker, CAP_SYS_NICE);

	plan->nice = (int)keys->nice;
	if (plan->nice != self->nice &&
		(may || plan->nice > self->nice || key_place_is_set(service, KEY_PLACE_nice)))
		plan->steps |= SPAWN_DO(NICE);
	plan->policy = policies[keys->cpu_scheduling_policy];
	plan->priority = plan->policy == SCHED_FIFO || plan->policy == SCHED_RR
		? (int)keys->cpu_scheduling_priority
		: 0;
	if ((plan->policy != self->policy || plan->priority != self->priority) &&
		(may || key_place_is_set(service, KEY_PLACE_cpu_scheduling_policy)))
		plan->steps |= SPAWN_DO(SCHEDULER);
}

/* Some kernels give the class that follows from the nice value for one that was never set. */
static bool
has_io_priority(const struct self *self, int wanted)
{
	return self->io_priority == wanted ||
		(wanted == 0 && self->nice == 0 &&
			self->io_priority == IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_NORM));
}

static void
plan_disk(const struct self *self, struct spawn_plan *plan, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	int64_t class = keys->io_scheduling_class; /* the key's words are in the kernel's order */
	int64_t level = class == IOPRIO_CLASS_RT || class == IOPRIO_CLASS_BE
		? keys->io_scheduling_priority
		: 0;

	plan->io_priority = (int)(class << IOPRIO_CLASS_SHIFT | level);
	if (!has_io_priority(self, plan->io_priority))
		plan->steps |= SPAWN_DO(IO_PRIORITY);
}

static void
plan_oom_score(const struct program_maker *maker, struct spawn_plan *plan,
	const struct service_config *service)
{
	const struct self *self = &maker->self;
	bool is_own_wish = key_place_is_set(service, KEY_PLACE_oom_score_adjust);

	plan->oom_score_adjust = (int)service->keys->oom_score_adjust;
	if (self->knows_oom ? plan->oom_score_adjust != self->oom_score_adjust &&
				(has_host_right(maker, CAP_SYS_RESOURCE) || is_own_wish ||
					plan->oom_score_adjust > self->oom_score_adjust)
			    : is_own_wish)
		plan->steps |= SPAWN_DO(OOM);
}

static rlim_t
to_rlim(int64_t limit)
{
	return limit == CONFIG_UNLIMITED ? RLIM_INFINITY : (rlim_t)limit;
}

/* What the key says; for descriptors else what we were started with, before we took more. */
static bool
wanted_limit(const struct program_maker *maker, const struct service_keys *keys,
	const struct limit_row *row, struct rlimit *ret_limit)
{
	const char *text = *(char *const *)(const void *)((const char *)keys + row->offset);
	int64_t soft, hard;

	if (text == NULL && row->resource == RLIMIT_NOFILE)
		*ret_limit = maker->supervisor->files_before;
	else if (text != NULL && config_rlimit(text, &soft, &hard))
		*ret_limit = (struct rlimit){ to_rlim(soft), to_rlim(hard) };
	else
		return false;
	return true;
}

int
world_limits(const struct program_maker *maker, const struct service_keys *keys,
	struct spawn_limit **ret_limits, size_t *ret_count)
{
	struct spawn_limit limits[ARRAY_SIZE(limit_rows)];
	struct spawn_limit *kept;
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(limit_rows); i++) {
		const struct limit_row *row = &limit_rows[i];
		const struct rlimit *ours = &maker->self.limits[row->resource];
		struct rlimit wanted;

		if (!wanted_limit(maker, keys, row, &wanted) ||
			(wanted.rlim_cur == ours->rlim_cur && wanted.rlim_max == ours->rlim_max))
			continue;
		limits[count++] = (struct spawn_limit){
			.step = row->step, .resource = row->resource, .limit = wanted
		};
	}
	if (count == 0)
		return 0;
	kept = calloc(count, sizeof(*kept));
	if (kept == NULL)
		return -ENOMEM;
	memcpy(kept, limits, count * sizeof(*kept));
	*ret_limits = kept;
	*ret_count = count;
	return 0;
}

static void
plan_place(const struct self *self, struct spawn_plan *plan, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	const char *have = self->cwd;

	plan->umask = (mode_t)keys->umask;
	if (plan->umask != self->umask)
		plan->steps |= SPAWN_DO(UMASK);
	if (keys->chroot != NULL) {
		plan->root = keys->chroot;
		plan->steps |= SPAWN_DO(ROOT);
		have = "/";
	}
	plan->cwd = keys->cwd != NULL ? keys->cwd : "/";
	if (have == NULL || strcmp(have, plan->cwd) != 0)
		plan->steps |= SPAWN_DO(CWD);
}

void
world_plan(const struct program_maker *maker, struct spawn_plan *plan,
	const struct service_config *service)
{
	plan_identity(&maker->self, plan);
	plan_power(&maker->self, plan, service);
	plan_processor(maker, plan, service);
	plan_disk(&maker->self, plan, service);
	plan_oom_score(maker, plan, service);
	plan_place(&maker->self, plan, service);
}
