/* SPDX-License-Identifier: ISC */
/* Limits of programs that outlive the reeved which started them. */
#include "supervisor/bounds.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

void
deadlines_save(const struct bounds *bounds, struct saved_bounds *ret_row)
{
	*ret_row = (struct saved_bounds){
		.session = bounds->handler == NULL ? (uint64_t)bounds->session : 0,
		.max_time = bounds->limits.max_time,
		.idle = bounds->limits.idle,
		.first_byte = bounds->limits.first_byte,
		.stop_timeout = bounds->limits.stop_timeout,
		.started = bounds->started,
		.due = bounds->timer.place != 0 ? bounds->timer.due : 0,
		.local = bounds->name.local,
		.peer = bounds->name.peer,
		.cookie = bounds->name.cookie,
		.was_seen = bounds->was_seen,
		.moved = bounds->moved,
		.in_ago_ms = bounds->in_ago_ms,
		.quiet = bounds->quiet,
		.last_signal = (uint64_t)bounds->last_signal,
		.due_signal = (uint64_t)bounds->due_signal,
		.tries = bounds->tries,
	};
}

bool
deadlines_save_member(const struct bounds *bounds, uint32_t place, struct saved_member *ret_row)
{
	if (place >= bounds->member_count)
		return false;
	*ret_row = (struct saved_member){ .pid = (uint64_t)bounds->members[place].pid,
		.fd = bounds->members[place].pid_fd };
	return true;
}

const struct bounds *
deadlines_next_remnant(const struct supervisor *supervisor, const struct bounds *bounds)
{
	return bounds != NULL ? bounds->next_remnant : supervisor->deadlines.first_remnant;
}

/* Only what we send ourselves is ever sent. */
static bool
is_signal(uint64_t signo)
{
	return signo == 0 || signo == SIGTERM || signo == SIGKILL;
}

static void
join(struct supervisor *supervisor, struct bounds *bounds)
{
	struct deadlines *deadlines = &supervisor->deadlines;

	if (bounds->handler != NULL) {
		bounds->handler->bounds = bounds;
	} else {
		bounds->next_remnant = deadlines->first_remnant;
		deadlines->first_remnant = bounds;
		deadlines->remnant_count++;
	}
	if (bounds->due_signal == 0)
		return;
	bounds->next_due = deadlines->first_due;
	deadlines->first_due = bounds;
	bounds_plan_walk(supervisor, loop_now(supervisor->loop));
}

int
deadlines_restore(struct supervisor *supervisor, struct handler *handler,
	const struct saved_bounds *row, struct bounds **ret_bounds)
{
	struct bounds *bounds;

	if (!is_signal(row->last_signal) || !is_signal(row->due_signal) ||
		row->session > INT32_MAX || (handler == NULL) != (row->session > 0) ||
		(handler != NULL && handler->bounds != NULL))
		return -EPROTO;
	bounds = calloc(1, sizeof(*bounds));
	if (bounds == NULL)
		return -ENOMEM;
	*bounds = (struct bounds){ .supervisor = supervisor,
		.handler = handler,
		.session = (pid_t)row->session,
		.limits = { .max_time = row->max_time,
			.idle = row->idle,
			.first_byte = row->first_byte,
			.stop_timeout = row->stop_timeout },
		.timer.expired = bounds_moment_has_come,
		.started = row->started,
		.name = { .local = row->local, .peer = row->peer, .cookie = row->cookie },
		.was_seen = row->was_seen,
		.moved = row->moved,
		.in_ago_ms = (uint32_t)row->in_ago_ms,
		.quiet = row->quiet,
		.last_signal = (int)row->last_signal,
		.due_signal = (int)row->due_signal,
		.tries = (uint32_t)row->tries };
	if (row->due > 0 && loop_set_timer(supervisor->loop, &bounds->timer, row->due) < 0) {
		free(bounds);
		return -ENOMEM;
	}
	join(supervisor, bounds);
	*ret_bounds = bounds;
	return 0;
}

int
deadlines_restore_member(struct bounds *bounds, struct saved_member *row)
{
	if (bounds == NULL || bounds->member_count == MEMBERS_MAX || row->fd < 0 ||
		row->pid > INT32_MAX)
		return -EPROTO;
	bounds->members[bounds->member_count++] =
		(struct member){ .pid = (pid_t)row->pid, .pid_fd = util_take_fd(&row->fd) };
	return 0;
}
