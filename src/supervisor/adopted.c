/* SPDX-License-Identifier: ISC */
/* Programs of an earlier reeved. */
#include "supervisor/adopted.h"

#include "effects/process.h"
#include "supervisor/handlers.h"

#include <errno.h>
#include <sys/epoll.h>

struct adopted {
	struct watch watch; /* fd: a pidfd */
	struct supervisor *supervisor;
	pid_t pid;
};

static void
has_ended(struct watch *watch, uint32_t events)
{
	struct adopted *adopted = CONTAINER_OF(watch, struct adopted, watch);

	(void)events;
	handlers_ended_unseen(adopted->supervisor, adopted->pid);
}

int
adopted_begin(struct supervisor *supervisor, struct handler *handler, uint64_t birth)
{
	auto_close int pid_fd = process_open(handler->pid, birth);
	struct adopted *adopted;
	int error;

	if (pid_fd < 0)
		return pid_fd;
	adopted = calloc(1, sizeof(*adopted));
	if (adopted == NULL)
		return -ENOMEM;
	error = spawn_move_high(pid_fd);
	*adopted =
		(struct adopted){ .watch = { .fd = error, .events = EPOLLIN, .ready = has_ended },
			.supervisor = supervisor,
			.pid = handler->pid };
	if (error >= 0) {
		(void)util_take_fd(&pid_fd);
		error = loop_watch(supervisor->loop, &adopted->watch);
		if (error < 0)
			(void)close(adopted->watch.fd);
	}
	if (error < 0) {
		free(adopted);
		return error;
	}
	handler->adopted = adopted;
	return 0;
}

void
adopted_end(struct supervisor *supervisor, struct handler *handler)
{
	struct adopted *adopted = handler->adopted;

	if (adopted == NULL)
		return;
	loop_unwatch(supervisor->loop, &adopted->watch);
	(void)close(adopted->watch.fd);
	free(adopted);
	handler->adopted = NULL;
}
