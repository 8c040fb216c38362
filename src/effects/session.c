/* SPDX-License-Identifier: ISC */
/* Walking over /proc, and signals by pidfd. */
#include "effects/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#define STAT_MAX 1024
#define FIELD_SESSION 6
#define FIELD_FLAGS 9
#define FIELD_THREADS 20
#define FIELD_PENDING 31
#define FLAG_EXITING 4UL /* the kernel's PF_EXITING */

/* What /proc/PID/stat says. */
struct process {
	pid_t session;
	bool is_ending; /* or a zombie, or SIGKILL is on its way */
};

/* The field of that number, counted as proc(5) does; `at` is the blank before the third. 0 if there
 * are not so many. */
static unsigned long
read_field(const char *at, int number)
{
	for (int i = 3; at != NULL && i < number; i++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoul(at, NULL, 10) : 0;
}

static bool
parse_stat(const char *text, struct process *ret_process)
{
	/* "pid (name) state ...": the name may hold anything, also blanks and parentheses. */
	const char *end_of_name = strrchr(text, ')');
	const char *state = end_of_name != NULL ? strchr(end_of_name, ' ') : NULL;
	bool is_over;

	if (state == NULL)
		return false;
	ret_process->session = (pid_t)read_field(state, FIELD_SESSION);
	/* All of this is of its first thread; the others may go on without it. */
	is_over = state[1] == 'Z' || state[1] == 'X' ||
		(read_field(state, FIELD_FLAGS) & FLAG_EXITING) != 0;
	ret_process->is_ending = (is_over && read_field(state, FIELD_THREADS) <= 1) ||
		(read_field(state, FIELD_PENDING) & 1UL << (SIGKILL - 1)) != 0;
	return true;
}

static bool
look(int proc_fd, const char *pid_text, struct process *ret_process)
{
	char path[32];
	char text[STAT_MAX];
	ssize_t length;
	auto_close int stat_fd = -1;

	(void)snprintf(path, sizeof(path), "%.20s/stat", pid_text);
	stat_fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (stat_fd < 0)
		return false;
	length = read(stat_fd, text, sizeof(text) - 1);
	if (length <= 0)
		return false;
	text[length] = '\0';
	return parse_stat(text, ret_process);
}

static int
send_signal(int member_fd, pid_t pid, int signo)
{
	long result = member_fd >= 0 ? syscall(SYS_pidfd_send_signal, member_fd, signo, NULL, 0)
				     : kill(pid, signo);

	return result < 0 ? -errno : 0;
}

/* The pidfd is of whoever has the number now; if that one is of the session, it is the one. */
static void
signal_one(struct session_walk *walk, int proc_fd, const char *pid_text, int signo)
{
	pid_t pid = (pid_t)strtol(pid_text, NULL, 10);
	auto_close int member_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct process process;

	if (member_fd < 0 && errno != ENOSYS && errno != EPERM && errno != EMFILE)
		return;
	if (!look(proc_fd, pid_text, &process) || process.is_ending ||
		walk->signal_for(walk, pid, process.session) != signo)
		return;
	if (send_signal(member_fd, pid, signo) < 0)
		return;
	walk->sent++;
	if (walk->was_sent != NULL)
		walk->was_sent(walk, pid, process.session, &member_fd);
}

int
session_signal(struct session_walk *walk)
{
	DIR *folder = opendir("/proc");
	const struct dirent *entry;

	walk->seen = walk->sent = 0;
	if (folder == NULL)
		return -errno;
	while ((entry = readdir(folder)) != NULL) {
		struct process process;
		int signo;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9' ||
			!look(dirfd(folder), entry->d_name, &process))
			continue;
		walk->seen++;
		signo = process.is_ending
			? 0
			: walk->signal_for(walk, (pid_t)strtol(entry->d_name, NULL, 10),
				  process.session);
		if (signo != 0)
			signal_one(walk, dirfd(folder), entry->d_name, signo);
	}
	(void)closedir(folder);
	return 0;
}

bool
session_has(pid_t session, pid_t pid, int member_fd)
{
	return getsid(pid) == session && send_signal(member_fd, pid, 0) == 0;
}
