/* SPDX-License-Identifier: ISC */
/* The steps between clone and exec, in the supervisor's memory while the supervisor waits: system
 * calls only, made directly, because the C library's wrappers of setuid and friends would speak to
 * the supervisor's threads. What belongs to the memory and not to the process would become the
 * supervisor's too, so only one thing of the kind is changed here: with another uid it becomes
 * undumpable, and the supervisor stays so. */
#include "effects/spawn_child.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define CAPABILITY_BITS 64
#define OOM_TEXT_MAX 8

/* The numbers of the calls that take ids of 32 bits. On machines where ids once had 16, the plain
 * ones still take those: they would drop half of a larger id, and read a list of groups as one in
 * which every other group is root's. Here and not in util.h, for nobody else may call them. */
#ifdef SYS_setresuid32
#define CALL_SETGROUPS SYS_setgroups32
#define CALL_SETRESGID SYS_setresgid32
#define CALL_SETRESUID SYS_setresuid32
#else
#define CALL_SETGROUPS SYS_setgroups
#define CALL_SETRESGID SYS_setresgid
#define CALL_SETRESUID SYS_setresuid
#endif

static bool
leave_descriptors(struct child *child)
{
	return !child->shares_descriptors ||
		syscall(SYS_close_range, SPAWN_LOW_FDS, ~0U, CLOSE_RANGE_UNSHARE) == 0;
}

static void
write_pid(char *text)
{
	char digits[SPAWN_PID_TEXT_MAX];
	size_t at = sizeof(digits);
	unsigned int left = (unsigned int)getpid();

	digits[--at] = '\0';
	do
		digits[--at] = (char)('0' + left % 10);
	while ((left /= 10) > 0);
	memcpy(text, digits + at, sizeof(digits) - at);
}

static bool
set_stdio(struct child *child)
{
	const struct spawn_start *start = child->start;

	for (size_t i = 0; i < start->fd_count; i++)
		if (dup2(start->fds[i], (int)i) < 0)
			return false;
	if (start->pid_text != NULL)
		write_pid(start->pid_text);
	return true;
}

static bool
begin_session(struct child *child)
{
	(void)child;
	return setsid() >= 0;
}

/* Descriptor 0 becomes the session's controlling terminal. */
static bool
take_terminal(struct child *child)
{
	(void)child;
	return ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0;
}

/* Before the root changes, for there may be no /proc in the new one. */
static bool
set_oom_score(struct child *child)
{
	char text[OOM_TEXT_MAX];
	int score = child->world->oom_score_adjust;
	unsigned int rest = (unsigned int)(score < 0 ? -score : score);
	size_t at = sizeof(text);
	int score_fd;
	bool is_written;

	do
		text[--at] = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (score < 0)
		text[--at] = '-';
	score_fd = (int)syscall(SYS_openat, AT_FDCWD, "/proc/self/oom_score_adj",
		O_WRONLY | O_CLOEXEC);
	if (score_fd < 0)
		return false;
	is_written = syscall(SYS_write, score_fd, text + at, sizeof(text) - at) > 0;
	if (is_written)
		(void)close(score_fd);
	return is_written;
}

static bool
set_limits(struct child *child)
{
	const struct spawn_world *world = child->world;

	for (size_t i = 0; i < world->limit_count; i++) {
		child->step = world->limits[i].step;
		if (setrlimit((__rlimit_resource_t)world->limits[i].resource,
			    &world->limits[i].limit) < 0)
			return false;
	}
	return true;
}

static bool
set_nice(struct child *child)
{
	return setpriority(PRIO_PROCESS, 0, child->world->nice) == 0;
}

static bool
set_scheduler(struct child *child)
{
	const struct sched_param param = { .sched_priority = child->world->priority };

	return sched_setscheduler(0, child->world->policy, &param) >= 0;
}

static bool
set_io_priority(struct child *child)
{
	return syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, child->world->io_priority) == 0;
}

