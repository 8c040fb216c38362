/* LINK: @LOG src/effects/spawn.o src/effects/spawn_child.o src/effects/priv.o */
/* SPDX-License-Identifier: ISC */
/* Steps that fail, each one: no program is started, no child is left, and the step is named. The
 * kernel is made to refuse one system call, by a filter in a process that ends with the case. */
#include "effects/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#define REFUSED EADDRNOTAVAIL /* what none of these calls would say by itself */
#define ANY (-1)
#define CAPABILITY 13

/* One call, of any first argument or of that one, and the step that makes it. */
struct refusal {
	enum spawn_step step;
	long call;
	long first;
};

static const struct refusal refusals[] = {
	{ SPAWN_STEP_CLONE, SYS_clone, ANY },
	{ SPAWN_STEP_SESSION, SYS_setsid, ANY },
	{ SPAWN_STEP_OOM, SYS_openat, ANY },
	{ SPAWN_STEP_NICE, SYS_setpriority, ANY },
	{ SPAWN_STEP_SCHEDULER, SYS_sched_setscheduler, ANY },
	{ SPAWN_STEP_IO_PRIORITY, SYS_ioprio_set, ANY },
	{ SPAWN_STEP_ROOT, SYS_chroot, ANY },
	{ SPAWN_STEP_BOUNDING_SET, SYS_prctl, PR_CAPBSET_DROP },
	{ SPAWN_STEP_GROUPS, SYS_setgroups, ANY },
	{ SPAWN_STEP_GID, SYS_setresgid, ANY },
	{ SPAWN_STEP_KEEP_CAPABILITIES, SYS_prctl, PR_SET_KEEPCAPS },
	{ SPAWN_STEP_UID, SYS_setresuid, ANY },
	{ SPAWN_STEP_CAPABILITIES, SYS_capset, ANY },
	{ SPAWN_STEP_AMBIENT, SYS_prctl, PR_CAP_AMBIENT },
	{ SPAWN_STEP_CWD, SYS_chdir, ANY },
	{ SPAWN_STEP_NO_NEW_PRIVS, SYS_prctl, PR_SET_NO_NEW_PRIVS },
	{ SPAWN_STEP_SIGNALS, SYS_rt_sigprocmask, ANY },
	{ SPAWN_STEP_EXEC, SYS_execve, ANY },
};

static char true_path[] = "/bin/true";
static char *const true_argv[] = { true_path, NULL };
static char *const environment[] = { NULL };

static struct spawn_world
our_world(void)
{
	return (struct spawn_world){ .root = "/",
		.cwd = "/",
		.identity = { .uid = getuid(), .gid = getgid() },
		.capabilities = UINT64_C(1) << CAPABILITY,
		.bounding_drop = UINT64_C(1) << CAPABILITY };
}

static struct spawn_plan
plan_of(uint64_t steps, const struct spawn_world *world)
{
	return (struct spawn_plan){
		.path = true_path, .path_fd = -1, .argv = true_argv, .steps = steps, .world = world
	};
}

static int
run_with(const struct spawn_plan *plan, const int stdio[3], struct spawn_result *ret_result)
{
	const struct spawn_start start = { .fds = stdio, .fd_count = 3, .envp = environment };

	return spawn_run(plan, &start, ret_result);
}

static int
run(const struct spawn_plan *plan, int null_fd, struct spawn_result *ret_result)
{
	const int stdio[3] = { null_fd, null_fd, null_fd };

	return run_with(plan, stdio, ret_result);
}

static bool
refuse(long call, long first)
{
	bool is_any = first == ANY;
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)first, 0, is_any ? 0 : 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | REFUSED),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(filter), .filter = filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* In a process of its own: what its exit status says is 0 when all went as it should. */
static int
judge(const struct spawn_plan *plan, const struct refusal *refusal)
{
	auto_close int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct spawn_result result;
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid > 0) {
		assert_int_equal(waitpid(pid, &status, 0), pid);
		return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
	}
	if (!refuse(refusal->call, refusal->first))
		_exit(1);
	if (run(plan, null_fd, &result) != -REFUSED)
		_exit(2);
	if (result.failed_step != refusal->step || result.pid != -1)
		_exit(3);
	_exit(waitpid(-1, NULL, __WALL | WNOHANG) == -1 && errno == ECHILD ? 0 : 4);
}

