/* LINK: @LOG src/effects/spawn.o src/effects/spawn_child.o src/effects/priv.o src/effects/self.o
 * src/effects/terminal.o */
/* SPDX-License-Identifier: ISC */
/* Starting programs: what the child finds, and that a step which fails is named. */
#include "effects/self.h"
#include "effects/spawn.h"
#include "effects/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <cmocka.h>

#define REPORT_MAX 8192

static char shell_path[] = "/bin/sh";
static char shell_name[] = "shell-by-another-name";
static char dash_c[] = "-c";
static char variable[] = "COLOUR=blue";
static char *const environment[] = { variable, NULL };

/* A plan that changes nothing of who we are. */
static struct spawn_plan
plain_plan(char *const *argv)
{
	return (struct spawn_plan){ .path = shell_path,
		.path_fd = -1,
		.argv = argv,
		.steps = SPAWN_DO(SESSION) | SPAWN_DO(NO_NEW_PRIVS) };
}

static int
run_with(const struct spawn_plan *plan, const int stdio[3], struct spawn_result *ret_result)
{
	const struct spawn_start start = { .fds = stdio, .fd_count = 3, .envp = environment };

	return spawn_run(plan, &start, ret_result);
}

/* Run `script` by `plan` with its output in a pipe; what it wrote, and its exit status. */
static int
run_script(struct spawn_plan *plan, const char *script, char report[REPORT_MAX])
{
	char copy[1024];
	char *argv[] = { shell_name, dash_c, copy, NULL };
	struct spawn_result result;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int pipe_fds[2];
	int status;
	size_t length = 0;
	ssize_t got;

	(void)snprintf(copy, sizeof(copy), "%s", script);
	plan->argv = argv;
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	const int stdio[3] = { null_fd, pipe_fds[1], pipe_fds[1] };

	assert_int_equal(run_with(plan, stdio, &result), 0);
	(void)close(pipe_fds[1]);
	while ((got = read(pipe_fds[0], report + length, REPORT_MAX - 1 - length)) > 0)
		length += (size_t)got;
	report[length] = '\0';
	(void)close(pipe_fds[0]);
	(void)close(null_fd);
	assert_int_equal(waitpid(result.pid, &status, 0), result.pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
the_program_runs_with_its_name_and_environment_only(void **state)
{
	char report[REPORT_MAX];
	struct spawn_plan plan = plain_plan(NULL);

	(void)state;
	assert_int_equal(run_script(&plan, "echo \"$0 $COLOUR $HOME\"; exit 3", report), 3);
	assert_string_equal(report, "shell-by-another-name blue \n");
}

static void
nothing_but_its_three_descriptors_is_open(void **state)
{
	char report[REPORT_MAX];
	struct spawn_plan plan = plain_plan(NULL);
	int leak_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int high_fd = spawn_move_high(open("/dev/null", O_RDONLY | O_CLOEXEC));

	(void)state;
	assert_true(high_fd >= SPAWN_LOW_FDS);
	/* ls opens the folder itself: that is the fourth. */
	assert_int_equal(run_script(&plan, "exec ls /proc/self/fd", report), 0);
	assert_string_equal(report, "0\n1\n2\n3\n");
	(void)close(leak_fd);
	(void)close(high_fd);
}

/* Beyond 0 to 2, wherever the copies lie: below SPAWN_LOW_FDS, or not. */
static void
further_descriptors_and_its_own_pid_are_the_childs(int lowest_fd)
{
	char report[REPORT_MAX];
	char pid_variable[32] = "LISTEN_PID=";
	char *const variables[] = { pid_variable, NULL };
	char script[] = "exec >&4; echo $LISTEN_PID $$; ls -l /proc/self/fd | grep -c zero";
	char *argv[] = { shell_name, dash_c, script, NULL };
	struct spawn_plan plan = plain_plan(argv);
	struct spawn_result result;
	int pipe_fds[2];
	int zero_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int fds[6];
	char wanted[64];
	ssize_t length;

	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = fcntl(i == 4 ? pipe_fds[1] : zero_fd, F_DUPFD_CLOEXEC, lowest_fd);
	const struct spawn_start start = { .fds = fds,
		.fd_count = ARRAY_SIZE(fds),
		.envp = variables,
		.pid_text = pid_variable + strlen(pid_variable) };

	assert_int_equal(spawn_run(&plan, &start, &result), 0);
	assert_int_equal(waitpid(result.pid, NULL, 0), result.pid);
	length = read(pipe_fds[0], report, REPORT_MAX - 1);
	assert_true(length > 0);
	report[length] = '\0';
	/* 1 became the pipe. */
	(void)snprintf(wanted, sizeof(wanted), "%d %d\n4\n", result.pid, result.pid);
	assert_string_equal(report, wanted);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		(void)close(fds[i]);
	(void)close(zero_fd);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

static void
further_descriptors_and_its_own_pid_reach_the_program(void **state)
{
	(void)state;
	further_descriptors_and_its_own_pid_are_the_childs(6);
	further_descriptors_and_its_own_pid_are_the_childs(SPAWN_LOW_FDS);
}

static void
our_own_descriptors_are_as_before(void **state)
{
	char report[REPORT_MAX];
	struct spawn_plan plan = plain_plan(NULL);
	int low_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int high_fd = spawn_move_high(open("/dev/zero", O_RDONLY | O_CLOEXEC));
	char byte = 1;

	(void)state;
	assert_int_equal(run_script(&plan, "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-", report), 0);
	assert_int_equal(read(low_fd, &byte, 1), 0);
	assert_int_equal(read(high_fd, &byte, 1), 1);
	assert_int_equal(byte, 0);
	(void)close(low_fd);
	(void)close(high_fd);
}

static void
it_leads_a_session_without_pending_or_blocked_signals(void **state)
{
	char report[REPORT_MAX];
	struct spawn_plan plan = plain_plan(NULL);
	sigset_t all;
	sigset_t before;

	(void)state;
	(void)sigfillset(&all);
	assert_int_equal(sigprocmask(SIG_SETMASK, &all, &before), 0);
	assert_int_equal(run_script(&plan,
				 "read pid name state parent group session rest </proc/$$/stat;"
				 "test $session = $$ && grep SigBlk /proc/self/status",
				 report),
		0);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	assert_non_null(strstr(report, "0000000000000000"));
}

static void
set_limit(struct spawn_plan *plan, struct spawn_world *world, const struct spawn_limit *limit)
{
	*world = (struct spawn_world){ .limits = limit, .limit_count = 1 };
	plan->world = world;
	plan->steps |= SPAWN_DO(LIMITS);
}

static void
no_new_privs_is_set(void **state)
{
	char report[REPORT_MAX];
	struct spawn_plan plan = plain_plan(NULL);

	(void)state;
	assert_int_equal(run_script(&plan, "grep NoNewPrivs /proc/self/status", report), 0);
	assert_string_equal(report, "NoNewPrivs:\t1\n");
}

static void
the_limits_are_those_of_the_plan(void **state)
{
	const struct spawn_limit limit = { SPAWN_STEP_RLIMIT_OF_files, RLIMIT_NOFILE, { 77, 78 } };
	char report[REPORT_MAX];
	struct spawn_world world;
	struct spawn_plan plan = plain_plan(NULL);

	(void)state;
	set_limit(&plan, &world, &limit);
	assert_int_equal(run_script(&plan, "ulimit -Sn; ulimit -Hn", report), 0);
	assert_string_equal(report, "77\n78\n");
}

/* Expect the start to fail at `step` with `error`, and leave no child. */
static void
assert_fails(const struct spawn_plan *plan, enum spawn_step step, int error)
{
	struct spawn_result result;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int stdio[3] = { null_fd, null_fd, null_fd };

	assert_int_equal(run_with(plan, stdio, &result), error);
	assert_int_equal(result.failed_step, step);
	assert_int_equal(result.pid, -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	(void)close(null_fd);
}

static void
a_missing_program_fails_at_execve(void **state)
{
	char *argv[] = { shell_name, NULL };
	struct spawn_plan plan = plain_plan(argv);

	(void)state;
	plan.path = "/nonexistent/program";
	assert_fails(&plan, SPAWN_STEP_EXEC, -ENOENT);
	assert_string_equal(spawn_step_word(SPAWN_STEP_EXEC), "execve");
}

static void
a_limit_that_cannot_be_set_means_no_start(void **state)
{
	const struct spawn_limit limit = { SPAWN_STEP_RLIMIT_OF_files, RLIMIT_NOFILE, { 78, 77 } };
	char *argv[] = { shell_name, NULL };
	struct spawn_world world;
	struct spawn_plan plan = plain_plan(argv);

	(void)state;
	set_limit(&plan, &world, &limit);
	assert_fails(&plan, SPAWN_STEP_RLIMIT_OF_files, -EINVAL);
	assert_string_equal(spawn_step_word(SPAWN_STEP_RLIMIT_OF_files), "rlimit_files");
}

static void
become(struct spawn_plan *plan, struct spawn_world *world, uid_t uid, gid_t gid, gid_t *group)
{
	*world = (struct spawn_world){ .identity = { .uid = uid,
					       .gid = gid,
					       .groups = group,
					       .group_count = 1,
					       .is_set = true } };
	plan->world = world;
	plan->steps |= SPAWN_DO(GROUPS) | SPAWN_DO(GID) | SPAWN_DO(UID);
}

static uint64_t
bounding_set(void)
{
	struct self self;
	uint64_t set;

	assert_int_equal(self_read(&self), 0);
	set = self.capabilities.bounding;
	self_fini(&self);
	return set;
}

static void
an_identity_that_cannot_be_taken_means_no_start(void **state)
{
	gid_t group = 12345;
	char *argv[] = { shell_name, NULL };
	struct spawn_world world;
	struct spawn_plan plan = plain_plan(argv);

	(void)state;
	if (priv_is_root()) {
		print_message("# SKIP root may become anybody\n");
		skip();
	}
	become(&plan, &world, 12345, 12345, &group);
	assert_fails(&plan, SPAWN_STEP_GROUPS, -EPERM);
}

static void
root_becomes_the_user_with_all_ids_and_no_way_back(void **state)
{
	gid_t group = 54321;
	char report[REPORT_MAX];
	struct spawn_world world;
	struct spawn_plan plan = plain_plan(NULL);

	(void)state;
	if (!priv_is_root()) {
		print_message("# SKIP only root can become somebody else\n");
		skip();
	}
	become(&plan, &world, 12345, 23456, &group);
	plan.steps |= SPAWN_DO(CAPABILITIES) | SPAWN_DO(BOUNDING_SET);
	world.bounding_drop = bounding_set();
	assert_int_equal(run_script(&plan, "grep -E '^(Uid|Gid|Groups|Cap)' /proc/self/status",
				 report),
		0);
	assert_non_null(strstr(report, "Uid:\t12345\t12345\t12345\t12345\n"));
	assert_non_null(strstr(report, "Gid:\t23456\t23456\t23456\t23456\n"));
	assert_non_null(strstr(report, "Groups:\t54321 \n"));
	assert_non_null(strstr(report, "CapEff:\t0000000000000000\n"));
	assert_non_null(strstr(report, "CapBnd:\t0000000000000000\n"));
}

/* Where fs.suid_dumpable is 0 the kernel would see to it alone. */
static void
another_users_start_leaves_our_memory_undumpable(void **state)
{
	enum { USER = 54321 };
	gid_t group = USER;
	static char true_path[] = "/bin/true";
	char *argv[] = { true_path, NULL };
	struct spawn_world world;
	struct spawn_plan plan = plain_plan(argv);
	struct spawn_result result;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	if (!priv_is_root())
		skip();
	plan.path = true_path;
	become(&plan, &world, USER, USER, &group);
	assert_int_equal(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
	assert_int_equal(run_with(&plan, (const int[3]){ null_fd, null_fd, null_fd }, &result), 0);
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_int_equal(waitpid(result.pid, NULL, 0), result.pid);
	(void)close(null_fd);
}

/* A process of that uid which stops whatever it may, until it is killed. */
static pid_t
start_stopper(uid_t uid)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	if (setresuid(uid, uid, uid) == 0)
		for (;;)
			(void)kill(-1, SIGSTOP);
	_exit(1);
}

static void
expect_not_to_be_held(uint64_t steps)
{
	enum { USER = 54321, STARTS = 20 };
	gid_t group = USER;
	static char true_path[] = "/bin/true";
	char *argv[] = { true_path, NULL };
	struct spawn_world world;
	struct spawn_plan plan = plain_plan(argv);
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	const int stdio[3] = { null_fd, null_fd, null_fd };
	pid_t stopper;

	if (!priv_is_root()) {
		print_message("# SKIP only root starts programs of others\n");
		skip();
	}
	plan.path = true_path;
	become(&plan, &world, USER, USER, &group);
	plan.steps |= steps;
	world.oom_score_adjust = 1000;
	stopper = start_stopper(USER);
	for (int i = 0; i < STARTS; i++) {
		struct spawn_result result;

		/* That it comes back at all is the claim. */
		if (run_with(&plan, stdio, &result) < 0)
			continue;
		(void)kill(result.pid, SIGKILL);
		assert_int_equal(waitpid(result.pid, NULL, 0), result.pid);
	}
	(void)kill(stopper, SIGKILL);
	assert_int_equal(waitpid(stopper, NULL, 0), stopper);
	(void)close(null_fd);
}

static void
a_process_of_the_programs_user_cannot_hold_us(void **state)
{
	(void)state;
	expect_not_to_be_held(0);
}

static void
nor_where_the_kernel_has_to_wait_for_the_childs_oom_score(void **state)
{
	(void)state;
	expect_not_to_be_held(SPAWN_DO(OOM));
}

static void
nothing_of_ours_changes(void **state)
{
	char report[REPORT_MAX];
	const struct spawn_world world = { .umask = 077,
		.cwd = "/usr",
		.nice = 11,
		.oom_score_adjust = 900,
		.io_priority = 3 << 13 };
	struct spawn_plan plan = plain_plan(NULL);
	struct self before, after;

	(void)state;
	assert_int_equal(self_read(&before), 0);
	plan.world = &world;
	plan.steps |= SPAWN_DO(UMASK) | SPAWN_DO(CWD) | SPAWN_DO(NICE) | SPAWN_DO(OOM) |
		SPAWN_DO(CAPABILITIES) | SPAWN_DO(IO_PRIORITY);
	assert_int_equal(run_script(&plan,
				 "umask; pwd; nice; cat /proc/self/oom_score_adj; ionice -p $$",
				 report),
		0);
	assert_string_equal(report, "0077\n/usr\n11\n900\nidle\n");
	assert_int_equal(self_read(&after), 0);
	assert_string_equal(before.cwd, after.cwd);
	assert_int_equal(before.umask, after.umask);
	assert_int_equal(before.nice, after.nice);
	assert_int_equal(before.oom_score_adjust, after.oom_score_adjust);
	assert_int_equal(before.io_priority, after.io_priority);
	assert_memory_equal(&before.capabilities, &after.capabilities, sizeof(before.capabilities));
	self_fini(&before);
	self_fini(&after);
}

static void
a_user_keeps_the_capabilities_of_the_plan_and_no_others(void **state)
{
	gid_t group = 54321;
	char report[REPORT_MAX];
	struct spawn_world world;
	struct spawn_plan plan = plain_plan(NULL);
	const char *line = report;

	(void)state;
	if (!priv_is_root()) {
		print_message("# SKIP only root can become somebody else\n");
		skip();
	}
	become(&plan, &world, 12345, 23456, &group);
	plan.steps |= SPAWN_DO(KEEP_CAPABILITIES) | SPAWN_DO(CAPABILITIES) | SPAWN_DO(AMBIENT) |
		SPAWN_DO(BOUNDING_SET);
	world.capabilities = 1 << 13;
	world.bounding_drop = bounding_set() & ~world.capabilities;
	assert_int_equal(run_script(&plan, "grep ^Cap /proc/self/status", report), 0);
	for (int set = 0; set < 5; set++) {
		line = strchr(line, '\t');
		assert_non_null(line);
		assert_memory_equal(++line, "0000000000002000\n", 17);
	}
}

static void
a_terminal_becomes_the_controlling_one(void **state)
{
	static char script[] = ": </dev/tty && echo mine";
	char *argv[] = { shell_name, dash_c, script, NULL };
	struct spawn_plan plan = plain_plan(argv);
	struct spawn_result result;
	char answer[16] = "";
	int master_fd;
	int slave_fd;
	int status;

	(void)state;
	plan.steps |= SPAWN_DO(TERMINAL);
	assert_int_equal(terminal_open((uid_t)-1, &master_fd, &slave_fd), 0);
	assert_int_equal(run_with(&plan, (const int[3]){ slave_fd, slave_fd, slave_fd }, &result),
		0);
	(void)close(slave_fd);
	assert_int_equal(read(master_fd, answer, sizeof(answer) - 1), 6);
	assert_string_equal(answer, "mine\r\n");
	assert_int_equal(waitpid(result.pid, &status, 0), result.pid);
	assert_int_equal(status, 0);
	(void)close(master_fd);
}

static void
what_is_no_terminal_means_no_start(void **state)
{
	static char script[] = "exit 0";
	char *argv[] = { shell_name, dash_c, script, NULL };
	struct spawn_plan plan = plain_plan(argv);
	struct spawn_result result;
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)state;
	plan.steps |= SPAWN_DO(TERMINAL);
	assert_int_equal(run_with(&plan, (const int[3]){ null_fd, null_fd, null_fd }, &result),
		-ENOTTY);
	assert_int_equal(result.failed_step, SPAWN_STEP_TERMINAL);
	(void)close(null_fd);
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
		cmocka_unit_test(the_program_runs_with_its_name_and_environment_only),
		cmocka_unit_test(nothing_but_its_three_descriptors_is_open),
		cmocka_unit_test(further_descriptors_and_its_own_pid_reach_the_program),
		cmocka_unit_test(our_own_descriptors_are_as_before),
		cmocka_unit_test(it_leads_a_session_without_pending_or_blocked_signals),
		cmocka_unit_test(no_new_privs_is_set),
		cmocka_unit_test(a_terminal_becomes_the_controlling_one),
		cmocka_unit_test(what_is_no_terminal_means_no_start),
		cmocka_unit_test(the_limits_are_those_of_the_plan),
		cmocka_unit_test(a_missing_program_fails_at_execve),
		cmocka_unit_test(a_limit_that_cannot_be_set_means_no_start),
		cmocka_unit_test(an_identity_that_cannot_be_taken_means_no_start),
		cmocka_unit_test(root_becomes_the_user_with_all_ids_and_no_way_back),
		cmocka_unit_test(another_users_start_leaves_our_memory_undumpable),
		cmocka_unit_test(a_process_of_the_programs_user_cannot_hold_us),
		cmocka_unit_test(nor_where_the_kernel_has_to_wait_for_the_childs_oom_score),
		cmocka_unit_test(nothing_of_ours_changes),
		cmocka_unit_test(a_user_keeps_the_capabilities_of_the_plan_and_no_others),
	};

	return cmocka_run_group_tests(tests, start_clean, NULL);
}
