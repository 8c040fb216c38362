/* SPDX-License-Identifier: ISC */
/* The control socket itself: made, and who comes there let in. */
#include "supervisor/control.h"

#include "base/shared_log.h"
#include "supervisor/control_peer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BACKLOG 64
#define ACCEPTED_AT_ONCE 8

static void
somebody_comes(struct watch *watch, uint32_t events)
{
	struct control *control = CONTAINER_OF(watch, struct control, listener);

	(void)events;
	for (int i = 0; i < ACCEPTED_AT_ONCE; i++) {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		int conn_fd = accept4(watch->fd, (struct sockaddr *)&from, &length,
			SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (conn_fd < 0)
			return;
		control_peer_begin(control, conn_fd);
	}
}

static void
turn_ends(struct after *after, msec now)
{
	struct control *control = CONTAINER_OF(after, struct control, after);
	struct control_peer *next;
	bool has_more = false;

	for (struct control_peer *peer = control->peers; peer != NULL; peer = next) {
		has_more |= control_peer_turn(peer);
		next = peer->next;
		if (peer->is_broken)
			control_peer_free(control, peer);
	}
	if (has_more)
		(void)loop_set_timer(control->supervisor->loop, &control->next_turn, now);
}

/* That it turns is all that was wanted. */
static void
next_turn_begins(struct timer *timer, msec now)
{
	(void)timer;
	(void)now;
}

int
control_init(struct supervisor *supervisor)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return -ENOMEM;
	control->supervisor = supervisor;
	control->base_fd = -1;
	control->opened = loop_now(supervisor->loop);
	control->listener = (struct watch){ .fd = -1, .events = EPOLLIN, .ready = somebody_comes };
	control->after.turn_ends = turn_ends;
	control->next_turn.expired = next_turn_begins;
	supervisor->control = control;
	loop_add_after(supervisor->loop, &control->after);
	return 0;
}

static int
open_in(struct control *control, const char *run_dir)
{
	auto_close int listen_fd = -1;
	auto_free char *path = NULL;
	int error = local_listen(&listen_fd, run_dir, CONTROL_SOCKET, BACKLOG);

	if (error < 0)
		return error;
	if (asprintf(&path, "%s/%s", run_dir, CONTROL_SOCKET) < 0)
		return -ENOMEM;
	/* The group is looked up once: a change of it takes a restart, as it does for programs. */
	control->has_group = priv_look_up_group(CONTROL_GROUP, &control->group) == 0;
	error = control->has_group && priv_is_root()
		? priv_own_socket_file(path, (uid_t)-1, control->group, 0660)
		: priv_own_socket_file(path, (uid_t)-1, (gid_t)-1, 0600);
	if (error < 0)
		return error;
	control->listener.fd = spawn_move_high(listen_fd);
	if (control->listener.fd < 0)
		return control->listener.fd;
	(void)util_take_fd(&listen_fd);
	return loop_watch(control->supervisor->loop, &control->listener);
}

int
control_open(struct supervisor *supervisor)
{
	const char *run_dir = supervisor->settings->run_dir;

	log_keep(log_ring_add, shared_log(supervisor->shared, SHARED_SUPERVISOR));
	return run_dir != NULL ? open_in(supervisor->control, run_dir) : 0;
}

void
control_fini(struct supervisor *supervisor)
{
	struct control *control = supervisor->control;

	if (control == NULL)
		return;
	loop_stop_timer(supervisor->loop, &control->next_turn);
	loop_stop_timer(supervisor->loop, &control->draining);
	loop_stop_timer(supervisor->loop, &control->following);
	control_settings_forget(supervisor);
	while (control->peers != NULL)
		control_peer_free(control, control->peers);
	if (control->listener.fd >= 0)
		(void)close(control->listener.fd);
	json_decref(control->plan);
	free(control);
	supervisor->control = NULL;
}
