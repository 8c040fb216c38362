/* SPDX-License-Identifier: ISC */
/* The life of gates: started without power, watched, replaced when they die or lie. */
#include "supervisor/gates.h"

#include "base/shared_holds.h"
#include "base/shared_places.h"
#include "supervisor/confined.h"
#include "supervisor/control.h"
#include "supervisor/dispatch.h"
#include "supervisor/draining.h"
#include "supervisor/handlers.h"
#include "supervisor/handover.h"
#include "supervisor/kept.h"
#include "supervisor/legacy.h"
#include "supervisor/measures.h"
#include "supervisor/reload.h"
#include "supervisor/upgrade.h"
#include "supervisor/waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <syslog.h>

#define GATE_NAME "reeve-gate"
#define PATIENCE_MS 30000 /* to say hello and to take a configuration */
#define SETTLED_MS 10000  /* one that lived so long is replaced at once */
#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 10000
#define KILL_AFTER_GRACE_MS 2000
#define EARLY_DEATHS_MAX 8

static void gate_start(struct supervised_gate *gate);

struct supervised_gate *
gates_next(const struct supervisor *supervisor, const struct supervised_gate *gate)
{
	bool is_first = gate == NULL && supervisor->gate_count > 0;

	if (is_first)
		return &supervisor->gates[0];
	if (gate != NULL && gate->is_draining)
		return gate->next_draining;
	if (gate != NULL && gate->number + 1 < supervisor->gate_count)
		return &supervisor->gates[gate->number + 1];
	return supervisor->first_draining;
}

/* --- set-up */

static uint32_t
choose_gate_count(const struct supervisor *supervisor, const struct config *config)
{
	int64_t wanted = supervisor->settings->gates;
	cpu_set_t processors;

	if (wanted < 0)
		wanted = config->daemon.gates;
	if (wanted == 0 && sched_getaffinity(0, sizeof(processors), &processors) == 0)
		wanted = CPU_COUNT(&processors);
	if (wanted < 1)
		wanted = 1;
	return wanted > SHARED_GATES_MAX ? SHARED_GATES_MAX : (uint32_t)wanted;
}

int
gates_open_program(void)
{
	return confined_open_program(GATE_NAME);
}

static int
choose_identity(struct supervisor *supervisor, const struct config *config)
{
	const char *wanted = config->daemon.gate_user;

	if (!priv_is_root())
		return 0;
	if (wanted != NULL)
		return priv_look_up(&supervisor->gate_identity, wanted, NULL, NULL);
	if (priv_look_up(&supervisor->gate_identity, "reeve", NULL, NULL) == 0)
		return 0;
	return priv_unknown_identity(&supervisor->gate_identity);
}

static void gate_timer(struct timer *timer, msec now);

