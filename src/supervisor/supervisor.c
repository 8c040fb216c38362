/* SPDX-License-Identifier: ISC */
/* The supervisor's life: start, signals, end. */
#include "supervisor/background.h"
#include "supervisor/bans.h"
#include "supervisor/control.h"
#include "supervisor/deadlines.h"
#include "supervisor/failures.h"
#include "supervisor/gates.h"
#include "supervisor/handler_table.h"
#include "supervisor/handed.h"
#include "supervisor/handlers.h"
#include "supervisor/hearing.h"
#include "supervisor/hosts.h"
#include "supervisor/kept.h"
#include "supervisor/legacy.h"
#include "supervisor/listeners.h"
#include "supervisor/logging.h"
#include "supervisor/records.h"
#include "supervisor/reload.h"
#include "supervisor/resolver.h"
#include "supervisor/rules.h"
#include "supervisor/rundir.h"
#include "supervisor/services.h"
#include "supervisor/store.h"
#include "supervisor/upgrade.h"
#include "supervisor/waiting.h"
#include "supervisor/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

void
supervisor_stop(struct supervisor *supervisor, const char *cause, msec grace)
{
	/* Whoever asks twice means it. */
	if (supervisor->is_stopping)
		grace = 0;
	supervisor->is_stopping = true;
	LOG(stopping, .cause = cause, .grace_ms = grace);
	notify_stopping();
	/* What the manager keeps open, the next of us goes on with: who comes now waits for it. */
	if (store_is_used(supervisor))
		waiting_rest(supervisor);
	else
		listeners_close_all(supervisor);
	control_stopping(supervisor);
	gates_stop(supervisor, grace);
}

static int64_t
cpu_ms(const struct rusage *usage)
{
	const struct timeval *user = &usage->ru_utime;
	const struct timeval *kernel = &usage->ru_stime;

	return (int64_t)(user->tv_sec + kernel->tv_sec) * 1000 +
		(user->tv_usec + kernel->tv_usec) / 1000;
}

static void
reap(struct supervisor *supervisor)
{
	struct rusage usage;
	pid_t pid;
	int status;

	while ((pid = wait4(-1, &status, WNOHANG, &usage)) > 0)
		if (!gates_reaped(supervisor, pid, status) &&
			!resolver_reaped(supervisor, pid, status) &&
			!bans_reaped(supervisor, pid, status) &&
			!upgrade_reaped(supervisor, pid, status))
			handlers_reaped(supervisor, pid, status, cpu_ms(&usage));
}

static void
caught_signal(void *owner, int signo)
{
	struct supervisor *supervisor = owner;
	msec grace = supervisor->services.config->daemon.grace;

	switch (signo) {
	case SIGCHLD:
		reap(supervisor);
		break;
	case SIGHUP:
		reload_ask(supervisor, "SIGHUP");
		break;
	case SIGUSR2:
		upgrade_ask(supervisor, "SIGUSR2");
		break;
	case SIGTERM:
		supervisor_stop(supervisor, "SIGTERM", grace);
		break;
	case SIGINT:
		/* Somebody at a terminal waits for the prompt. */
		supervisor_stop(supervisor, "SIGINT", 0);
		break;
	case SIGQUIT:
		supervisor_stop(supervisor, "SIGQUIT", grace);
		break;
	default:
		break;
	}
}

static int
catch_signals(struct supervisor *supervisor)
{
	static const int caught[] = { SIGCHLD, SIGHUP, SIGUSR2, SIGTERM, SIGINT, SIGQUIT };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		(void)sigaddset(&set, caught[i]);
	return loop_catch_signals(supervisor->loop, &set, caught_signal, supervisor);
}

static void
turn_ends(struct after *after, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(after, struct supervisor, flush);

	(void)now;
	log_flush();
	if (supervisor->shared != NULL)
		shared_tell(supervisor->shared, SHARED_SUPERVISOR, PROCESS_log_dropped_lines,
			log_lost());
}

static int
init(struct supervisor *supervisor)
{
	int error;

	supervisor->message = calloc(1, sizeof(*supervisor->message));
	supervisor->loop = loop_new(NULL);
	if (supervisor->message == NULL || supervisor->loop == NULL)
		return -ENOMEM;
	error = handlers_init(&supervisor->handlers);
	if (error == 0)
		error = catch_signals(supervisor);
	hearing_init(supervisor);
	resolver_init(supervisor);
	if (error == 0)
		error = control_init(supervisor);
	supervisor->flush.turn_ends = turn_ends;
	loop_add_after(supervisor->loop, &supervisor->flush);
	logging_watch(supervisor);
	return error;
}

