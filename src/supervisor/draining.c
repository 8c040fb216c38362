/* SPDX-License-Identifier: ISC */
/* Gates that drain. */
#include "supervisor/draining.h"

#include "supervisor/dispatch.h"
#include "supervisor/gates.h"
#include "supervisor/handover.h"
#include "supervisor/upgrade.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#define KILL_AFTER_MS 2000 /* it cuts its connections itself */

/* Places that one of another build gives back cannot be told: whoever waits looks now and then. */
#define LOOK_MS 1000

static void
time_is_over(struct timer *timer, msec now)
{
	struct supervised_gate *gate = CONTAINER_OF(timer, struct supervised_gate, timer);

	(void)now;
	(void)priv_kill_gate(gate->pid);
}

static void
look(struct timer *timer, msec now)
{
	struct supervised_gate *gate = CONTAINER_OF(timer, struct supervised_gate, retry);
	struct supervisor *supervisor = gate->supervisor;

	for (struct supervised_gate *other = NULL; (other = gates_next(supervisor, other)) != NULL;)
		handover_wake(other, MESSAGE_WAKE_ALL);
	(void)loop_set_timer(supervisor->loop, timer, now + LOOK_MS);
}

static int
begin(struct supervised_gate *gate)
{
	struct loop *loop = gate->supervisor->loop;
	int error = loop_set_timer(loop, &gate->timer, gate->until + KILL_AFTER_MS);

	if (error < 0)
		return error;
	/* The end of its channel would end it, so that one is kept without being read. */
	if (gate->is_foreign)
		return loop_set_timer(loop, &gate->retry, loop_now(loop) + LOOK_MS);
	return loop_watch(loop, &gate->channel);
}

int
draining_take(struct supervisor *supervisor, const struct supervised_gate *from)
{
	struct supervised_gate *gate = calloc(1, sizeof(*gate));
	int error = gate != NULL ? 0 : -ENOMEM;

	if (gate == NULL) {
		(void)priv_kill_gate(from->pid);
		return error;
	}
	*gate = (struct supervised_gate){ .supervisor = supervisor,
		.number = from->number,
		.instance = from->instance,
		.writer = from->writer,
		.pid = from->pid,
		.channel = { .fd = from->channel.fd, .events = EPOLLIN, .ready = dispatch_ready },
		.phase = CHANNEL_STOP,
		.timer = { .expired = time_is_over },
		.retry = { .expired = from->is_foreign ? look : handover_retry },
		.started = from->started,
		.until = from->until,
		.is_draining = true,
		.is_foreign = from->is_foreign,
		.next_draining = supervisor->first_draining };
	supervisor->first_draining = gate;
	error = begin(gate);
	/* Reaped, it is taken out again. */
	if (error < 0)
		(void)priv_kill_gate(gate->pid);
	return error;
}

bool
draining_make_room(struct supervisor *supervisor)
{
	const struct message_stop body = { .grace_ms = 0 };
	uint32_t wanted = supervisor->gate_count + 1;
	struct supervised_gate *gate = NULL;

	while ((gate = gates_next(supervisor, gate)) != NULL)
		wanted += gate->writer != 0;
	/* With so many gates that there is never room, the new ones wait until these have ended. */
	if (wanted <= shared_writers(supervisor->shared) || supervisor->first_draining == NULL)
		return true;
	for (gate = supervisor->first_draining; gate != NULL; gate = gate->next_draining)
		if (gate->is_foreign || gate->channel.fd < 0 ||
			channel_send(gate->channel.fd, MESSAGE_stop, &body, NULL, 0, NULL, 0) < 0)
			(void)priv_kill_gate(gate->pid);
	return false;
}

static struct supervised_gate *
draining_free(struct supervised_gate *gate)
{
	struct loop *loop = gate->supervisor->loop;

	loop_stop_timer(loop, &gate->timer);
	loop_stop_timer(loop, &gate->retry);
	if (gate->channel.fd >= 0) {
		loop_unwatch(loop, &gate->channel);
		channel_close(gate->channel.fd);
	}
	free(gate);
	return NULL;
}

void
draining_tell_end(const struct supervised_gate *gate, pid_t pid, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		LOG(gate_drained, .gate = gate->number, .pid = pid);
	else
		LOG(gate_ended, .gate = gate->number, .pid = pid,
			.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
			.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0);
}

void
draining_ended(struct supervised_gate *gate, pid_t pid, int status)
{
	struct supervisor *supervisor = gate->supervisor;
	struct supervised_gate **place = &supervisor->first_draining;

	draining_tell_end(gate, pid, status);
	while (*place != gate)
		place = &(*place)->next_draining;
	*place = gate->next_draining;
	(void)draining_free(gate);
	upgrade_continue(supervisor);
}

void
draining_fini(struct supervisor *supervisor)
{
	while (supervisor->first_draining != NULL) {
		struct supervised_gate *next = supervisor->first_draining->next_draining;

		(void)draining_free(supervisor->first_draining);
		supervisor->first_draining = next;
	}
}