static void
each_step_that_fails_means_no_start_and_is_named(void **state)
{
	const struct spawn_world world = our_world();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		enum spawn_step step = refusals[i].step;
		struct spawn_plan plan = plan_of(UINT64_C(1) << step, &world);
		int verdict = judge(&plan, &refusals[i]);

		if (verdict != 0)
			fail_msg("%s: %d", spawn_step_word(step), verdict);
	}
}

static void
a_step_that_is_not_asked_for_is_not_taken(void **state)
{
	const struct spawn_world world = our_world();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct spawn_plan plan = plan_of(0, &world);
		struct refusal refusal = refusals[i];

		if (refusal.step == SPAWN_STEP_CLONE || refusal.step == SPAWN_STEP_SIGNALS ||
			refusal.step == SPAWN_STEP_EXEC)
			continue; /* without which there is no start */
		if (judge(&plan, &refusal) != 2)
			fail_msg("%s is called", spawn_step_word(refusal.step));
	}
}

static void
a_limit_that_fails_has_the_name_of_its_key(void **state)
{
	static const struct spawn_limit limits[] = {
#define RLIMIT(word, name, ...) { SPAWN_STEP_RLIMIT_OF_##word, RLIMIT_##name, { 2, 1 } },
#include "config/rlimits.def"
#undef RLIMIT
	};
	static const char *const words[] = {
#define RLIMIT(word, ...) "rlimit_" #word,
#include "config/rlimits.def"
#undef RLIMIT
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct spawn_world world = { .limits = &limits[i], .limit_count = 1 };
		struct spawn_plan plan = plan_of(SPAWN_DO(LIMITS), &world);
		struct spawn_result result;

		assert_int_equal(run(&plan, STDIN_FILENO, &result), -EINVAL);
		assert_int_equal(result.failed_step, limits[i].step);
		assert_string_equal(spawn_step_word(result.failed_step), words[i]);
	}
}

static void
a_descriptor_that_is_not_open_fails_at_dup2(void **state)
{
	const int stdio[3] = { 3, 4, SPAWN_LOW_FDS - 1 };
	struct spawn_plan plan = plan_of(0, NULL);
	struct spawn_result result;

	(void)state;
	assert_int_equal(run_with(&plan, stdio, &result), -EBADF);
	assert_int_equal(result.failed_step, SPAWN_STEP_STDIO);
}

/* A kernel before 5.9 has none: the table is copied then. */
static void
without_close_range_programs_start_all_the_same(void **state)
{
	const struct refusal refusal = { SPAWN_STEP_DESCRIPTORS, SYS_close_range, ANY };
	struct spawn_plan plan = plan_of(0, NULL);

	(void)state;
	assert_int_equal(judge(&plan, &refusal), 2);
}

static void
a_go_between_that_cannot_clone_is_a_clone_that_failed(void **state)
{
	const struct refusal refusal = { SPAWN_STEP_CLONE, SYS_clone,
		CLONE_VM | CLONE_FILES | CLONE_VFORK | CLONE_PARENT | CLONE_PARENT_SETTID |
			CLONE_CHILD_CLEARTID | SIGCHLD };
	const struct spawn_world world = { .identity.uid = 12345 };
	struct spawn_plan plan = plan_of(SPAWN_DO(OOM) | SPAWN_DO(UID), &world);

	(void)state;
	assert_int_equal(judge(&plan, &refusal), 0);
}

static void
every_step_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < SPAWN_STEP_COUNT; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(spawn_step_word((enum spawn_step)i),
				spawn_step_word((enum spawn_step)j));
	assert_string_equal(spawn_step_word(SPAWN_STEP_COUNT), "unknown");
}

/* Whoever runs the tests may have left descriptors open: start as the daemon does. */
static int
start_clean(void **state)
{
	(void)state;
	return priv_clean_start();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_step_that_fails_means_no_start_and_is_named),
		cmocka_unit_test(a_step_that_is_not_asked_for_is_not_taken),
		cmocka_unit_test(a_limit_that_fails_has_the_name_of_its_key),
		cmocka_unit_test(a_descriptor_that_is_not_open_fails_at_dup2),
		cmocka_unit_test(without_close_range_programs_start_all_the_same),
		cmocka_unit_test(a_go_between_that_cannot_clone_is_a_clone_that_failed),
		cmocka_unit_test(every_step_has_a_name_of_its_own),
	};

	return cmocka_run_group_tests(tests, start_clean, NULL);
}
