/* SPDX-License-Identifier: ISC */
/* An upgrade: trial, draining, exec. */
#include "supervisor/upgrade.h"

#include "supervisor/bans.h"
#include "supervisor/control.h"
#include "supervisor/draining.h"
#include "supervisor/gates.h"
#include "supervisor/handlers.h"
#include "supervisor/kept.h"
#include "supervisor/legacy.h"
#include "supervisor/records.h"
#include "supervisor/reload.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CHECK_OPTION "--check-upgrade"
#define DELETED " (deleted)"
#define TRIAL_MS 30000
#define LET_GO_MS 5000
#define REPORT_MAX 1024

/* ---------------------------------------------------------------- what we are */

/* The file that will be there by then, which a package may have put in the place of the one that
 * runs; through whatever link we were called. */
static int
find_program(char *const *argv, const char *folder, char **ret_program)
{
	char self[PATH_MAX + sizeof(DELETED)];
	ssize_t length;

	if (argv != NULL && argv[0] != NULL && strchr(argv[0], '/') != NULL) {
		if (argv[0][0] == '/')
			*ret_program = strdup(argv[0]);
		else if (asprintf(ret_program, "%s/%s", folder, argv[0]) < 0)
			*ret_program = NULL;
		return *ret_program != NULL ? 0 : -ENOMEM;
	}
	length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (length < 0)
		return -errno;
	self[length] = '\0';
	if ((size_t)length > strlen(DELETED) &&
		strcmp(self + length - strlen(DELETED), DELETED) == 0)
		self[(size_t)length - strlen(DELETED)] = '\0';
	*ret_program = strdup(self);
	return *ret_program != NULL ? 0 : -ENOMEM;
}

int
upgrade_init(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;

	*upgrade = (struct upgrade){ .report_fd = -1 };
	/* Who stands in a folder that is gone can be upgraded from where it was, if by a full
	 * path. */
	upgrade->folder = getcwd(NULL, 0);
	return find_program(supervisor->settings->argv,
		upgrade->folder != NULL ? upgrade->folder : "", &upgrade->program);
}

void
upgrade_fini(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;

	loop_stop_timer(supervisor->loop, &upgrade->timer);
	if (upgrade->trial > 0)
		(void)priv_kill_gate(upgrade->trial);
	if (upgrade->report_fd >= 0)
		(void)close(upgrade->report_fd);
	free(upgrade->folder);
	free(upgrade->program);
}

bool
upgrade_is_under_way(const struct supervisor *supervisor)
{
	return supervisor->upgrade.stage != UPGRADE_NONE;
}

/* Nothing has changed. What was asked for meanwhile is done now. */
static void
refuse(struct supervisor *supervisor, const char *reason)
{
	struct upgrade *upgrade = &supervisor->upgrade;

	loop_stop_timer(supervisor->loop, &upgrade->timer);
	upgrade->stage = UPGRADE_NONE;
	LOG(upgrade_refused, .program = upgrade->program, .reason = reason);
	control_upgrade_refused(supervisor, reason);
	notify_ready("The new program cannot serve; the running one goes on");
	reload_gates_changed(supervisor);
}

/* ---------------------------------------------------------------- exec */

static int
mark_fds(const struct legacy_fds *fds, int flags)
{
	for (size_t i = 0; i < fds->count; i++)
		if (fcntl(fds->fds[i], F_SETFD, flags) < 0)
			return -errno;
	return 0;
}

/* Returns only if it fails. */
static int
exec_program(const struct supervisor *supervisor, const struct legacy_fds *fds, int state_fd)
{
	const struct upgrade *upgrade = &supervisor->upgrade;
	char number[16];
	int error = mark_fds(fds, 0);

	(void)snprintf(number, sizeof(number), "%d", state_fd);
	if (error == 0 &&
		(fcntl(state_fd, F_SETFD, 0) < 0 || setenv(LEGACY_VARIABLE, number, 1) < 0))
		error = -errno;
	/* Names on the command line are meant from there. */
	if (error == 0 && upgrade->folder != NULL && chdir(upgrade->folder) < 0)
		error = -errno;
	if (error == 0) {
		(void)execv(upgrade->program, supervisor->settings->argv);
		error = -errno;
	}
	(void)unsetenv(LEGACY_VARIABLE);
	(void)mark_fds(fds, FD_CLOEXEC);
	if (!supervisor->settings->is_foreground && chdir("/") < 0)
		LOG(system_error, .step = "chdir", .error = errno);
	return error;
}

