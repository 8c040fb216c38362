/* SPDX-License-Identifier: ISC */
/* The run folder, read: pid file, state, counters. */
#include "control/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int
open_in(const char *run_dir, const char *name, int flags)
{
	auto_close int dir_fd = open(run_dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	int file_fd;

	if (dir_fd < 0)
		return -errno;
	file_fd = openat(dir_fd, name, flags | O_CLOEXEC);
	return file_fd < 0 ? -errno : file_fd;
}

/* The lock lives as long as the daemon; a pid alone may be anybody's by now. */
static int
check_lock(const char *run_dir)
{
	auto_close int lock_fd = open_in(run_dir, "lock", O_RDONLY | O_NOFOLLOW);

	if (lock_fd < 0)
		return lock_fd == -ENOENT ? -ESRCH : lock_fd;
	if (flock(lock_fd, LOCK_SH | LOCK_NB) == 0)
		return -ESRCH;
	return errno == EWOULDBLOCK ? 0 : -errno;
}

int
daemon_read_pid(const char *run_dir, pid_t *ret_pid)
{
	char text[32];
	auto_close int pid_fd = open_in(run_dir, "reeved.pid", O_RDONLY | O_NOFOLLOW);
	ssize_t length;
	long pid;

	if (pid_fd < 0)
		return pid_fd == -ENOENT ? -ESRCH : pid_fd;
	length = read(pid_fd, text, sizeof(text) - 1);
	if (length <= 0)
		return -ESRCH;
	text[length] = '\0';
	pid = strtol(text, NULL, 10);
	if (pid < 1)
		return -ESRCH;
	*ret_pid = (pid_t)pid;
	return 0;
}

int
daemon_find(const char *run_dir, pid_t *ret_pid)
{
	int error = check_lock(run_dir);

	return error < 0 ? error : daemon_read_pid(run_dir, ret_pid);
}

static int
add_port(struct daemon_state *state, char *fields)
{
	struct daemon_port *ports = realloc(state->ports, (state->port_count + 1) * sizeof(*ports));
	struct daemon_port *port;

	if (ports == NULL)
		return -ENOMEM;
	state->ports = ports;
	port = &ports[state->port_count++];
	*port = (struct daemon_port){ .row = (uint32_t)strtoul(fields, NULL, 10) };
	(void)strsep(&fields, "\t");
	port->service = strdup(fields != NULL ? strsep(&fields, "\t") : "");
	port->protocol = strdup(fields != NULL ? strsep(&fields, "\t") : "");
	port->address = strdup(fields != NULL ? strsep(&fields, "\n") : "");
	return port->service && port->protocol && port->address ? 0 : -ENOMEM;
}

static int
take_line(struct daemon_state *state, char *line)
{
	char *value = line;
	const char *key = strsep(&value, "\t");

	if (value == NULL)
		return 0;
	if (strcmp(key, "port") == 0)
		return add_port(state, value);
	if (strcmp(key, "attempts") == 0)
		state->attempts = (uint32_t)strtoul(value, NULL, 10);
	else if (strcmp(key, "complaints") == 0)
		state->complaints = (uint32_t)strtoul(value, NULL, 10);
	return 0;
}

int
daemon_read_state(const char *run_dir, struct daemon_state *ret_state)
{
	struct daemon_state state = { .port_count = 0 };
	int state_fd = open_in(run_dir, "state", O_RDONLY | O_NOFOLLOW);
	FILE *file = state_fd < 0 ? NULL : fdopen(state_fd, "r");
	char *line = NULL;
	size_t room = 0;
	int error = 0;

	if (file == NULL)
		return state_fd < 0 ? state_fd : -ENOMEM;
	while (error == 0 && getline(&line, &room, file) >= 0)
		error = take_line(&state, line);
	free(line);
	(void)fclose(file);
	if (error < 0) {
		daemon_state_fini(&state);
		return error;
	}
	*ret_state = state;
	return 0;
}

void
daemon_state_fini(struct daemon_state *state)
{
	for (size_t i = 0; i < state->port_count; i++) {
		free(state->ports[i].service);
		free(state->ports[i].protocol);
		free(state->ports[i].address);
	}
	free(state->ports);
	*state = (struct daemon_state){ .port_count = 0 };
}

int
daemon_view_counters(const char *run_dir, const struct shared **ret_view)
{
	auto_close int view_fd = open_in(run_dir, "counters", O_RDONLY);

	return view_fd < 0 ? view_fd : shared_view(ret_view, view_fd);
}

int
daemon_look_at_counters(const char *run_dir, struct stat *ret_status)
{
	auto_close int view_fd = open_in(run_dir, "counters", O_RDONLY);

	if (view_fd < 0)
		return view_fd;
	return fstat(view_fd, ret_status) < 0 ? -errno : 0;
}
