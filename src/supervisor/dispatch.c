/* SPDX-License-Identifier: ISC */
/* What gates say. Each message has passed the channel's rules; here its content is checked
 * against what the supervisor knows, and a gate that lies is ended. */
#include "supervisor/dispatch.h"

#include "supervisor/bans.h"
#include "supervisor/control.h"
#include "supervisor/gates.h"
#include "supervisor/handlers.h"
#include "supervisor/handover.h"
#include "supervisor/kept.h"
#include "supervisor/reload.h"
#include "supervisor/upgrade.h"
#include "supervisor/watchdog.h"

#include <errno.h>
#include <sys/epoll.h>

/* So many messages of one gate before the others get their turn. */
#define MESSAGES_AT_ONCE 64
#define DRAIN_MAX 8192

static void
say_hello(struct supervised_gate *gate, const struct message_hello *hello)
{
	if (hello->version != CHANNEL_VERSION) {
		gate_lied(gate, "hello", "it is of another version");
		return;
	}
	if (gate->phase != CHANNEL_STOP) /* else it has been told to stop before it could speak */
		handover_begin(gate);
}

static void
say_serving(struct supervised_gate *gate, const struct message_serving *serving)
{
	if (gate->phase == CHANNEL_STOP)
		return; /* it was under way when the gate was told to stop */
	if (serving->generation != gate->supervisor->generation) {
		gate_lied(gate, "serving", "it was not asked to serve that");
		return;
	}
	if (serving->error != 0) {
		LOG(system_error, .step = "gate set-up", .error = serving->error);
		gate_give_up(gate);
		return;
	}
	gate->phase = CHANNEL_SERVE;
	loop_stop_timer(gate->supervisor->loop, &gate->timer);
	if (!gate->has_served)
		LOG(gate_started, .gate = gate->number, .pid = gate->pid);
	gate->has_served = true;
	kept_arrived(gate);
	reload_gates_changed(gate->supervisor);
}

/* A service that is gone, or has no program, is no lie: the gate may not have taken the
 * configuration yet in which that is so. */
static const char *
spawn_is_wrong(const struct supervisor *supervisor, const struct message *message)
{
	const struct message_spawn *request = &message->body.spawn;

	if (request->row >= supervisor->row_count)
		return "it names no service";
	if (request->protocol >= PROTOCOL_COUNT)
		return "it names no protocol";
	if (request->stdio > CONFIG_STDIO_PTY)
		return "it names no standard input";
	if (message->fd_count != (request->stdio == CONFIG_STDIO_PIPE ? 2 : 1))
		return "it has other descriptors than its standard input takes";
	return NULL;
}

static void
say_spawn(struct supervised_gate *gate, struct message *message)
{
	const char *wrong = spawn_is_wrong(gate->supervisor, message);

	if (wrong != NULL)
		gate_lied(gate, "spawn", wrong);
	else
		handlers_start(gate, &message->body.spawn, message->fds);
}

static void
say_freed(struct supervised_gate *gate, const struct message_freed *freed)
{
	if (freed->row >= gate->supervisor->row_count)
		gate_lied(gate, "freed", "it names no service");
	else
		gates_wake(gate->supervisor, freed->row);
}

static void
say_banned(struct supervised_gate *gate, const struct message_banned *banned)
{
	const char *wrong = bans_told(gate->supervisor, banned);

	if (wrong != NULL)
		gate_lied(gate, "banned", wrong);
}

static void
say_counted(struct supervised_gate *gate, const struct message_counted *counted)
{
	const char *wrong = control_census_counted(gate, counted);

	if (wrong != NULL)
		gate_lied(gate, "counted", wrong);
}

/* The cases of messages that go another way. */
#define MESSAGE(name, direction, ...) CASE_##direction(name)
#define CASE_TO_GATE(name) case MESSAGE_##name:
#define CASE_TO_SUPERVISOR(name)
#define CASE_TO_RESOLVER(name) case MESSAGE_##name:
#define CASE_FROM_RESOLVER(name) case MESSAGE_##name:
#define CASE_QUESTION(name) case MESSAGE_##name:
#define CASE_ANSWER(name) case MESSAGE_##name:

static void
dispatch_message(struct supervised_gate *gate, struct message *message)
{
	switch (message->type) {
	case MESSAGE_hello:
		say_hello(gate, &message->body.hello);
		break;
	case MESSAGE_serving:
		say_serving(gate, &message->body.serving);
		break;
	case MESSAGE_spawn:
		say_spawn(gate, message);
		break;
	case MESSAGE_freed:
		say_freed(gate, &message->body.freed);
		break;
	case MESSAGE_banned:
		say_banned(gate, &message->body.banned);
		break;
	case MESSAGE_pong:
		watchdog_answered(gate);
		break;
	case MESSAGE_kept:
		if (!kept_take(gate, message))
			gate_lied(gate, "kept", "it was not offered to keep so many");
		break;
	case MESSAGE_let_go:
		upgrade_let_go(gate);
		break;
	case MESSAGE_counted:
		say_counted(gate, &message->body.counted);
		break;
	case MESSAGE_drained: /* its exit, which follows, is what is waited for */
	case MESSAGE_NONE:    /* from here on: the channel lets none of them through */
#include "effects/messages.def"
#undef MESSAGE
	case MESSAGE_COUNT:
		break;
	}
}

/* 1: there may be more, 0: not now, -errno: the channel is no use any more. */
static int
receive_one(struct supervised_gate *gate)
{
	struct message *message = gate->supervisor->message;
	const char *rule = NULL;
	int got = channel_receive(gate->channel.fd, CHANNEL_TO_SUPERVISOR, gate->phase, message,
		&rule);

	if (got == -EPROTO)
		gate_lied(gate, channel_message_name(message->type), rule);
	if (got <= 0)
		return got;
	dispatch_message(gate, message);
	channel_done(message);
	return gate->channel.fd >= 0 ? 1 : -EPIPE;
}

void
dispatch_ready(struct watch *watch, uint32_t events)
{
	struct supervised_gate *gate = CONTAINER_OF(watch, struct supervised_gate, channel);
	int got = 1;

	if ((events & EPOLLOUT) != 0)
		handover_continue(gate);
	for (int i = 0; gate->channel.fd >= 0 && got > 0 && i < MESSAGES_AT_ONCE; i++)
		got = receive_one(gate);
	if (got < 0 && gate->channel.fd >= 0)
		gate_give_up(gate);
}

void
dispatch_drain(struct supervised_gate *gate)
{
	/* No more than a queue can hold: a gate gone bad may have given its end to a program that
	 * writes on and on. */
	for (int i = 0; i < DRAIN_MAX && gate->channel.fd >= 0; i++)
		if (receive_one(gate) <= 0)
			break;
}
