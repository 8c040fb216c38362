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

#include <sys/resource.h>
#include <sys/types.h>

#define SPAWN_LOW_FDS 64

enum spawn_step {
	SPAWN_STEP_NONE,
#define STEP(name, word, function) SPAWN_STEP_##name,
#include "effects/spawn_steps.def"
#undef STEP
	SPAWN_STEP_COUNT
};

/* In `steps` of a plan: take that step. Those without which there is no start (descriptors 0 to 2,
 * signals, exec) are always taken. */
#define SPAWN_DO(name) (UINT64_C(1) << SPAWN_STEP_##name)
_Static_assert(SPAWN_STEP_COUNT <= 64, "a step is a bit");

struct spawn_limit {
	enum spawn_step step; /* the name of its failure */
	int resource;
	struct rlimit limit;
};

/* Whom programs run as, with what power, limits, priorities, and where. Everything is borrowed. A
 * field counts if the step before its name is to be taken. */
struct spawn_world {
	int nice;   /* NICE */
	int policy; /* SCHEDULER */
	int priority;
	int io_priority;          /* IO_PRIORITY: as ioprio_set(2) takes it */
	int oom_score_adjust;     /* OOM */
	mode_t umask;             /* UMASK */
	const char *root;         /* ROOT */
	const char *cwd;          /* CWD: inside of that root, with the rights of the user */
	struct identity identity; /* GROUPS, GID, UID */
	uint64_t capabilities;    /* CAPABILITIES: those held, inheritable; AMBIENT: to be raised */
	uint64_t bounding_drop;   /* BOUNDING_SET: out of it */
	const struct spawn_limit *limits; /* LIMITS */
	size_t limit_count;
};

/* How one program is started. Everything is borrowed; many plans may share a world. */
struct spawn_plan {
	const char *path; /* execve(2); or NULL and path_fd for execveat(2) */
	int path_fd;
	char *const *argv;
	uint64_t steps; /* SPAWN_DO(...) | ...; SESSION, TERMINAL, NO_NEW_PRIVS need no more */
	const struct spawn_world *world; /* NULL: none of these steps needs it */
};

#define SPAWN_PID_TEXT_MAX 12 /* with its NUL */

/* What one start adds to the plan. */
struct spawn_start {
	const int *fds;  /* fds[i] becomes descriptor i; none of them is below fd_count */
	size_t fd_count; /* 3 at least */
	char *const *envp;
	char *pid_text; /* the child writes its own pid here, in digits; NULL: nobody asks */
};

struct spawn_result {
	pid_t pid;
	enum spawn_step failed_step;
};

/* Run the plan. Blocks until the child has called execve. 0, or -errno: then there is no child,
 * and `failed_step` says where it stopped. Must not be called with signals unblocked. With one of
 * the descriptors at SPAWN_LOW_FDS or above it works, at the price of all that are open. */
int spawn_run(const struct spawn_plan *plan, const struct spawn_start *start,
	struct spawn_result *ret_result);

/* Move a descriptor out of the low range: the new one, or -errno and the old one stays. */
int spawn_move_high(int low_fd);

const char *spawn_step_word(enum spawn_step step);

#endif