static bool
set_umask(struct child *child)
{
	(void)umask(child->world->umask);
	return true;
}

/* A working folder that is left outside would be a way out. */
static bool
change_root(struct child *child)
{
	return chroot(child->world->root) == 0 && chdir("/") == 0;
}

static bool
drop_bounding_set(struct child *child)
{
	for (int capability = 0; capability < CAPABILITY_BITS; capability++)
		if ((child->world->bounding_drop >> capability & 1) != 0 &&
			prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0)
			return false;
	return true;
}

/* Groups before gid before uid: each step takes away the right to the one before. */
static bool
set_groups(struct child *child)
{
	const struct identity *who = &child->world->identity;

	return syscall(CALL_SETGROUPS, who->group_count, who->groups) == 0;
}

static bool
set_gid(struct child *child)
{
	gid_t gid = child->world->identity.gid;

	return syscall(CALL_SETRESGID, gid, gid, gid) == 0;
}

/* Else the next step would take away what the one after it sets. */
static bool
keep_capabilities(struct child *child)
{
	(void)child;
	return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0;
}

/* From here on any process of that uid may send signals, and could trace a dumpable process, in our
 * memory. A signal that dumps core, taken as soon as the mask is open, would before Linux 5.16 end
 * all who share the memory. By itself the kernel makes it undumpable only as far as
 * fs.suid_dumpable says, which collectors of cores set to 2. */
static bool
set_uid(struct child *child)
{
	uid_t uid = child->world->identity.uid;

	return syscall(CALL_SETRESUID, uid, uid, uid) == 0 &&
		prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

/* An ambient capability that is no longer inheritable is gone with this too. */
static bool
set_capabilities(struct child *child)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2];

	for (int half = 0; half < 2; half++) {
		uint32_t kept = (uint32_t)(child->world->capabilities >> (32 * half));

		sets[half] = (struct __user_cap_data_struct){
			.effective = kept, .permitted = kept, .inheritable = kept
		};
	}
	return syscall(SYS_capset, &header, sets) == 0;
}

/* What lets a program of another user than root have them after the exec. */
static bool
raise_ambient(struct child *child)
{
	for (int capability = 0; capability < CAPABILITY_BITS; capability++)
		if ((child->world->capabilities >> capability & 1) != 0 &&
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0)
			return false;
	return true;
}

static bool
change_folder(struct child *child)
{
	return chdir(child->world->cwd) == 0;
}

static bool
set_no_new_privs(struct child *child)
{
	(void)child;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static bool
open_signals(struct child *child)
{
	sigset_t none;

	(void)child;
	(void)sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

static bool
execute(struct child *child)
{
	const struct spawn_plan *plan = child->plan;

	if (plan->path != NULL)
		(void)execve(plan->path, plan->argv, child->start->envp);
	else
		(void)syscall(SYS_execveat, plan->path_fd, "", plan->argv, child->start->envp,
			AT_EMPTY_PATH);
	return false;
}

static bool (*const steps[SPAWN_STEP_COUNT])(struct child *child) = {
#define STEP(name, word, function) [SPAWN_STEP_##name] = function,
#include "effects/spawn_steps.def"
#undef STEP
};

int
spawn_child_main(void *argument)
{
	struct child *child = argument;
	uint64_t taken = child->plan->steps | SPAWN_DO(DESCRIPTORS) | SPAWN_DO(STDIO) |
		SPAWN_DO(SIGNALS) | SPAWN_DO(EXEC);

	/* execve returns only to tell why not. */
	child->error = 0;
	for (size_t step = 0; step < SPAWN_STEP_COUNT; step++) {
		if ((taken >> step & 1) == 0 || steps[step] == NULL)
			continue;
		child->step = (enum spawn_step)step;
		if (!steps[step](child))
			break;
	}
	child->error = errno;
	_exit(127);
}
