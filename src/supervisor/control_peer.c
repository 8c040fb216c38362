/* SPDX-License-Identifier: ISC */
/* Those who are connected to the control socket: what they send, what they are owed. */
#include "supervisor/control_peer.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>

#define READ_AT_ONCE 16384
#define PATIENCE_MS 30000           /* with one who does not take what it asked for */
#define OUTPUT_KEPT_MAX (64U << 10) /* memory that one who is idle may keep */

bool
control_is_behind(const struct control_peer *peer)
{
	return peer->sent < peer->output.length;
}

/* --- answers */

static void
close_call(struct control_peer *peer)
{
	if (peer->free_context != NULL)
		peer->free_context(peer->context);
	peer->context = NULL;
	peer->free_context = NULL;
	peer->go_on = NULL;
	peer->verb = NULL;
	varlink_message_fini(&peer->call);
}

void
control_add_answer(struct control_peer *peer, json_t *parameters)
{
	if (parameters == NULL || varlink_write_reply(&peer->output, parameters, true) == -ENOMEM)
		peer->is_broken = true;
}

void
control_answer_with(struct control_peer *peer, json_t *parameters, int passed_fd)
{
	int error = parameters == NULL ? -ENOMEM : 0;

	peer->passed_fd = passed_fd;
	if (peer->call.is_oneway)
		json_decref(parameters);
	else if (error == 0)
		error = varlink_write_reply(&peer->output, parameters, false);
	if (error == -ENOBUFS)
		error = varlink_write_error(&peer->output, CONTROL_ERROR("TooLong"), NULL);
	if (error < 0)
		peer->is_broken = true;
	close_call(peer);
}

void
control_answer(struct control_peer *peer, json_t *parameters)
{
	control_answer_with(peer, parameters, -1);
}

void
control_fail(struct control_peer *peer, const char *error, json_t *parameters)
{
	if (peer->call.is_oneway)
		json_decref(parameters);
	else if (varlink_write_error(&peer->output, error, parameters) < 0)
		peer->is_broken = true;
	close_call(peer);
}

void
control_fail_parameter(struct control_peer *peer, const char *parameter)
{
	control_fail(peer, VARLINK_ERROR("InvalidParameter"),
		json_pack("{s:o}", "parameter", varlink_text(parameter, strlen(parameter))));
}

void
control_fail_reason(struct control_peer *peer, const char *reason)
{
	control_fail(peer, CONTROL_ERROR("Failed"),
		json_pack("{s:o}", "reason", varlink_text(reason, strlen(reason))));
}

const char *
control_text(const struct control_peer *peer, const char *name)
{
	return json_string_value(json_object_get(peer->call.parameters, name));
}

