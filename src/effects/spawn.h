/* SPDX-License-Identifier: ISC */
/* Start a program. What has to be done between clone and exec is worked out when the
 * configuration is read, as a flat plan; the child executes it, looks nothing up, allocates
 * nothing, and shares the supervisor's memory until exec, so that the price does not grow
 * with the daemon. Nor does it grow with the daemon's descriptors: the child shares the table
 * too and leaves it with one close_range that copies what lies below SPAWN_LOW_FDS only, which
 * is why the supervisor keeps all that lives long at SPAWN_LOW_FDS and above. */
#ifndef REEVE_SPAWN_H
#define REEVE_SPAWN_H

#include "effects/priv.h"

#include <sys/types.h>

#define SPAWN_LOW_FDS 64

enum spawn_step {
	SPAWN_STEP_NONE,
#define STEP(name, word) SPAWN_STEP_##name,
#include "effects/spawn_steps.def"
#undef STEP
	SPAWN_STEP_COUNT
};

struct spawn_plan {
	const char *path; /* execve(2); or NULL and path_fd for execveat(2) */
	int path_fd;
	char *const *argv;
	const char *cwd;          /* NULL: ours */
	struct identity identity; /* its members are borrowed */
	int64_t descriptors;      /* soft RLIMIT_NOFILE; -1: leave */
	bool wants_no_new_privs;
	bool wants_no_capabilities; /* give up those held, inheritable and ambient */
	bool wants_no_bounding_set; /* and the chance to get any by an exec */
	bool wants_session;         /* setsid(2): no controlling terminal */
};

struct spawn_result {
	pid_t pid;
	enum spawn_step failed_step;
};

/* Run the plan with `stdio[i]` as descriptor i (all three >= 3, and below SPAWN_LOW_FDS) and
 * `envp`. Blocks until the child has called execve. 0, or -errno: then there is no child, and
 * `failed_step` says where it stopped. Must not be called with signals unblocked. */
int spawn_run(const struct spawn_plan *plan, const int stdio[3], char *const *envp,
	struct spawn_result *ret_result);

/* Move a descriptor out of the low range: the new one, or -errno and the old one stays. */
int spawn_move_high(int low_fd);

const char *spawn_step_word(enum spawn_step step);

#endif