static void
fini(struct supervisor *supervisor)
{
	const int fds[] = { supervisor->shared_fd, supervisor->sources_fd, supervisor->null_fd,
		supervisor->gate_program_fd, supervisor->lock_fd, supervisor->status_fd };

	bans_fini(supervisor);
	control_fini(supervisor);
	rundir_leave(supervisor);
	listeners_close_all(supervisor);
	handed_close_unclaimed(supervisor);
	upgrade_fini(supervisor);
	store_fini(supervisor);
	legacy_free(supervisor);
	kept_fini(supervisor);
	gates_fini(supervisor);
	failures_fini(supervisor);
	deadlines_fini(supervisor);
	handlers_fini(&supervisor->handlers);
	records_fini(supervisor);
	rules_fini(supervisor);
	logging_fini(supervisor);
	services_fini(supervisor);
	log_keep(NULL, NULL);
	supervisor->shared = shared_free(supervisor->shared);
	supervisor->sources = shared_sources_free(supervisor->sources);
	supervisor->loop = loop_free(supervisor->loop);
	free(supervisor->message);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	log_flush();
}

static int
serve(struct supervisor *supervisor)
{
	int error;

	/* The kernel forgets to tell of those that ended while nobody could be told. */
	if (legacy_is_of_upgrade(supervisor)) {
		supervisor->is_handing_over = true;
		reap(supervisor);
	}
	hosts_await(supervisor);
	watchdog_begin(supervisor);
	error = loop_run(supervisor->loop);
	if (error < 0)
		LOG(system_error, .step = "epoll_wait", .error = -error);
	records_flush(supervisor);
	store_leave(supervisor);
	LOG(stopped, .handlers_left = (int64_t)supervisor->handlers.count);
	return error < 0 || supervisor->has_failed ? 1 : 0;
}

/* With a configuration that has been checked (taken over): open everything, then serve. */
static int
start(struct supervisor *supervisor, struct config *config, struct complaint_list *complaints)
{
	int status = 1;
	int error = 0;

	if (!legacy_is_of_upgrade(supervisor) && !supervisor->settings->is_foreground)
		error = background_enter(supervisor, &status);
	else if (!supervisor->settings->is_foreground && chdir("/") < 0)
		error = -errno;
	if (error == 0 && logging_open(supervisor, &config->daemon) < 0) {
		(void)config_free(config);
		return status;
	}
	if (error == 0)
		error = init(supervisor);
	if (error != 0) {
		(void)config_free(config);
		if (error < 0)
			(void)fprintf(stderr, "reeved: cannot start: the event loop: %s\n",
				strerror(-error));
		return status;
	}
	error = reload_first(supervisor, config, complaints);
	return error < 0 ? 1 : serve(supervisor);
}

/* After an upgrade the descriptor is gone, and its number perhaps another's. */
static bool
lacks_ready_fd(const struct supervisor *supervisor)
{
	int ready_fd = (int)supervisor->settings->ready_fd;

	return !legacy_is_of_upgrade(supervisor) && ready_fd >= 0 && fcntl(ready_fd, F_GETFD) < 0;
}

int
supervisor_main(const struct supervisor_settings *settings)
{
	struct supervisor supervisor = { .settings = settings,
		.services = { .config_fd = -1, .banners_fd = -1 },
		.retired = { .config_fd = -1, .banners_fd = -1 },
		.shared_fd = -1,
		.sources_fd = -1,
		.gate_program_fd = -1,
		.null_fd = -1,
		.lock_fd = -1,
		.log_watch.fd = -1,
		.log_mark = -1,
		.status_fd = -1 };
	struct complaint_list *complaints = complaint_list_new();
	struct config *config = NULL;
	int status = 1;
	int handed = notify_take_sockets(&supervisor.handed);
	int left;

	records_init(&supervisor);
	kept_init(&supervisor);
	store_init(&supervisor);
	deadlines_init(&supervisor);
	supervisor.handed_count = handed > 0 ? (size_t)handed : 0;
	left = upgrade_init(&supervisor);
	if (left == 0)
		left = legacy_find(&supervisor);
	if (handed < 0 || left < 0 || priv_clean_start() < 0)
		(void)fprintf(stderr,
			"reeved: cannot start: the process's descriptors are unusable\n");
	else if (lacks_ready_fd(&supervisor))
		(void)fprintf(stderr,
			"reeved: cannot start: descriptor %lld (--ready-fd) is not open\n",
			(long long)settings->ready_fd);
	else if (complaints != NULL)
		config = reload_load_first(&supervisor, complaints);
	if (config != NULL)
		status = start(&supervisor, config, complaints);
	fini(&supervisor);
	(void)complaint_list_free(complaints);
	return status;
}