int64_t
control_number(const struct control_peer *peer, const char *name, int64_t otherwise)
{
	const json_t *value = json_object_get(peer->call.parameters, name);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

struct control_peer *
control_next_waiting(const struct supervisor *supervisor, enum control_id id,
	const struct control_peer *after)
{
	struct control_peer *peer = NULL;

	if (after != NULL)
		peer = after->next;
	else if (supervisor->control != NULL)
		peer = supervisor->control->peers;
	while (peer != NULL && (peer->verb == NULL || peer->verb->id != id || peer->is_broken))
		peer = peer->next;
	return peer;
}

/* --- bytes */

static void
send_output(struct control_peer *peer)
{
	while (control_is_behind(peer)) {
		ssize_t sent = local_send(peer->watch.fd, peer->output.text + peer->sent,
			peer->output.length - peer->sent, peer->passed_fd);

		if (sent == -EAGAIN)
			return;
		if (sent < 0) {
			peer->is_broken = true;
			return;
		}
		if (peer->passed_fd >= 0)
			(void)close(util_take_fd(&peer->passed_fd));
		peer->sent += (size_t)sent;
		peer->moved = loop_now(peer->supervisor->loop);
	}
	peer->sent = 0;
	if (peer->output.room > OUTPUT_KEPT_MAX)
		textbuf_fini(&peer->output);
	else
		textbuf_reset(&peer->output);
}

static void
receive(struct control_peer *peer)
{
	char bytes[READ_AT_ONCE];
	ssize_t length = local_receive(peer->watch.fd, bytes, sizeof(bytes), NULL);

	if (length == -EAGAIN)
		return;
	if (length == 0)
		peer->is_at_end = true;
	else if (length < 0 || varlink_input_add(&peer->input, bytes, (size_t)length) < 0)
		peer->is_broken = true;
	peer->moved = loop_now(peer->supervisor->loop);
}

static void
peer_ready(struct watch *watch, uint32_t events)
{
	struct control_peer *peer = CONTAINER_OF(watch, struct control_peer, watch);

	/* What follows is done at the end of the turn. */
	if ((watch->events & EPOLLIN) != 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		receive(peer);
	else if ((events & (EPOLLHUP | EPOLLERR)) != 0)
		peer->is_broken = true;
}

static void
out_of_patience(struct timer *timer, msec now)
{
	(void)now;
	CONTAINER_OF(timer, struct control_peer, patience)->is_broken = true;
}

/* Can something be done for it now, without waiting for anybody? */
static bool
has_work(const struct control_peer *peer)
{
	if (peer->is_broken || control_is_behind(peer))
		return false;
	return peer->verb != NULL ? peer->go_on != NULL : varlink_input_has_next(&peer->input);
}

/* Nothing is read from one whose call is open, or who does not take its reply. That it is gone is
 * told all the same; that it has only said its last word, as `nc -N` does, changes nothing. Of one
 * that has sent more calls already nothing is wanted at all: they are done, even if it is gone. */
static void
watch_again(struct control_peer *peer)
{
	struct loop *loop = peer->supervisor->loop;
	uint32_t events = EPOLLIN;

	if (control_is_behind(peer))
		events = EPOLLOUT;
	else if (has_work(peer))
		events = 0;
	else if (peer->verb != NULL)
		events = EPOLLPRI;
	if (loop_rewatch(loop, &peer->watch, events) < 0)
		peer->is_broken = true;
	if (!control_is_behind(peer))
		loop_stop_timer(loop, &peer->patience);
	else if (peer->patience.place == 0 || peer->moved == loop_now(loop))
		(void)loop_set_timer(loop, &peer->patience, loop_now(loop) + PATIENCE_MS);
}

bool
control_peer_turn(struct control_peer *peer)
{
	const char *text = NULL;
	size_t length = 0;

	send_output(peer);
	if (has_work(peer)) {
		if (peer->verb != NULL)
			peer->go_on(peer);
		else
			text = varlink_input_next(&peer->input, &length);
		if (text != NULL)
			control_dispatch(peer, text, length);
		if (!peer->is_broken)
			send_output(peer);
	}
	if (peer->is_at_end && peer->verb == NULL && !control_is_behind(peer) && !has_work(peer))
		peer->is_broken = true;
	if (!peer->is_broken)
		watch_again(peer);
	return has_work(peer);
}

/* --- coming and going */

static enum control_right
right_of(const struct local_peer *who)
{
	return who->uid == 0 || who->uid == geteuid() ? CONTROL_CHANGE : CONTROL_LOOK;
}

/* The socket's mode has let it in. What has changed since then is asked here. */
static bool
may_look(const struct control *control, int conn_fd, const struct local_peer *who)
{
	uint32_t lookers = 0;

	for (const struct control_peer *peer = control->peers; peer != NULL; peer = peer->next)
		lookers += peer->right == CONTROL_LOOK;
	return lookers < CONTROL_LOOKERS_MAX && control->has_group &&
		local_peer_is_in(conn_fd, who, control->group);
}

/* Somebody new is more than we keep: the one goes that has asked for nothing for the longest time,
 * whoever waits for an answer stays, and nobody who may change something goes for a looker. */
static bool
make_room(struct control *control, enum control_right right)
{
	struct control_peer *idlest = NULL;

	if (control->peer_count < CONTROL_PEERS_MAX)
		return true;
	for (struct control_peer *peer = control->peers; peer != NULL; peer = peer->next)
		if (peer->verb == NULL && peer->right <= right &&
			(idlest == NULL || peer->moved <= idlest->moved))
			idlest = peer;
	if (idlest != NULL)
		control_peer_free(control, idlest);
	return idlest != NULL;
}

/* Judged before room is made: who is not let in pushes nobody out. */
static struct control_peer *
let_in(struct control *control, int conn_fd)
{
	struct local_peer who;
	enum control_right right;
	struct control_peer *peer = NULL;

	if (local_ask_peer(conn_fd, &who) < 0)
		return NULL;
	right = right_of(&who);
	if ((right == CONTROL_CHANGE || may_look(control, conn_fd, &who)) &&
		make_room(control, right))
		peer = calloc(1, sizeof(*peer));
	if (peer != NULL) {
		peer->who = who;
		peer->right = right;
	}
	return peer;
}

void
control_peer_begin(struct control *control, int conn_fd)
{
	struct supervisor *supervisor = control->supervisor;
	int high_fd = spawn_move_high(conn_fd);
	struct control_peer *peer;

	/* The old one stays if it cannot be moved. */
	if (high_fd < 0)
		high_fd = conn_fd;
	peer = let_in(control, high_fd);
	if (peer == NULL) {
		local_close(high_fd);
		return;
	}
	peer->watch = (struct watch){ .fd = high_fd, .events = EPOLLIN, .ready = peer_ready };
	peer->supervisor = supervisor;
	peer->moved = loop_now(supervisor->loop);
	peer->input = VARLINK_INPUT_INIT(VARLINK_CALL_MAX);
	peer->output = TEXTBUF_INIT(CONTROL_OUTPUT_MAX);
	peer->passed_fd = -1;
	peer->patience.expired = out_of_patience;
	peer->next = control->peers;
	control->peers = peer;
	control->peer_count++;
	if (loop_watch(supervisor->loop, &peer->watch) < 0) {
		peer->watch.events = 0;
		peer->is_broken = true;
	}
}

void
control_peer_free(struct control *control, struct control_peer *peer)
{
	struct control_peer **place = &control->peers;

	while (*place != peer)
		place = &(*place)->next;
	*place = peer->next;
	control->peer_count--;
	close_call(peer);
	loop_stop_timer(control->supervisor->loop, &peer->patience);
	loop_unwatch(control->supervisor->loop, &peer->watch);
	local_close(peer->watch.fd);
	if (peer->passed_fd >= 0)
		(void)close(peer->passed_fd);
	varlink_input_fini(&peer->input);
	textbuf_fini(&peer->output);
	free(peer);
}