/* The old gates drain; there must be others, if only of the same build. */
static void
start_gates_anew(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->gate_count; i++) {
		struct supervised_gate *gate = &supervisor->gates[i];

		if (gate->channel.fd >= 0)
			loop_unwatch(supervisor->loop, &gate->channel);
		if (gate->pid > 0 && gate->channel.fd >= 0)
			(void)draining_take(supervisor, gate);
		gate->pid = 0;
		gate->writer = 0;
		gate->channel.fd = -1;
		gate->has_let_go = false;
		loop_stop_timer(supervisor->loop, &gate->timer);
		loop_stop_timer(supervisor->loop, &gate->retry);
		handlers_orphan(supervisor, i);
	}
	supervisor->is_handing_over = true;
	gates_start(supervisor);
}

static void
leave(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	struct legacy_fds fds = { .fds = NULL };
	auto_close int state_fd = -1;
	int error;

	records_flush(supervisor);
	bans_leave(supervisor);
	error = legacy_save(supervisor, LEGACY_EXEC, &state_fd, &fds);
	log_flush();
	if (error == 0) {
		error = exec_program(supervisor, &fds, state_fd);
		free(fds.fds);
	}
	LOG(upgrade_failed, .program = upgrade->program, .error = -error);
	control_upgrade_refused(supervisor, strerror(-error));
	upgrade->stage = UPGRADE_NONE;
	start_gates_anew(supervisor);
	notify_ready("The new program could not be started; the running one goes on");
}

/* ---------------------------------------------------------------- draining */

static void
leave_or_lose_patience(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, upgrade.timer);

	(void)now;
	if (supervisor->upgrade.stage == UPGRADE_DRAINING && !supervisor->is_stopping)
		leave(supervisor);
}

static void
leave_when_all_let_go(struct supervisor *supervisor)
{
	struct loop *loop = supervisor->loop;

	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		if (supervisor->gates[i].pid != 0 && !supervisor->gates[i].has_let_go)
			return;
	/* Not from within what a gate has said. */
	if (loop_set_timer(loop, &supervisor->upgrade.timer, loop_now(loop)) < 0)
		leave(supervisor);
}

void
upgrade_let_go(struct supervised_gate *gate)
{
	/* One of an upgrade before this one has nothing more to let go. */
	if (gate->is_draining)
		return;
	if (gate->supervisor->upgrade.stage == UPGRADE_DRAINING && gate->number == 0 &&
		!gate->has_let_go)
		kept_seal(gate->supervisor);
	gate->has_let_go = true;
	if (gate->supervisor->upgrade.stage == UPGRADE_DRAINING)
		leave_when_all_let_go(gate->supervisor);
}

static void
drain(struct supervised_gate *gate, msec grace)
{
	struct message_drain body = { .grace_ms = (uint32_t)grace };
	struct loop *loop = gate->supervisor->loop;
	bool serves = gate->phase == CHANNEL_SERVE;
	int memory_fd;

	loop_stop_timer(loop, &gate->timer);
	loop_stop_timer(loop, &gate->retry);
	if (gate->pid == 0)
		return;
	gate->stage = HANDOVER_NONE;
	gate->has_let_go = false;
	gate->until = loop_now(loop) + grace;
	memory_fd = kept_offer(gate->supervisor, gate, &body.keep_max);
	if (!serves ||
		channel_send(gate->channel.fd, MESSAGE_drain, &body, NULL, 0, &memory_fd,
			memory_fd >= 0) < 0)
		(void)priv_kill_gate(gate->pid);
	gate->phase = CHANNEL_STOP;
}

static void
begin_draining(struct supervisor *supervisor, const char *version)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	struct loop *loop = supervisor->loop;
	msec grace = supervisor->services.config->daemon.upgrade_grace;

	LOG(upgrading, .program = upgrade->program, .version = version);
	upgrade->stage = UPGRADE_DRAINING;
	upgrade->timer.expired = leave_or_lose_patience;
	if (loop_set_timer(loop, &upgrade->timer, loop_now(loop) + LET_GO_MS) < 0) {
		refuse(supervisor, strerror(ENOMEM));
		return;
	}
	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		drain(&supervisor->gates[i], grace);
	leave_when_all_let_go(supervisor);
}

/* ---------------------------------------------------------------- the trial */

