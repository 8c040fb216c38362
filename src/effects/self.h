/* SPDX-License-Identifier: ISC */
/* What this process is: what a child of it has if nothing is done about it. Read when plans are
 * made, so that they leave out what would change nothing, and try nothing that is not ours to
 * do. */
#ifndef REEVE_SELF_H
#define REEVE_SELF_H

#include "base/util.h"

#include <sys/resource.h>
#include <sys/types.h>

/* Each a set: bit n is the capability of that number. */
struct capability_sets {
	uint64_t effective;
	uint64_t permitted;
	uint64_t inheritable;
	uint64_t ambient;
	uint64_t bounding;
};

struct self {
	uid_t uids[3]; /* real, effective, saved */
	gid_t gids[3];
	gid_t *groups; /* owned */
	size_t group_count;
	struct capability_sets capabilities;
	bool has_no_new_privs;
	int nice;
	int policy;
	int priority;
	int io_priority; /* as ioprio_get(2) gives it; -1: unknown */
	bool knows_oom;  /* there may be no /proc */
	int oom_score_adjust;
	mode_t umask;
	char *cwd; /* owned; NULL: none, it was removed */
	struct rlimit limits[RLIM_NLIMITS];
};

/* 0 or -errno. */
int self_read(struct self *ret_self);
void self_fini(struct self *self);

bool self_may(const struct self *self, int capability);

/* Has it these ids three times, these groups in whatever order? */
bool self_has_uid(const struct self *self, uid_t uid);
bool self_has_gid(const struct self *self, gid_t gid);
bool self_has_groups(const struct self *self, const gid_t *groups, size_t count);

#endif
