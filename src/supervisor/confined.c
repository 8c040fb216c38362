/* SPDX-License-Identifier: ISC */
/* Processes without power: found, started. */
#include "supervisor/confined.h"

#include "effects/self.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define CONFINED_NAME_MAX 32

/* Beside us in a build tree, else where it was installed. Opened as a path now, because the
 * user that it runs as may not be able to walk there. */
int
confined_open_program(const char *name)
{
	char self[4096];
	char path[sizeof(self) + CONFINED_NAME_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int program_fd = -1;

	if (length > 0) {
		self[length] = '\0';
		(void)snprintf(path, sizeof(path), "%.*s%s", (int)(strrchr(self, '/') + 1 - self),
			self, name);
		program_fd = open(path, O_PATH | O_CLOEXEC);
	}
	if (program_fd < 0) {
		(void)snprintf(path, sizeof(path), "%s/%s", REEVE_LIBEXECDIR, name);
		program_fd = open(path, O_PATH | O_CLOEXEC);
	}
	return program_fd < 0 ? -errno : spawn_move_high(program_fd);
}

/* What such a process may know of our environment: the time zone, and in test builds how to
 * report. */
static void
fill_environment(char **ret_environment, size_t room)
{
	static const char *const names[] = {
		"TZ=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "LSAN_OPTIONS=", "TSAN_OPTIONS="
	};
	size_t known = UTIL_HAS_SANITIZER ? ARRAY_SIZE(names) : 1;
	size_t count = 0;

	for (char **variable = environ; *variable != NULL; variable++)
		for (size_t i = 0; i < known && count + 1 < room; i++)
			if (strncmp(*variable, names[i], strlen(names[i])) == 0)
				ret_environment[count++] = *variable;
	ret_environment[count] = NULL;
}

/* The bounding set can only be emptied by one who may; the rest is given up by anybody. */
static int
add_identity(struct spawn_plan *plan, struct spawn_world *world)
{
	struct self self;
	int error = self_read(&self);

	if (error < 0)
		return error;
	if (world->identity.is_set)
		plan->steps |= SPAWN_DO(GROUPS) | SPAWN_DO(GID) | SPAWN_DO(UID);
	if (self_may(&self, CAP_SETPCAP)) {
		plan->steps |= SPAWN_DO(BOUNDING_SET);
		world->bounding_drop = self.capabilities.bounding;
	}
	self_fini(&self);
	return 0;
}

static int
run(const struct supervisor *supervisor, const char *name, int program_fd, const int stdio[3],
	pid_t *ret_pid)
{
	char sink[] = "--log=0";
	char level[] = "--log-level=0";
	char own_name[CONFINED_NAME_MAX];
	char facility[32];
	char *argv[] = { own_name, sink, level, facility, NULL };
	char *environment[8];
	const struct spawn_start start = { .fds = stdio, .fd_count = 3, .envp = environment };
	struct spawn_world world = { .cwd = "/", .identity = supervisor->gate_identity };
	struct spawn_plan plan = { .path_fd = program_fd,
		.argv = argv,
		.steps = SPAWN_DO(SESSION) | SPAWN_DO(CWD) | SPAWN_DO(CAPABILITIES) |
			SPAWN_DO(NO_NEW_PRIVS),
		.world = &world };
	struct spawn_result result;
	int error = add_identity(&plan, &world);

	if (error < 0)
		return error;
	(void)snprintf(own_name, sizeof(own_name), "%s", name);
	sink[sizeof(sink) - 2] = (char)('0' + supervisor->log_sink);
	(void)snprintf(facility, sizeof(facility), "--log-facility=%d",
		LOG_FAC(supervisor->log_facility));
	level[sizeof(level) - 2] = (char)('0' + supervisor->log_level);
	fill_environment(environment, ARRAY_SIZE(environment));
	error = spawn_run(&plan, &start, &result);
	if (error == 0)
		*ret_pid = result.pid;
	return error;
}

int
confined_start(const struct supervisor *supervisor, const char *name, int program_fd,
	int *ret_channel_fd, pid_t *ret_pid)
{
	auto_close int our_fd = -1;
	auto_close int their_fd = -1;
	auto_close int log_copy_fd =
		fcntl(log_fd() >= 0 ? log_fd() : STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	int error = channel_pair(&our_fd, &their_fd);
	int high_fd;

	if (error < 0 || log_copy_fd < 0)
		return error < 0 ? error : -errno;
	high_fd = spawn_move_high(our_fd);
	if (high_fd < 0)
		return high_fd;
	our_fd = high_fd;
	error = run(supervisor, name, program_fd,
		(const int[3]){ their_fd, supervisor->null_fd, log_copy_fd }, ret_pid);
	if (error == 0)
		*ret_channel_fd = util_take_fd(&our_fd);
	return error;
}
