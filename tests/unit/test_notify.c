/* SPDX-License-Identifier: ISC */
/* Sockets from a service manager, as sd_listen_fds(3) has them. */
/* LINK: src/effects/notify.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "effects/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_FD 3 /* SD_LISTEN_FDS_START */
#define PID_MAX_DIGITS 24

static void
hand_over(const char *pid, const char *count, const char *names)
{
	char own_pid[PID_MAX_DIGITS];

	(void)snprintf(own_pid, sizeof(own_pid), "%ld", (long)getpid());
	assert_int_equal(setenv("LISTEN_PID", pid != NULL ? pid : own_pid, 1), 0);
	assert_int_equal(setenv("LISTEN_FDS", count, 1), 0);
	if (names != NULL)
		assert_int_equal(setenv("LISTEN_FDNAMES", names, 1), 0);
}

static void
open_low_descriptors(int count)
{
	for (int i = 0; i < count; i++)
		assert_int_equal(dup2(STDOUT_FILENO, FIRST_FD + i), FIRST_FD + i);
}

static void
descriptors_come_with_their_names_and_close_on_exec(void **state)
{
	struct handed_socket *sockets = NULL;

	(void)state;
	open_low_descriptors(3);
	hand_over(NULL, "3", "echo::7/tcp");
	assert_int_equal(notify_take_sockets(&sockets), 3);
	assert_string_equal(sockets[0].name, "echo");
	assert_string_equal(sockets[1].name, "");
	assert_string_equal(sockets[2].name, "7/tcp");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(sockets[i].listen_fd, FIRST_FD + i);
		assert_int_equal(fcntl(FIRST_FD + i, F_GETFD), FD_CLOEXEC);
	}
	notify_free_sockets(sockets, 3);
	assert_int_equal(fcntl(FIRST_FD, F_GETFD), -1);
}

static void
without_names_they_are_unknown(void **state)
{
	struct handed_socket *sockets = NULL;

	(void)state;
	open_low_descriptors(1);
	hand_over(NULL, "1", NULL);
	assert_int_equal(notify_take_sockets(&sockets), 1);
	assert_string_equal(sockets[0].name, "unknown");
	notify_free_sockets(sockets, 1);
}

static void
what_was_meant_for_another_process_is_not_taken(void **state)
{
	struct handed_socket *sockets = NULL;

	(void)state;
	open_low_descriptors(1);
	hand_over("1", "1", "echo");
	assert_int_equal(notify_take_sockets(&sockets), 0);
	assert_int_equal(fcntl(FIRST_FD, F_GETFD), 0);
	assert_int_equal(close(FIRST_FD), 0);
}

static void
nobody_after_us_sees_the_variables(void **state)
{
	struct handed_socket *sockets = NULL;

	(void)state;
	hand_over(NULL, "x", "echo");
	(void)notify_take_sockets(&sockets);
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
	assert_int_equal(notify_take_sockets(&sockets), 0);
}

static void
variables_that_make_no_sense_are_an_error(void **state)
{
	static const struct {
		const char *pid, *count, *names;
		int error;
	} cases[] = {
		{ "", "1", NULL, -EINVAL },
		{ "12x", "1", NULL, -EINVAL },
		{ NULL, "", NULL, -EINVAL },
		{ NULL, "1 ", NULL, -EINVAL },
		{ NULL, "-1", NULL, -EINVAL },
		{ NULL, "99999999999999999999", NULL, -EINVAL },
		{ NULL, "1", "echo:daytime", -EINVAL },
		{ NULL, "2", "echo", -EINVAL },
		{ NULL, "900", NULL, -EBADF },
	};
	struct handed_socket *sockets = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		hand_over(cases[i].pid, cases[i].count, cases[i].names);
		assert_int_equal(notify_take_sockets(&sockets), cases[i].error);
		assert_null(sockets);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_come_with_their_names_and_close_on_exec),
		cmocka_unit_test(without_names_they_are_unknown),
		cmocka_unit_test(what_was_meant_for_another_process_is_not_taken),
		cmocka_unit_test(nobody_after_us_sees_the_variables),
		cmocka_unit_test(variables_that_make_no_sense_are_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
