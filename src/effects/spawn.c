/* SPDX-License-Identifier: ISC */
/* From clone to exec. Everything in child_* runs in the child, in the supervisor's memory while
 * the supervisor waits for it: system calls only, made directly, because the C library's
 * wrappers of setuid and friends would speak to the supervisor's threads.
 *
 * The wait is ours and not CLONE_VFORK's where the child takes another's uid: from then on any
 * process of that uid may stop it, and vfork would hold the supervisor for as long as it likes.
 * Elsewhere the kernel's own wait is a tenth of the whole start cheaper. */
#include "effects/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define STACK_SIZE 65536
#define LOOK_NS 10000000L /* a start takes a tenth of this */
#define LOOKS_MAX 500

/* What the child needs and where it leaves word of its failure. */
struct child {
	const struct spawn_plan *plan;
	const int *stdio;
	char *const *envp;
	bool shares_descriptors;
	enum spawn_step step; /* the one being taken */
	int error;            /* of that step; 0: execve has taken over */
	pid_t in_our_memory;  /* cleared by the kernel, who wakes us, at exec and at exit */
};

static const char *const step_words[SPAWN_STEP_COUNT] = {
	[SPAWN_STEP_NONE] = "none",
#define STEP(name, word) [SPAWN_STEP_##name] = word,
#include "effects/spawn_steps.def"
#undef STEP
};

const char *
spawn_step_word(enum spawn_step step)
{
	return step < SPAWN_STEP_COUNT ? step_words[step] : "unknown";
}

static bool
child_set_up_descriptors(struct child *child)
{
	child->step = SPAWN_STEP_DESCRIPTORS;
	if (child->shares_descriptors &&
		syscall(SYS_close_range, SPAWN_LOW_FDS, ~0U, CLOSE_RANGE_UNSHARE) < 0)
		return false;
	child->step = SPAWN_STEP_STDIO;
	for (int role = 0; role < 3; role++)
		if (dup2(child->stdio[role], role) < 0)
			return false;
	return true;
}

static bool
child_set_up_place(struct child *child)
{
	const struct spawn_plan *plan = child->plan;
	struct rlimit limit;

	child->step = SPAWN_STEP_SESSION;
	if (plan->wants_session && setsid() < 0)
		return false;
	child->step = SPAWN_STEP_CWD;
	if (plan->cwd != NULL && chdir(plan->cwd) < 0)
		return false;
	child->step = SPAWN_STEP_LIMITS;
	if (plan->descriptors < 0)
		return true;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	limit.rlim_cur = (rlim_t)plan->descriptors;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Groups before gid before uid: each step takes away the right to the one before. */
static bool
child_become(struct child *child)
{
	const struct identity *who = &child->plan->identity;

	if (!who->is_set)
		return true;
	child->step = SPAWN_STEP_GROUPS;
	if (syscall(SYS_setgroups, who->group_count, who->groups) < 0)
		return false;
	child->step = SPAWN_STEP_GID;
	if (syscall(SYS_setresgid, who->gid, who->gid, who->gid) < 0)
		return false;
	child->step = SPAWN_STEP_UID;
	return syscall(SYS_setresuid, who->uid, who->uid, who->uid) == 0;
}

/* The bounding set can only be emptied by one who may; the rest is emptied by anybody. */
static bool
child_give_up_capabilities(struct child *child)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { .effective = 0 } };

	child->step = SPAWN_STEP_CAPABILITIES;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		return false;
	return syscall(SYS_capset, &header, none) == 0;
}

static bool
child_empty_bounding_set(struct child *child)
{
	child->step = SPAWN_STEP_CAPABILITIES;
	for (int capability = 0; capability < 64; capability++) {
		int held = prctl(PR_CAPBSET_READ, capability, 0, 0, 0);

		if (held < 0)
			return true; /* beyond the last that the kernel knows */
		if (held > 0 && prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 && errno != EPERM)
			return false;
	}
	return true;
}

