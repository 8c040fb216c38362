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
#define FIELD_PENDING 31

/* What /proc/PID/stat says. */
struct process {
	pid_t session;
	bool is_ending; /* a zombie, or SIGKILL is on its way */
};

/* The blank before the field of that number, counted as proc(5) does, where `at` is the one before
 * the third. NULL: there are not so many. */
static const char *
find_field(const char *at, int number)
{
	for (int i = 3; at != NULL && i < number; i++)
		at = strchr(at + 1, ' ');
	return at;
}

static bool
parse_stat(const char *text, struct process *ret_process)
{
	/* "pid (name) state ...": the name may hold anything, also blanks and parentheses. */
	const char *end_of_name = strrchr(text, ')');
	const char *state = end_of_name != NULL ? strchr(end_of_name, ' ') : NULL;
	const char *session = find_field(state, FIELD_SESSION);
	const char *pending = find_field(state, FIELD_PENDING);

	if (state == NULL || session == NULL)
		return false;
	ret_process->session = (pid_t)strtol(session, NULL, 10);
	ret_process->is_ending = state[1] == 'Z' || state[1] == 'X' || state[1] == 'x';
	if (pending != NULL && (strtoul(pending, NULL, 10) & 1UL << (SIGKILL - 1)) != 0)
		ret_process->is_ending = true;
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
