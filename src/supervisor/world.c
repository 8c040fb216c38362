/* SPDX-License-Identifier: ISC */
/* From keys to a world, and to the steps that lead there: each compares what is wanted with what
 * we are. */
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
static uint64_t
identity_steps(const struct self *self, const struct spawn_world *world)
{
	const struct identity *who = &world->identity;
	uint64_t steps = 0;

	if (!who->is_set)
		return 0;
	if (!self_has_groups(self, who->groups, who->group_count))
		steps |= SPAWN_DO(GROUPS);
	if (!self_has_gid(self, who->gid))
		steps |= SPAWN_DO(GID);
	if (!self_has_uid(self, who->uid))
		steps |= SPAWN_DO(UID);
	return steps;
}

static uint64_t
read_capabilities(const struct service_keys *keys)
{
	uint64_t kept = 0;

	for (char **name = keys->capabilities; name != NULL && *name != NULL; name++)
		kept |= UINT64_C(1) << config_capability(*name); /* which the check knows */
	return kept;
}

/* A program of root's keeps what root has, so that a login can become somebody else. */
static uint64_t
power_steps(const struct self *self, const struct spawn_world *world,
	const struct service_keys *keys)
{
	const struct capability_sets *ours = &self->capabilities;
	bool is_root = world->identity.is_set ? world->identity.uid == 0 : self->uids[1] == 0;
	uint64_t kept = world->capabilities;
	uint64_t steps = 0;

	if (keys->capabilities != NULL && world->bounding_drop != 0 && self_may(self, CAP_SETPCAP))
		steps |= SPAWN_DO(BOUNDING_SET);
	if ((!is_root || keys->capabilities != NULL) &&
		(kept | ours->permitted | ours->inheritable | ours->ambient) != 0)
		steps |= SPAWN_DO(CAPABILITIES);
	if (kept != 0)
		steps |= SPAWN_DO(AMBIENT);
	if (kept != 0 && !is_root && (identity_steps(self, world) & SPAWN_DO(UID)) != 0)
		steps |= SPAWN_DO(KEEP_CAPABILITIES);
	if (!self->has_no_new_privs &&
		(keys->no_new_privs == CONFIG_AUTO ? !is_root : keys->no_new_privs == CONFIG_YES))
		steps |= SPAWN_DO(NO_NEW_PRIVS);
	return steps;
}

static void
set_priorities(struct spawn_world *world, const struct service_keys *keys)
{
	/* In the order of the key's words. */
	static const int policies[] = { SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO,
		SCHED_RR };
	int64_t class = keys->io_scheduling_class; /* whose words are in the kernel's order */
	int64_t level = class == IOPRIO_CLASS_RT || class == IOPRIO_CLASS_BE
		? keys->io_scheduling_priority
		: 0;

	world->nice = (int)keys->nice;
	world->policy = policies[keys->cpu_scheduling_policy];
	world->priority = world->policy == SCHED_FIFO || world->policy == SCHED_RR
		? (int)keys->cpu_scheduling_priority
		: 0;
	world->io_priority = (int)(class << IOPRIO_CLASS_SHIFT | level);
	world->oom_score_adjust = (int)keys->oom_score_adjust;
}

static uint64_t
processor_steps(const struct program_maker *maker, const struct spawn_world *world,
	const struct service_config *service)
{
	const struct self *self = &maker->self;
	bool may = has_host_right(maker, CAP_SYS_NICE);
	uint64_t steps = 0;

	if (world->nice != self->nice &&
		(may || world->nice > self->nice || key_place_is_set(service, KEY_PLACE_nice)))
		steps |= SPAWN_DO(NICE);
	if ((world->policy != self->policy || world->priority != self->priority) &&
		(may || key_place_is_set(service, KEY_PLACE_cpu_scheduling_policy)))
		steps |= SPAWN_DO(SCHEDULER);
	return steps;
}

/* Some kernels give the class that follows from the nice value for one that was never set. */
static bool
has_io_priority(const struct self *self, int wanted)
{
	return self->io_priority == wanted ||
		(wanted == 0 && self->nice == 0 &&
			self->io_priority == IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_NORM));
}

static uint64_t
oom_score_steps(const struct program_maker *maker, const struct spawn_world *world,
	const struct service_config *service)
{
	const struct self *self = &maker->self;
	int wanted = world->oom_score_adjust;
	bool may = self->knows_oom &&
		(has_host_right(maker, CAP_SYS_RESOURCE) || wanted > self->oom_score_adjust);

	if (self->knows_oom && wanted == self->oom_score_adjust)
		return 0;
	return may || key_place_is_set(service, KEY_PLACE_oom_score_adjust) ? SPAWN_DO(OOM) : 0;
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

static uint64_t
place_steps(const struct self *self, const struct spawn_world *world)
{
	const char *have = world->root != NULL ? "/" : self->cwd;
	uint64_t steps = 0;

	if (world->umask != self->umask)
		steps |= SPAWN_DO(UMASK);
	if (world->root != NULL)
		steps |= SPAWN_DO(ROOT);
	if (have == NULL || strcmp(have, world->cwd) != 0)
		steps |= SPAWN_DO(CWD);
	return steps;
}

void
world_set(const struct program_maker *maker, struct spawn_world *world,
	const struct service_keys *keys)
{
	world->capabilities = read_capabilities(keys);
	world->bounding_drop = maker->self.capabilities.bounding & ~world->capabilities;
	set_priorities(world, keys);
	world->umask = (mode_t)keys->umask;
	world->root = keys->chroot;
	world->cwd = keys->cwd != NULL ? keys->cwd : "/";
}

uint64_t
world_steps(const struct program_maker *maker, const struct spawn_world *world,
	const struct service_config *service)
{
	const struct self *self = &maker->self;
	uint64_t steps = identity_steps(self, world) | power_steps(self, world, service->keys) |
		processor_steps(maker, world, service) | oom_score_steps(maker, world, service) |
		place_steps(self, world);

	if (!has_io_priority(self, world->io_priority))
		steps |= SPAWN_DO(IO_PRIORITY);
	if (world->limit_count > 0)
		steps |= SPAWN_DO(LIMITS);
	return steps;
}
