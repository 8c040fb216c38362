/* SPDX-License-Identifier: ISC */
/* Programs whose stderr no gate reads yet, oldest first, and the moment when one gets it. */
#include "supervisor/hearing.h"

#include "supervisor/handover.h"

#include <errno.h>
#include <poll.h>

/* Long enough for a program that answers and ends, short enough for who watches the log. */
#define MOMENT_MS 50

static void
leave_list(struct supervisor *supervisor, struct handler *handler)
{
	struct handler **from_older =
		handler->older != NULL ? &handler->older->newer : &supervisor->oldest_unheard;
	struct handler **from_newer =
		handler->newer != NULL ? &handler->newer->older : &supervisor->newest_unheard;

	*from_older = handler->newer;
	*from_newer = handler->older;
	handler->older = handler->newer = NULL;
	handler->is_waiting = false;
}

static bool
can_take(const struct supervised_gate *gate)
{
	return gate->channel.fd >= 0 && gate->phase != CHANNEL_HELLO;
}

int
hearing_give(struct supervised_gate *gate, struct handler *handler)
{
	const struct message_adopt body = { .connection = handler->connection,
		.row = handler->row,
		.pid = (uint32_t)handler->pid };
	int error = can_take(gate) ? channel_send(gate->channel.fd, MESSAGE_adopt, &body, NULL, 0,
					     &handler->stderr_fd, 1)
				   : -EAGAIN;

	if (error == 0) {
		handler->is_heard = true;
		handler->is_orphan = false;
	}
	return error;
}

static void
moment_is_over(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, hearing_timer);
	struct handler *handler;

	while ((handler = supervisor->oldest_unheard) != NULL &&
		now - handler->started >= MOMENT_MS) {
		struct supervised_gate *gate = &supervisor->gates[handler->gate];

		leave_list(supervisor, handler);
		if (hearing_give(gate, handler) < 0) {
			handler->is_orphan = true;
			handover_adopt(gate);
		}
	}
	if (handler != NULL)
		(void)loop_set_timer(supervisor->loop, timer, handler->started + MOMENT_MS);
}

void
hearing_init(struct supervisor *supervisor)
{
	supervisor->hearing_timer.expired = moment_is_over;
}

void
hearing_begin(struct supervisor *supervisor, struct handler *handler)
{
	if (handler->stderr_fd < 0)
		return;
	handler->is_waiting = true;
	handler->older = supervisor->newest_unheard;
	if (handler->older != NULL)
		handler->older->newer = handler;
	else
		supervisor->oldest_unheard = handler;
	supervisor->newest_unheard = handler;
	/* A timer that finds its program gone sets itself anew: one for a moment, not one for each
	 * program. */
	if (supervisor->hearing_timer.place == 0)
		(void)loop_set_timer(supervisor->loop, &supervisor->hearing_timer,
			handler->started + MOMENT_MS);
}

/* Bytes, or a writer that lives on: then somebody has to read it. */
static bool
has_something(int stderr_fd)
{
	struct pollfd pipe_state = { .fd = stderr_fd, .events = POLLIN };

	return poll(&pipe_state, 1, 0) == 0 || (pipe_state.revents & POLLIN) != 0;
}

void
hearing_end(struct supervisor *supervisor, struct handler *handler)
{
	if (handler->stderr_fd < 0)
		return;
	if (handler->is_waiting)
		leave_list(supervisor, handler);
	/* A gate that is behind or gone at this very moment costs the program's last words. */
	if (!handler->is_heard && has_something(handler->stderr_fd))
		(void)hearing_give(&supervisor->gates[handler->gate], handler);
	(void)close(handler->stderr_fd);
}