/* The first line of what it said, without what a terminal or the log might mistake. */
static void
read_report(struct upgrade *upgrade, char report[REPORT_MAX])
{
	ssize_t length = pread(upgrade->report_fd, report, REPORT_MAX - 1, 0);

	report[length > 0 ? length : 0] = '\0';
	report[strcspn(report, "\n")] = '\0';
	(void)close(util_take_fd(&upgrade->report_fd));
}

bool
upgrade_reaped(struct supervisor *supervisor, pid_t pid, int status)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	char report[REPORT_MAX];

	if (upgrade->trial == 0 || pid != upgrade->trial)
		return false;
	upgrade->trial = 0;
	read_report(upgrade, report);
	loop_stop_timer(supervisor->loop, &upgrade->timer);
	if (supervisor->is_stopping)
		return true;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		begin_draining(supervisor, report);
	else if (report[0] != '\0')
		refuse(supervisor, report);
	else
		refuse(supervisor,
			upgrade->is_late ? "it did not end in time" : "it ended without a word");
	return true;
}

static void
trial_is_late(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, upgrade.timer);

	(void)now;
	supervisor->upgrade.is_late = true;
	(void)priv_kill_gate(supervisor->upgrade.trial);
}

/* Our own words, and the one that makes it a trial. */
static char **
trial_words(const struct supervisor *supervisor, char *check)
{
	char *const *argv = supervisor->settings->argv;
	size_t count = 0;
	char **words;

	while (argv[count] != NULL)
		count++;
	words = calloc(count + 2, sizeof(char *));
	if (words == NULL)
		return NULL;
	memcpy(words, argv, count * sizeof(char *));
	words[count] = check;
	return words;
}

static int
run_trial(struct supervisor *supervisor, int state_fd)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	char check[] = CHECK_OPTION;
	auto_free char **words = trial_words(supervisor, check);
	const int stdio[3] = { state_fd, upgrade->report_fd, upgrade->report_fd };
	const struct spawn_start start = { .fds = stdio, .fd_count = 3, .envp = environ };
	const struct spawn_world world = { .cwd = upgrade->folder };
	struct spawn_plan plan = { .path = upgrade->program,
		.path_fd = -1,
		.argv = words,
		.steps = SPAWN_DO(SESSION),
		.world = &world };
	struct spawn_result result;
	int error;

	if (words == NULL)
		return -ENOMEM;
	if (upgrade->folder != NULL)
		plan.steps |= SPAWN_DO(CWD);
	error = spawn_run(&plan, &start, &result);
	if (error == 0)
		upgrade->trial = result.pid;
	return error;
}

static int
begin_trial(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	struct loop *loop = supervisor->loop;
	struct legacy_fds fds = { .fds = NULL };
	auto_close int state_fd = -1;
	int error = legacy_save(supervisor, LEGACY_EXEC, &state_fd, &fds);

	if (error < 0)
		return error;
	free(fds.fds);
	upgrade->report_fd = memfd_create("reeve-report", MFD_CLOEXEC);
	if (upgrade->report_fd < 0)
		return -errno;
	upgrade->is_late = false;
	upgrade->timer.expired = trial_is_late;
	error = loop_set_timer(loop, &upgrade->timer, loop_now(loop) + TRIAL_MS);
	if (error == 0)
		error = run_trial(supervisor, state_fd);
	if (error < 0)
		(void)close(util_take_fd(&upgrade->report_fd));
	return error;
}

/* ---------------------------------------------------------------- asking */

static void
begin(struct supervisor *supervisor)
{
	struct upgrade *upgrade = &supervisor->upgrade;
	int error;

	if (!draining_make_room(supervisor))
		return; /* it comes again when they have ended */
	upgrade->is_wanted = false;
	LOG(upgrade_started, .cause = upgrade->cause, .program = upgrade->program);
	notify_reloading();
	upgrade->stage = UPGRADE_TRIAL;
	error = begin_trial(supervisor);
	if (error < 0)
		refuse(supervisor, strerror(-error));
}

void
upgrade_continue(struct supervisor *supervisor)
{
	if (supervisor->upgrade.is_wanted && supervisor->upgrade.stage == UPGRADE_NONE &&
		supervisor->is_ready && !supervisor->is_stopping && !supervisor->is_reloading &&
		!supervisor->is_handing_over)
		begin(supervisor);
}

void
upgrade_ask(struct supervisor *supervisor, const char *cause)
{
	supervisor->upgrade.is_wanted = true;
	supervisor->upgrade.cause = cause;
	upgrade_continue(supervisor);
}