int
gates_init(struct supervisor *supervisor, const struct config *config)
{
	int error = choose_identity(supervisor, config);

	if (error < 0)
		return error;
	/* Supplementary groups are rights that a gate has no use for. */
	supervisor->gate_identity.group_count = 0;
	supervisor->gate_program_fd = gates_open_program();
	if (supervisor->gate_program_fd < 0)
		return supervisor->gate_program_fd;
	supervisor->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (supervisor->null_fd < 0)
		return -errno;
	supervisor->gate_count =
		legacy_is_of_upgrade(supervisor) && supervisor->legacy->text != NULL
		? (uint32_t)supervisor->legacy->daemon.gates
		: choose_gate_count(supervisor, config);
	supervisor->gates = calloc(supervisor->gate_count, sizeof(*supervisor->gates));
	if (supervisor->gates == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		supervisor->gates[i] = (struct supervised_gate){ .supervisor = supervisor,
			.number = i,
			.phase = CHANNEL_HELLO,
			.channel = { .fd = -1, .ready = dispatch_ready },
			.timer = { .expired = gate_timer },
			.retry = { .expired = handover_retry } };
	return 0;
}

void
gates_fini(struct supervisor *supervisor)
{
	for (uint32_t i = 0; supervisor->gates != NULL && i < supervisor->gate_count; i++)
		if (supervisor->gates[i].channel.fd >= 0)
			channel_close(supervisor->gates[i].channel.fd);
	free(supervisor->gates);
	draining_fini(supervisor);
	priv_identity_fini(&supervisor->gate_identity);
}

/* --- start */

static int
start_with_channel(struct supervised_gate *gate)
{
	struct supervisor *supervisor = gate->supervisor;
	int error = confined_start(supervisor, GATE_NAME, supervisor->gate_program_fd,
		&gate->channel.fd, &gate->pid);

	if (error < 0)
		return error;
	gate->channel.events = EPOLLIN;
	return loop_watch(supervisor->loop, &gate->channel);
}

static void
start_later(struct supervised_gate *gate)
{
	struct supervisor *supervisor = gate->supervisor;
	msec now = loop_now(supervisor->loop);

	(void)loop_set_timer(supervisor->loop, &gate->timer, now + gate->backoff);
	gate->backoff = gate->backoff == 0 ? BACKOFF_FIRST_MS : gate->backoff * 2;
	if (gate->backoff > BACKOFF_MAX_MS)
		gate->backoff = BACKOFF_MAX_MS;
}

void
gate_expect_answer(struct supervised_gate *gate)
{
	struct loop *loop = gate->supervisor->loop;

	(void)loop_set_timer(loop, &gate->timer, loop_now(loop) + PATIENCE_MS);
}

/* Places are counted by writer. Those of gates that drain are taken until these have ended. */
static bool
take_writer(struct supervised_gate *gate)
{
	const struct supervisor *supervisor = gate->supervisor;
	uint64_t taken = 1; /* ours */

	if (gate->writer != 0)
		return true;
	for (const struct supervised_gate *other = NULL;
		(other = gates_next(supervisor, other)) != NULL;)
		taken |= UINT64_C(1) << other->writer;
	for (uint32_t i = 1; i < shared_writers(supervisor->shared) && gate->writer == 0; i++)
		if ((taken & UINT64_C(1) << i) == 0)
			gate->writer = i;
	return gate->writer != 0;
}

static void
gate_start(struct supervised_gate *gate)
{
	struct supervisor *supervisor = gate->supervisor;
	int error;

	if (!take_writer(gate)) {
		start_later(gate);
		return;
	}

	gate->started = loop_now(supervisor->loop);
	gate->instance = ++supervisor->gate_instances;
	gate->phase = CHANNEL_HELLO;
	gate->stage = HANDOVER_NONE;
	gate->known_listener = 0;
	gate->resolver = 0;
	gate->owes_wake = false;
	gate->has_served = false;
	gate->asked = 0;
	gate->was_asked = false;
	error = start_with_channel(gate);
	if (error == 0) {
		gate_expect_answer(gate);
		return;
	}
	LOG(system_error, .step = "gate start", .error = -error);
	start_later(gate);
}

static void
gate_timer(struct timer *timer, msec now)
{
	struct supervised_gate *gate = CONTAINER_OF(timer, struct supervised_gate, timer);

	(void)now;
	if (gate->pid == 0)
		gate_start(gate);
	else if (gate->supervisor->is_stopping || gate->is_draining)
		(void)priv_kill_gate(gate->pid);
	else
		gate_lied(gate, channel_message_name(MESSAGE_serving), "it did not answer in time");
}

void
gates_start(struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		gate_start(&supervisor->gates[i]);
}

/* --- end */

void
gate_give_up(struct supervised_gate *gate)
{
	/* What it still had to say stays in the channel, and is heard when it is reaped. */
	loop_unwatch(gate->supervisor->loop, &gate->channel);
	if (gate->pid > 0)
		(void)priv_kill_gate(gate->pid);
}

void
gate_lied(struct supervised_gate *gate, const char *message, const char *rule)
{
	LOG(gate_lied, .gate = gate->number, .pid = gate->pid, .message = message, .rule = rule);
	/* Nothing more of it is believed. */
	loop_unwatch(gate->supervisor->loop, &gate->channel);
	if (gate->channel.fd >= 0)
		channel_close(util_take_fd(&gate->channel.fd));
	if (gate->pid > 0)
		(void)priv_kill_gate(gate->pid);
}

/* Whoever waits for a place that the dead gate held can have it now. */
static void
wake_all(struct supervisor *supervisor)
{
	for (struct supervised_gate *gate = NULL; (gate = gates_next(supervisor, gate)) != NULL;)
		handover_wake(gate, MESSAGE_WAKE_ALL);
}

static void
clear_away(struct supervised_gate *gate)
{
	struct supervisor *supervisor = gate->supervisor;

	/* Reaped: the number may be anybody's by now. And of what it still had to say, starts and
	 * places that it gave back are all that matter. */
	gate->pid = 0;
	gate->phase = CHANNEL_STOP;
	dispatch_drain(gate);
	control_census_gate_gone(gate);
	if (gate->channel.fd >= 0) {
		loop_unwatch(supervisor->loop, &gate->channel);
		channel_close(util_take_fd(&gate->channel.fd));
	}
	loop_stop_timer(supervisor->loop, &gate->timer);
	loop_stop_timer(supervisor->loop, &gate->retry);
	gate->phase = CHANNEL_HELLO;
	gate->stage = HANDOVER_NONE;
	if (gate->writer != 0) {
		shared_forget_writer(supervisor->shared, gate->writer);
		shared_holds_forget_writer(supervisor->sources, gate->writer);
	}
	gate->writer = 0;
	/* One that drains has given up hearing programs. */
	if (!gate->is_draining)
		handlers_orphan(supervisor, gate->number);
	wake_all(supervisor);
}

static struct supervised_gate *
find_gate(struct supervisor *supervisor, pid_t pid)
{
	struct supervised_gate *gate = NULL;

	while ((gate = gates_next(supervisor, gate)) != NULL && gate->pid != pid)
		continue;
	return gate;
}

static void
quit_when_all_ended(struct supervisor *supervisor)
{
	for (const struct supervised_gate *gate = NULL;
		(gate = gates_next(supervisor, gate)) != NULL;)
		if (gate->pid != 0)
			return;
	loop_quit(supervisor->loop);
}

bool
gates_reaped(struct supervisor *supervisor, pid_t pid, int status)
{
	struct supervised_gate *gate = find_gate(supervisor, pid);

	if (gate == NULL)
		return false;
	clear_away(gate);
	if (supervisor->is_stopping) {
		quit_when_all_ended(supervisor);
		return true;
	}
	if (gate->is_draining) {
		draining_ended(gate, pid, status);
		return true;
	}
	/* Not as early as the trial: if that fails, this one has to be replaced as at any time. */
	if (supervisor->upgrade.stage == UPGRADE_DRAINING) {
		draining_tell_end(gate, pid, status);
		upgrade_let_go(gate);
		return true;
	}
	if (loop_now(supervisor->loop) - gate->started >= SETTLED_MS)
		gate->backoff = 0;
	kept_gate_died(gate);
	LOG(gate_ended, .gate = gate->number, .pid = pid,
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		.restart_ms = gate->backoff);
	supervisor->deaths++;
	measures_gate_died(supervisor);
	if (!supervisor->is_ready && !legacy_is_of_upgrade(supervisor) &&
		supervisor->deaths >= EARLY_DEATHS_MAX) {
		/* Gates do not work here at all: say so with the exit status, not for ever. */
		supervisor->has_failed = true;
		loop_quit(supervisor->loop);
		return true;
	}
	start_later(gate);
	reload_gates_changed(supervisor);
	return true;
}

bool
gates_all_serve(const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		if (supervisor->gates[i].phase != CHANNEL_SERVE)
			return false;
	return true;
}

void
gates_wake(struct supervisor *supervisor, uint32_t row)
{
	uint64_t waiting = shared_take_waiting(supervisor->shared, row);

	if ((waiting & 1) != 0)
		waiting_wake(supervisor, row);
	for (struct supervised_gate *gate = NULL;
		waiting > 1 && (gate = gates_next(supervisor, gate)) != NULL;)
		if (gate->writer != 0 && (waiting & UINT64_C(1) << gate->writer) != 0)
			handover_wake(gate, row);
}

void
gates_stop(struct supervisor *supervisor, msec grace)
{
	const struct message_stop body = { .grace_ms = (uint32_t)grace };

	for (struct supervised_gate *gate = NULL; (gate = gates_next(supervisor, gate)) != NULL;) {
		loop_stop_timer(supervisor->loop, &gate->timer);
		loop_stop_timer(supervisor->loop, &gate->retry);
		if (gate->pid == 0)
			continue;
		gate->stage = HANDOVER_NONE;
		gate->phase = CHANNEL_STOP;
		if (gate->is_foreign ||
			channel_send(gate->channel.fd, MESSAGE_stop, &body, NULL, 0, NULL, 0) < 0)
			(void)priv_kill_gate(gate->pid);
		(void)loop_set_timer(supervisor->loop, &gate->timer,
			loop_now(supervisor->loop) + grace + KILL_AFTER_GRACE_MS);
	}
	quit_when_all_ended(supervisor);
}
