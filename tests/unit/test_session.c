/* LINK: src/effects/session.o -lpthread */
/* SPDX-License-Identifier: ISC */
/* Signals for a session: all of it, nobody else. */
#include "effects/session.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#define WALKS_MAX 10000

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

/* Between taking SIGKILL and the first step of its end a process looks like any other. */
static void
walks_end_with_one_that_signals_nobody(void **state)
{
	int pipe_fd;
	pid_t pid = start_session(&pipe_fd);
	struct walk walk = walk_once(pid, SIGKILL);

	(void)state;
	assert_int_equal(walk.walk.sent, 2);
	(void)close(walk.kept_fd);
	for (int i = 0; i < WALKS_MAX && walk.walk.sent > 0; i++) {
		walk = walk_once(pid, SIGKILL);
		if (walk.kept_fd >= 0)
			(void)close(walk.kept_fd);
	}
	assert_int_equal(walk.walk.sent, 0);
	end_session(pid, pipe_fd);
}

/* As its first thread looks. */
static bool
is_zombie(pid_t pid)
{
	char path[64];
	char text[512] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	(void)fclose(file);
	return strstr(text, ") Z ") != NULL;
}

static void *
go_on(void *unused)
{
	for (;;)
		(void)pause();
	return unused;
}

static void
a_process_whose_first_thread_has_ended_is_signalled_too(void **state)
{
	struct walk walk;
	int status = 0;
	int pipe_fds[2];
	char byte;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		pthread_t other;

		(void)setsid();
		if (pthread_create(&other, NULL, go_on, NULL) != 0 ||
			write(pipe_fds[1], "x", 1) != 1)
			_exit(1);
		pthread_exit(NULL);
	}
	assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
	do
		walk = walk_once(pid, SIGCONT);
	while (walk.walk.sent == 1 && !is_zombie(pid));
	assert_int_equal(walk.walk.sent, 1);
	assert_int_equal(walk_once(pid, SIGKILL).walk.sent, 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
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
		cmocka_unit_test(walks_end_with_one_that_signals_nobody),
		cmocka_unit_test(a_process_whose_first_thread_has_ended_is_signalled_too),
		cmocka_unit_test(another_session_is_left_alone),
		cmocka_unit_test(a_member_that_lives_vouches_for_its_session),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
