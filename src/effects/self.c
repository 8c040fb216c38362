/* SPDX-License-Identifier: ISC */
/* What this process is. */
#include "effects/self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define CAPABILITY_BITS 64

static int
read_ids(struct self *self)
{
	int count = getgroups(0, NULL);

	if (count < 0 || getresuid(&self->uids[0], &self->uids[1], &self->uids[2]) < 0 ||
		getresgid(&self->gids[0], &self->gids[1], &self->gids[2]) < 0)
		return -errno;
	self->groups = calloc((size_t)count + 1, sizeof(gid_t));
	if (self->groups == NULL)
		return -ENOMEM;
	count = getgroups(count, self->groups);
	self->group_count = count > 0 ? (size_t)count : 0;
	return count < 0 ? -errno : 0;
}

static int
read_capabilities(struct capability_sets *sets)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	sets->effective = data[0].effective | (uint64_t)data[1].effective << 32;
	sets->permitted = data[0].permitted | (uint64_t)data[1].permitted << 32;
	sets->inheritable = data[0].inheritable | (uint64_t)data[1].inheritable << 32;
	for (int capability = 0; capability < CAPABILITY_BITS; capability++) {
		if (prctl(PR_CAPBSET_READ, capability, 0, 0, 0) > 0)
			sets->bounding |= UINT64_C(1) << capability;
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, capability, 0, 0) > 0)
			sets->ambient |= UINT64_C(1) << capability;
	}
	return 0;
}

static void
read_oom_score(struct self *self)
{
	char text[16] = "";
	auto_close int score_fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	self->knows_oom = score_fd >= 0 && read(score_fd, text, sizeof(text) - 1) > 0;
	self->oom_score_adjust = (int)strtol(text, NULL, 10);
}

static int
read_scheduling(struct self *self)
{
	struct sched_param param = { .sched_priority = 0 };

	errno = 0;
	self->nice = getpriority(PRIO_PROCESS, 0);
	if (self->nice == -1 && errno != 0)
		return -errno;
	self->policy = sched_getscheduler(0);
	if (self->policy < 0 || sched_getparam(0, &param) < 0)
		return -errno;
	self->priority = param.sched_priority;
	self->io_priority = (int)syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0);
	return 0;
}

int
self_read(struct self *ret_self)
{
	struct self self = { .nice = 0 };
	int error = read_ids(&self);

	if (error == 0)
		error = read_capabilities(&self.capabilities);
	if (error == 0)
		error = read_scheduling(&self);
	for (int resource = 0; error == 0 && resource < (int)RLIM_NLIMITS; resource++)
		if (getrlimit((__rlimit_resource_t)resource, &self.limits[resource]) < 0)
			error = -errno;
	if (error < 0) {
		self_fini(&self);
		return error;
	}
	read_oom_score(&self);
	self.has_no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) > 0;
	self.umask = umask(0);
	(void)umask(self.umask);
	self.cwd = getcwd(NULL, 0);
	*ret_self = self;
	return 0;
}

void
self_fini(struct self *self)
{
	free(self->groups);
	free(self->cwd);
	*self = (struct self){ .nice = 0 };
}

bool
self_may(const struct self *self, int capability)
{
	return (self->capabilities.effective >> capability & 1) != 0;
}

bool
self_has_uid(const struct self *self, uid_t uid)
{
	return self->uids[0] == uid && self->uids[1] == uid && self->uids[2] == uid;
}

bool
self_has_gid(const struct self *self, gid_t gid)
{
	return self->gids[0] == gid && self->gids[1] == gid && self->gids[2] == gid;
}

static bool
is_among(gid_t group, const gid_t *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return false;
}

bool
self_has_groups(const struct self *self, const gid_t *groups, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!is_among(groups[i], self->groups, self->group_count))
			return false;
	for (size_t i = 0; i < self->group_count; i++)
		if (!is_among(self->groups[i], groups, count))
			return false;
	return true;
}
