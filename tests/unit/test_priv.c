/* LINK: src/effects/priv.o */
/* SPDX-License-Identifier: ISC */
/* What is given to a program's user, and what is not. */
#include "effects/priv.h"

#include "base/util.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define GATE 65520
#define USER 54321

static uid_t
owner_of(int any_fd)
{
	struct stat status;

	assert_int_equal(fstat(any_fd, &status), 0);
	return status.st_uid;
}

static void
a_pipe_is_given_by_who_made_it_and_nobody_else(void **state)
{
	int pipe_fds[2];

	(void)state;
	if (!priv_is_root())
		skip();
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	assert_int_equal(priv_give_pipe(pipe_fds[0], GATE, USER), 0);
	assert_int_equal(owner_of(pipe_fds[0]), 0);
	assert_int_equal(priv_give_pipe(pipe_fds[0], 0, USER), 0);
	assert_int_equal(owner_of(pipe_fds[0]), USER);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
}

static void
a_fifo_in_a_folder_and_a_file_are_nobodys_to_give(void **state)
{
	char folder[] = "/tmp/test-priv-XXXXXX";
	char path[64];
	int any_fd;

	(void)state;
	if (!priv_is_root())
		skip();
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/it", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	any_fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(priv_give_pipe(any_fd, 0, USER), 0);
	assert_int_equal(owner_of(any_fd), 0);
	(void)close(any_fd);
	assert_int_equal(unlink(path), 0);
	any_fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_int_equal(priv_give_pipe(any_fd, 0, USER), 0);
	assert_int_equal(owner_of(any_fd), 0);
	(void)close(any_fd);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_is_given_by_who_made_it_and_nobody_else),
		cmocka_unit_test(a_fifo_in_a_folder_and_a_file_are_nobodys_to_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
