/* SPDX-License-Identifier: ISC */
/* Processes by pid and birth. */
#include "effects/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define STAT_MAX 1024
#define BLANKS_TO_BIRTH 20 /* behind the name: field 22 of proc(5) */

uint64_t
process_birth(pid_t pid)
{
	char path[64];
	char text[STAT_MAX];
	const char *at;
	ssize_t length;
	auto_close int stat_fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	stat_fd = open(path, O_RDONLY | O_CLOEXEC);
	length = stat_fd < 0 ? -1 : read(stat_fd, text, sizeof(text) - 1);
	if (length <= 0)
		return 0;
	text[length] = '\0';
	/* The name may hold anything, also blanks and parentheses. */
	at = strrchr(text, ')');
	for (int i = 0; at != NULL && i < BLANKS_TO_BIRTH; i++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoull(at, NULL, 10) : 0;
}

int
process_open(pid_t pid, uint64_t birth)
{
	auto_close int pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pid_fd < 0)
		return -errno;
	/* Looked at behind the opening: what is born then is what was opened. */
	if (process_birth(pid) != birth)
		return -ESRCH;
	return util_take_fd(&pid_fd);
}
