/* SPDX-License-Identifier: ISC */
/* Clone a child, and wait until its steps (spawn_child.c) have led to an exec or to a failure.
 *
 * The wait is ours and not CLONE_VFORK's where the child takes another's uid: from then on any
 * process of that uid may stop it, and vfork would hold the supervisor for as long as it likes.
 * Elsewhere the kernel's own wait saves 12 of 200 us (tests/bench/RESULTS.md). */
#include "base/explain.h"
#include "effects/spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define STACK_SIZE 65536
#define GO_BETWEEN_STACK_SIZE 16384
#define LOOK_NS 10000000L /* a start takes a tenth of this */
#define LOOKS_MAX 500

static const char *const step_words[SPAWN_STEP_COUNT] = {
	[SPAWN_STEP_NONE] = "none",
#define STEP(name, word, function) [SPAWN_STEP_##name] = word,
#include "effects/spawn_steps.def"
#undef STEP
};

const char *
spawn_step_word(enum spawn_step step)
{
	return step < SPAWN_STEP_COUNT ? step_words[step] : "unknown";
}

/* A plan that executes a descriptor must still have it after close_range. */
static bool
may_share_descriptors(const struct spawn_plan *plan, const struct spawn_start *start)
{
	for (size_t i = 0; i < start->fd_count; i++)
		if (start->fds[i] >= SPAWN_LOW_FDS)
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

/* Not before it is there: 0 would mean our own group. */
static void
signal_child(struct child *child, int signo)
{
	pid_t pid = __atomic_load_n(&child->pid, __ATOMIC_ACQUIRE);

	if (pid > 0)
		(void)kill(pid, signo);
}

/* A child that takes too long may have been stopped by one of its own uid: have it go on, again
 * and again; in the end it is ended. 0, or -ETIMEDOUT. */
static int
await_exec(struct child *child)
{
	for (int look = 0; look < LOOKS_MAX; look++) {
		if (await_child(child, LOOK_NS))
			return 0;
		signal_child(child, SIGCONT);
	}
	signal_child(child, SIGKILL);
	while (!await_child(child, LOOK_NS))
		;
	return -ETIMEDOUT;
}

/* Whoever may stop root, or a process of our own uid, may as well stop us. */
static bool
can_be_stopped_by_others(const struct spawn_plan *plan)
{
	return (plan->steps & SPAWN_DO(UID)) != 0 && plan->world->identity.uid != 0 &&
		plan->world->identity.uid != geteuid();
}

/* What clone(2) says, and the child's pid in `child`. */
static int
clone_here(struct child *child)
{
	static _Alignas(16) char stack[STACK_SIZE];

	return clone(spawn_child_main, stack + sizeof(stack), child->clone_flags, child,
		&child->pid, NULL, &child->in_our_memory);
}

static int
go_between(void *argument)
{
	struct child *child = argument;

	if (clone_here(child) < 0) {
		child->error = errno;
		__atomic_store_n(&child->in_our_memory, 0, __ATOMIC_RELEASE);
	}
	_exit(0);
}

/* oom_score_adj is one value for all processes that share a memory, be they threads or not, so the
 * child would set ours. The kernel makes an exception of a child whose parent waits in vfork; and
 * where we must not wait like that, somebody in between can: a process of our own uid, that others
 * cannot stop either, and that has the child be ours. */
static int
clone_through_go_between(struct child *child)
{
	static _Alignas(16) char stack_between[GO_BETWEEN_STACK_SIZE];
	int flags = CLONE_VM | SIGCHLD | (child->clone_flags & CLONE_FILES);

	child->clone_flags |= CLONE_VFORK | CLONE_PARENT;
	return clone(go_between, stack_between + sizeof(stack_between), flags, child);
}

static void
reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

static int
clone_child(struct child *child)
{
	bool is_open_to_others = can_be_stopped_by_others(child->plan);
	bool has_go_between = is_open_to_others && (child->plan->steps & SPAWN_DO(OOM)) != 0;
	int error;
	pid_t pid;

	child->clone_flags = CLONE_VM | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
	if (child->shares_descriptors)
		child->clone_flags |= CLONE_FILES;
	if (!is_open_to_others)
		child->clone_flags |= CLONE_VFORK;
	child->step = SPAWN_STEP_CLONE;
	child->error = 0;
	child->in_our_memory = 1;
	child->pid = 0;
	pid = has_go_between ? clone_through_go_between(child) : clone_here(child);
	if (pid < 0)
		return -errno;
	error = await_exec(child);
	if (has_go_between)
		reap(pid); /* it ends with the wait, and we want its stack back */
	if (error == 0 && child->error == 0)
		return 0;
	if (child->pid > 0)
		reap(child->pid);
	return error < 0 ? error : -child->error;
}

int
spawn_run(const struct spawn_plan *plan, const struct spawn_start *start,
	struct spawn_result *ret_result)
{
	struct child child = { .plan = plan,
		.world = plan->world,
		.start = start,
		.shares_descriptors = may_share_descriptors(plan, start) };
	int error = clone_child(&child);

	/* A kernel before 5.9, or a filter around us, has no close_range: copy the table then. */
	if (error < 0 && child.step == SPAWN_STEP_DESCRIPTORS && child.shares_descriptors) {
		child.shares_descriptors = false;
		error = clone_child(&child);
	}
	if (error == 0) {
		EXPLAIN(start_program, .pid = child.pid);
		EXPLAIN(exec, .path = plan->path != NULL ? plan->path : plan->argv[0],
			.pid = child.pid);
	}
	ret_result->pid = error < 0 ? -1 : child.pid;
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
