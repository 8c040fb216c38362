/* LINK: src/effects/session.o */
/* SPDX-License-Identifier: ISC */
/* Signals for a session: all of it, nobody else. */
#include "effects/session.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

struct walk {
	struct session_walk walk; /* first */
	pid_t session;
	int signo;
	int kept_fd;
	pid_t kept;
};

static int
signal_for(struct session_walk *walk, pid_t pid, pid_t session)
{
	const struct walk *mine = (struct walk *)walk;

	(void)pid;
	return session == mine->session ? mine->signo : 0;
}

static void
keep_member(struct session_walk *walk, pid_t pid, pid_t session, int *member_fd)
{
	struct walk *mine = (struct walk *)walk;

	if (pid == session || mine->kept_fd >= 0)
		return;
	mine->kept = pid;
	mine->kept_fd = util_take_fd(member_fd);
}

/* A session of its own with a child in a process group of its own; `ret_pipe_fd` ends when both
 * have. */
static pid_t
start_session(int *ret_pipe_fd)
{
	int pipe_fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)close(pipe_fds[0]);
		(void)setsid();
		if (fork() == 0)
			(void)setpgid(0, 0);
		if (write(pipe_fds[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	*ret_pipe_fd = pipe_fds[0];
	return pid;
}

static struct walk
walk_once(pid_t session, int signo)
{
	struct walk walk = {
		.walk = { .signal_for = signal_for, .was_sent = keep_member },
		.session = session,
		.signo = signo,
		.kept_fd = -1,
	};

	if (session_signal(&walk.walk) < 0)
		skip(); /* no /proc */
	return walk;
}

static void
end_session(pid_t pid, int pipe_fd)
{
	struct walk walk = walk_once(pid, SIGKILL);
	char byte;

	if (walk.kept_fd >= 0)
		(void)close(walk.kept_fd);
	assert_int_equal(read(pipe_fd, &byte, 1), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	(void)close(pipe_fd);
}

static void
every_process_of_a_session_is_signalled_in_whatever_group(void **state)
{
	int pipe_fd;
	pid_t pid = start_session(&pipe_fd);
	struct walk walk = walk_once(pid, SIGKILL);
	int status = 0;
	char byte;

	(void)state;
	assert_int_equal(walk.walk.sent, 2);
	assert_true(walk.walk.seen >= 3);
	assert_int_equal(read(pipe_fd, &byte, 1), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	(void)close(walk.kept_fd);
	(void)close(pipe_fd);
}

static void
who_is_ending_already_is_not_signalled_again(void **state)
{
	int pipe_fd;
	pid_t pid = start_session(&pipe_fd);
	struct walk walk = walk_once(pid, SIGKILL);
	struct walk again = walk_once(pid, SIGKILL);

	(void)state;
	assert_int_equal(walk.walk.sent, 2);
	assert_int_equal(again.walk.sent, 0);
	(void)close(walk.kept_fd);
	end_session(pid, pipe_fd);
}

static void
another_session_is_left_alone(void **state)
{
	int pipe_fd, other_pipe_fd;
	pid_t pid = start_session(&pipe_fd);
	pid_t other = start_session(&other_pipe_fd);

	(void)state;
	end_session(pid, pipe_fd);
	assert_int_equal(kill(other, 0), 0);
	assert_int_equal(waitpid(other, NULL, WNOHANG), 0);
	end_session(other, other_pipe_fd);
}

static void
a_member_that_lives_vouches_for_its_session(void **state)
{
	int pipe_fd;
	pid_t pid = start_session(&pipe_fd);
	struct walk walk = walk_once(pid, SIGCONT);
	char byte;

	(void)state;
	if (walk.kept_fd < 0)
		skip(); /* a kernel without pidfds */
	assert_true(session_has(pid, walk.kept, walk.kept_fd));
	assert_false(session_has(pid + 1, walk.kept, walk.kept_fd));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(session_has(pid, walk.kept, walk.kept_fd));
	assert_int_equal(walk_once(pid, SIGKILL).walk.sent, 1);
	assert_int_equal(read(pipe_fd, &byte, 1), 0);
	(void)close(walk.kept_fd);
	(void)close(pipe_fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_process_of_a_session_is_signalled_in_whatever_group),
		cmocka_unit_test(who_is_ending_already_is_not_signalled_again),
		cmocka_unit_test(another_session_is_left_alone),
		cmocka_unit_test(a_member_that_lives_vouches_for_its_session),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
