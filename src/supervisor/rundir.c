/* SPDX-License-Identifier: ISC */
/* The run folder: a lock for as long as we live, so that a second daemon of the same folder does
 * not start; the pid file; a link to the shared memory and a file with the open ports for
 * those who watch (reevectl). */
#include "supervisor/rundir.h"

#include "model/control_methods.h"
#include "supervisor/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define PID_FILE "reeved.pid"
#define LOCK_FILE "lock"
#define COUNTERS_LINK "counters"
#define STATE_FILE "state"
#define STATE_FILE_NEW "state.new"

static int
open_run_dir(const char *path)
{
	int dir_fd;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	dir_fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return dir_fd < 0 ? -errno : dir_fd;
}

/* No link is followed: a file in a folder that others may write must not overwrite what they
 * point it at. */
static int
open_own(int dir_fd, const char *name, mode_t mode)
{
	int file_fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, mode);

	return file_fd < 0 ? -errno : file_fd;
}

/* Whoever may open a file may lock it: only we may open this one. It stays when we go, for a new
 * file of the name would be another lock. */
static int
take_lock(int dir_fd)
{
	int lock_fd = open_own(dir_fd, LOCK_FILE, 0600);

	if (lock_fd < 0)
		return lock_fd;
	if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0) {
		int error = errno;

		(void)close(lock_fd);
		return -error;
	}
	return lock_fd;
}

static int
write_pid(int dir_fd)
{
	auto_close int pid_fd = open_own(dir_fd, PID_FILE, 0644);

	if (pid_fd < 0)
		return pid_fd;
	if (ftruncate(pid_fd, 0) < 0 || dprintf(pid_fd, "%ld\n", (long)getpid()) < 0)
		return -errno;
	return 0;
}

static int
link_counters(int dir_fd, int shared_fd)
{
	char target[64];

	(void)snprintf(target, sizeof(target), "/proc/%ld/fd/%d", (long)getpid(), shared_fd);
	(void)unlinkat(dir_fd, COUNTERS_LINK, 0);
	return symlinkat(target, dir_fd, COUNTERS_LINK) < 0 ? -errno : 0;
}

static void
write_ports(const struct supervisor *supervisor, FILE *file)
{
	const struct listener_set *set = &supervisor->listeners;
	char room[NETADDR_TEXT_MAX];

	for (size_t i = 0; i < set->count; i++) {
		const struct listener *listener = set->slots[i].listener;
		const struct service_set *services = &supervisor->services;

		(void)fprintf(file, "port\t%u\t%s\t%s\t%s\n",
			services->served[set->slots[i].service]->row,
			services->config->services[set->slots[i].service].name,
			protocol_word(listener->wanted.protocol),
			listener->path != NULL ? listener->path
					       : netaddr_format(&listener->bound, room));
	}
}

static int
write_state_file(const struct supervisor *supervisor, int dir_fd)
{
	int state_fd = openat(dir_fd, STATE_FILE_NEW,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	FILE *file = state_fd < 0 ? NULL : fdopen(state_fd, "w");
	bool is_written;

	if (file == NULL) {
		int error = -errno;

		if (state_fd >= 0)
			(void)close(state_fd);
		return error;
	}
	(void)fprintf(file, "version\t%s\nattempts\t%u\ncomplaints\t%zu\n", REEVE_VERSION,
		supervisor->attempts, supervisor->complaints);
	write_ports(supervisor, file);
	is_written = ferror(file) == 0;
	if (fclose(file) != 0 || !is_written)
		return -EIO;
	return renameat(dir_fd, STATE_FILE_NEW, dir_fd, STATE_FILE) < 0 ? -errno : 0;
}

void
rundir_write_state(const struct supervisor *supervisor)
{
	auto_close int dir_fd = -1;
	int error;

	if (supervisor->lock_fd < 0)
		return;
	dir_fd = open_run_dir(supervisor->settings->run_dir);
	error = dir_fd < 0 ? dir_fd : write_state_file(supervisor, dir_fd);
	if (error < 0)
		LOG(system_error, .step = "run folder", .error = -error);
}

int
rundir_enter(struct supervisor *supervisor)
{
	auto_close int dir_fd = -1;
	auto_close int lock_fd = -1;
	int error;

	if (supervisor->settings->run_dir == NULL)
		return 0;
	dir_fd = open_run_dir(supervisor->settings->run_dir);
	if (dir_fd < 0)
		return dir_fd;
	/* The lock is of the open file: taken again, it would be refused by ourselves. */
	lock_fd = legacy_take_lock(supervisor);
	if (lock_fd < 0)
		lock_fd = take_lock(dir_fd);
	if (lock_fd < 0)
		return lock_fd;
	error = write_pid(dir_fd);
	if (error == 0)
		error = link_counters(dir_fd, supervisor->shared_fd);
	if (error == 0) {
		supervisor->lock_fd = spawn_move_high(lock_fd);
		(void)util_take_fd(&lock_fd);
	}
	return error;
}

void
rundir_leave(const struct supervisor *supervisor)
{
	auto_close int dir_fd = -1;

	if (supervisor->lock_fd < 0)
		return;
	dir_fd = open_run_dir(supervisor->settings->run_dir);
	if (dir_fd < 0)
		return;
	(void)unlinkat(dir_fd, CONTROL_SOCKET, 0);
	(void)unlinkat(dir_fd, STATE_FILE, 0);
	(void)unlinkat(dir_fd, COUNTERS_LINK, 0);
	(void)unlinkat(dir_fd, PID_FILE, 0);
}
