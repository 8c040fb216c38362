/* SPDX-License-Identifier: ISC */
/* Go to the background the way a caller can rely on: the command returns when every port is
 * open and served, or with the reason why not. */
#include "supervisor/background.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

/* The caller's side: wait for one byte from the child, which is its exit status. */
static int
wait_for_child(int status_fd, pid_t child)
{
	unsigned char status = 1;
	ssize_t got;

	do
		got = read(status_fd, &status, 1);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		(void)waitpid(child, NULL, 0);
	return status;
}

int
background_enter(struct supervisor *supervisor, int *ret_exit_status)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child < 0)
		return -errno;
	if (child > 0) {
		(void)close(fds[1]);
		*ret_exit_status = wait_for_child(fds[0], child);
		return 1;
	}
	(void)close(fds[0]);
	if (setsid() < 0)
		return -errno;
	supervisor->status_fd = spawn_move_high(fds[1]);
	return supervisor->status_fd < 0 ? supervisor->status_fd : 0;
}

void
background_ready(struct supervisor *supervisor)
{
	const unsigned char success = 0;

	if (supervisor->status_fd < 0)
		return;
	for (int role = 0; role < 3; role++)
		(void)dup2(supervisor->null_fd, role);
	if (chdir("/") < 0 || write(supervisor->status_fd, &success, 1) != 1)
		LOG(system_error, .step = "background", .error = errno);
	(void)close(supervisor->status_fd);
	supervisor->status_fd = -1;
}
