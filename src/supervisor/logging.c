/* SPDX-License-Identifier: ISC */
/* The log's place. Its file is watched, not looked at: whoever moves it (logrotate) needs to tell
 * nobody. A second passes before it is opened again, for whoever moves a file may be about to make
 * the next one himself. */
#include "supervisor/logging.h"

#include "base/log_file.h"
#include "config/log_wishes.h"
#include "supervisor/gates.h"
#include "supervisor/handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <syslog.h>

#define LOOK_AGAIN_MS 1000
#define TRY_AGAIN_MS 10000
#define FILE_EVENTS (IN_MOVE_SELF | IN_DELETE_SELF | IN_ATTRIB | IN_DONT_FOLLOW)

static const int facilities[] = {
	LOG_DAEMON,
	LOG_USER,
	LOG_AUTH,
	LOG_AUTHPRIV,
	LOG_FTP,
	LOG_MAIL,
	LOG_LOCAL0,
	LOG_LOCAL1,
	LOG_LOCAL2,
	LOG_LOCAL3,
	LOG_LOCAL4,
	LOG_LOCAL5,
	LOG_LOCAL6,
	LOG_LOCAL7,
};

/* ---------------------------------------------------------------- open */

static int
open_sink(struct supervisor *supervisor, bool is_asked_for)
{
	const char *path = supervisor->log_sink == LOG_SINK_JSON ? supervisor->log_path : NULL;
	int error = log_open_at(supervisor->log_sink, supervisor->log_level, "reeved", path);

	if (error == 0 && (is_asked_for || log_is_heard()))
		return 0;
	if (is_asked_for) {
		(void)fprintf(stderr, "reeved: cannot start: the log%s%s: %s\n",
			path != NULL ? " " : "", path != NULL ? path : "",
			error == -ELOOP            ? "it is a symbolic link"
				: error == -EINVAL ? "it is no regular file"
						   : strerror(-error));
		return error;
	}
	/* No syslogd here (a container): better a line on the terminal than none. */
	supervisor->log_sink = LOG_SINK_STDERR;
	return log_open(supervisor->log_sink, supervisor->log_level, "reeved");
}

int
logging_open(struct supervisor *supervisor, const struct config_daemon *daemon)
{
	static const enum log_sink sinks[] = {
		[CONFIG_LOG_STDERR] = LOG_SINK_STDERR,
		[CONFIG_LOG_JOURNAL] = LOG_SINK_JOURNAL,
		[CONFIG_LOG_SYSLOG] = LOG_SINK_SYSLOG,
		[CONFIG_LOG_JSON] = LOG_SINK_JSON,
	};
	const struct supervisor_settings *settings = supervisor->settings;
	int64_t wanted = settings->log != CONFIG_LOG_AUTO ? settings->log : daemon->log;

	if (wanted != CONFIG_LOG_AUTO)
		supervisor->log_sink = sinks[wanted];
	else
		supervisor->log_sink = settings->is_foreground ? log_guess_sink() : LOG_SINK_SYSLOG;
	supervisor->log_level = settings->log_level >= 0
		? (enum log_level)settings->log_level
		: (enum log_level)(LOG_LEVEL_ERR + daemon->log_level);
	supervisor->log_facility = facilities[daemon->log_facility];
	log_set_facility(supervisor->log_facility);
	if (supervisor->log_sink == LOG_SINK_JSON && daemon->log_file != NULL) {
		supervisor->log_path = strdup(daemon->log_file);
		if (supervisor->log_path == NULL)
			return -ENOMEM;
	}
	return open_sink(supervisor, wanted != CONFIG_LOG_AUTO);
}

void
logging_take_wishes(const struct supervisor *supervisor)
{
	size_t count = 0;
	struct log_policy *policies = log_wishes_read(supervisor->services.config, &count);

	log_set_policies(policies, count);
}

void
logging_fini(struct supervisor *supervisor)
{
	if (supervisor->log_watch.fd >= 0) {
		loop_stop_timer(supervisor->loop, &supervisor->log_timer);
		loop_unwatch(supervisor->loop, &supervisor->log_watch);
		(void)close(util_take_fd(&supervisor->log_watch.fd));
	}
	free(supervisor->log_path);
	supervisor->log_path = NULL;
}

/* ---------------------------------------------------------------- again */

static void
mark_file(struct supervisor *supervisor)
{
	int inotify_fd = supervisor->log_watch.fd;

	if (inotify_fd < 0)
		return;
	if (supervisor->log_mark >= 0)
		(void)inotify_rm_watch(inotify_fd, supervisor->log_mark);
	supervisor->log_mark = inotify_add_watch(inotify_fd, supervisor->log_path, FILE_EVENTS);
}

/* 0 or -errno. */
static int
reopen(struct supervisor *supervisor)
{
	auto_close int file_fd = log_file_open(supervisor->log_path);
	struct supervised_gate *gate = NULL;
	int error = file_fd < 0 ? file_fd : log_replace_fd(file_fd);

	if (error < 0)
		return error;
	mark_file(supervisor);
	while ((gate = gates_next(supervisor, gate)) != NULL)
		handover_log(gate);
	return 0;
}

void
logging_reopen(struct supervisor *supervisor)
{
	struct loop *loop = supervisor->loop;
	int error = supervisor->log_path != NULL ? reopen(supervisor) : 0;

	if (error < 0 && !supervisor->has_log_failed)
		LOG(log_file_kept, .file = supervisor->log_path, .error = -error);
	supervisor->has_log_failed = error < 0;
	if (error < 0)
		(void)loop_set_timer(loop, &supervisor->log_timer, loop_now(loop) + TRY_AGAIN_MS);
}

static void
look_again(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, log_timer);

	(void)now;
	if (!log_file_is(log_fd(), supervisor->log_path))
		logging_reopen(supervisor);
	else
		mark_file(supervisor);
}

static void
file_changed(struct watch *watch, uint32_t events)
{
	struct supervisor *supervisor = CONTAINER_OF(watch, struct supervisor, log_watch);
	struct timer *timer = &supervisor->log_timer;
	char room[4096];

	(void)events;
	while (read(watch->fd, room, sizeof(room)) > 0)
		;
	if (timer->place == 0)
		(void)loop_set_timer(supervisor->loop, timer,
			loop_now(supervisor->loop) + LOOK_AGAIN_MS);
}

void
logging_watch(struct supervisor *supervisor)
{
	struct watch *watch = &supervisor->log_watch;
	int low_fd;

	supervisor->log_timer.expired = look_again;
	if (supervisor->log_path == NULL)
		return;
	low_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	*watch = (struct watch){ .fd = low_fd < 0 ? -1 : spawn_move_high(low_fd),
		.events = EPOLLIN,
		.ready = file_changed };
	/* Without it a reload still does it. */
	if (watch->fd < 0 || loop_watch(supervisor->loop, watch) < 0)
		LOG(system_error, .step = "inotify", .error = errno);
	mark_file(supervisor);
}