static bool
child_drop_power(struct child *child)
{
	const struct spawn_plan *plan = child->plan;

	if (plan->wants_no_bounding_set && !child_empty_bounding_set(child))
		return false;
	if (!child_become(child))
		return false;
	if (plan->wants_no_capabilities && !child_give_up_capabilities(child))
		return false;
	child->step = SPAWN_STEP_NO_NEW_PRIVS;
	return !plan->wants_no_new_privs || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool
child_exec(struct child *child)
{
	const struct spawn_plan *plan = child->plan;
	sigset_t none;

	child->step = SPAWN_STEP_SIGNALS;
	(void)sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return false;
	child->step = SPAWN_STEP_EXEC;
	if (plan->path != NULL)
		(void)execve(plan->path, plan->argv, child->envp);
	else
		(void)syscall(SYS_execveat, plan->path_fd, "", plan->argv, child->envp,
			AT_EMPTY_PATH);
	return false;
}

static int
child_main(void *argument)
{
	struct child *child = argument;

	/* execve returns only to tell why not. */
	child->error = 0;
	if (child_set_up_descriptors(child) && child_set_up_place(child) && child_drop_power(child))
		(void)child_exec(child);
	child->error = errno;
	_exit(127);
}

/* A plan that executes a descriptor must still have it after close_range. */
static bool
may_share_descriptors(const struct spawn_plan *plan, const int stdio[3])
{
	for (int role = 0; role < 3; role++)
		if (stdio[role] >= SPAWN_LOW_FDS)
			return false;
	return plan->path != NULL || plan->path_fd < SPAWN_LOW_FDS;
}

/* Wait for that word to be cleared, at most so long: has it been? */
static bool
await_child(struct child *child, long patience_ns)
{
	const struct timespec patience = { .tv_nsec = patience_ns };
	pid_t seen;

	while ((seen = __atomic_load_n(&child->in_our_memory, __ATOMIC_ACQUIRE)) != 0)
		if (syscall(UTIL_SYS_FUTEX, &child->in_our_memory, FUTEX_WAIT, seen, &patience,
			    NULL, 0) < 0 &&
			errno == ETIMEDOUT)
			return false;
	return true;
}

/* A child that takes too long may have been stopped by one of its own uid: have it go on, again
 * and again; in the end it is ended. 0, or -ETIMEDOUT. */
static int
await_exec(struct child *child, pid_t pid)
{
	for (int look = 0; look < LOOKS_MAX; look++) {
		if (await_child(child, LOOK_NS))
			return 0;
		(void)kill(pid, SIGCONT);
	}
	(void)kill(pid, SIGKILL);
	while (!await_child(child, LOOK_NS))
		;
	return -ETIMEDOUT;
}

/* Whoever may stop root, or a process of our own uid, may as well stop us. */
static bool
can_be_stopped_by_others(const struct spawn_plan *plan)
{
	return plan->identity.is_set && plan->identity.uid != 0 && plan->identity.uid != geteuid();
}

static int
clone_child(struct child *child, pid_t *ret_pid)
{
	static _Alignas(16) char stack[STACK_SIZE];
	int flags = CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD;
	int error;
	pid_t pid;

	if (child->shares_descriptors)
		flags |= CLONE_FILES;
	if (!can_be_stopped_by_others(child->plan))
		flags |= CLONE_VFORK;
	child->step = SPAWN_STEP_CLONE;
	child->error = 0;
	child->in_our_memory = 1;
	pid = clone(child_main, stack + sizeof(stack), flags, child, NULL, NULL,
		&child->in_our_memory);
	if (pid < 0)
		return -errno;
	*ret_pid = pid;
	error = await_exec(child, pid);
	if (error == 0 && child->error == 0)
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return error < 0 ? error : -child->error;
}

int
spawn_run(const struct spawn_plan *plan, const int stdio[3], char *const *envp,
	struct spawn_result *ret_result)
{
	struct child child = { .plan = plan,
		.stdio = stdio,
		.envp = envp,
		.shares_descriptors = may_share_descriptors(plan, stdio) };
	pid_t pid = -1;
	int error = clone_child(&child, &pid);

	/* A kernel before 5.9, or a filter around us, has no close_range: copy the table then. */
	if (error < 0 && child.step == SPAWN_STEP_DESCRIPTORS && child.shares_descriptors) {
		child.shares_descriptors = false;
		error = clone_child(&child, &pid);
	}
	ret_result->pid = error < 0 ? -1 : pid;
	ret_result->failed_step = error < 0 ? child.step : SPAWN_STEP_NONE;
	return error;
}

int
spawn_move_high(int low_fd)
{
	int high_fd = fcntl(low_fd, F_DUPFD_CLOEXEC, SPAWN_LOW_FDS);

	if (high_fd < 0)
		return -errno;
	(void)close(low_fd);
	return high_fd;
}
