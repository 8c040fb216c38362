/* SPDX-License-Identifier: ISC */
/* The gate's life: confinement, the supervisor's messages, the end of each turn, stopping. */
#include "gate/gate.h"

#include "base/log.h"
#include "effects/confinement.h"
#include "effects/sandbox.h"
#include "gate/asking.h"
#include "gate/builtin.h"
#include "gate/carry.h"
#include "gate/census.h"
#include "gate/conn.h"
#include "gate/datagrams.h"
#include "gate/hall.h"
#include "gate/kept.h"
#include "gate/listener.h"
#include "gate/memory.h"
#include "gate/outbox.h"
#include "gate/relay.h"
#include "gate/rules.h"
#include "gate/said.h"
#include "gate/service.h"
#include "gate/setup.h"
#include "gate/state.h"
#include "gate/tarpit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Programs that may be heard when clients hold all descriptors that they may: out of the reserve of
 * setup_commit.c, which a configuration needs the rest of. */
#define SAID_BEYOND_MAX 16

/* The gate, and what only this file looks at. */
struct life {
	struct gate gate;
	struct watch channel;
	struct message message;
};

/* ---------------------------------------------------------------- stopping */

static void
close_listeners(struct gate *gate)
{
	for (struct service *service = gate->first_service; service; service = service->next)
		service->listeners = NULL;
	for (uint32_t i = 0; i < gate->listener_count; i++) {
		datagrams_forget(gate->datagrams, gate->listeners[i]);
		listener_free(gate->listeners[i], gate);
	}
	gate->listener_count = 0;
}

static void
say_drained(struct gate *gate, uint32_t cut)
{
	struct message_drained drained = { .connections_cut = cut };

	outbox_send(gate, MESSAGE_drained, &drained, -1);
	loop_stop_timer(gate->loop, &gate->grace);
	gate->is_drained = true;
}

static void
cut(struct gate *gate)
{
	uint32_t count = hall_cut(gate);

	count += conns_cut(gate, ENDING_SHUTDOWN);
	relays_cut(gate);
	say_drained(gate, count);
}

static void
grace_expired(struct timer *timer, msec now)
{
	struct gate *gate = CONTAINER_OF(timer, struct gate, grace);

	(void)now;
	cut(gate);
}

static void
stop(struct gate *gate, const struct message_stop *asked)
{
	gate->phase = CHANNEL_STOP;
	gate->setup = setup_free(gate->setup);
	close_listeners(gate);
	hall_stop(gate);
	tarpits_cut(gate);
	gate->grace.expired = grace_expired;
	/* Without clients the end of the turn finds that there is nothing to wait for. */
	if (loop_set_timer(gate->loop, &gate->grace, loop_now(gate->loop) + asked->grace_ms) < 0)
		cut(gate);
}

/* A socket whose datagrams are answered by programs is needed for what these have to say. The
 * supervisor has it open anyway, and the gate that serves it now reads it. */
static void
let_listeners_go(struct gate *gate)
{
	uint32_t kept = 0;

	/* Answers of this turn: nobody else has them. */
	datagrams_end_turn(gate->datagrams);
	for (struct service *service = gate->first_service; service; service = service->next)
		service->listeners = NULL;
	for (uint32_t i = 0; i < gate->listener_count; i++) {
		struct listener *listener = gate->listeners[i];

		if (listener->carries) {
			listener_let_go(listener, gate);
			gate->listeners[kept++] = listener;
			continue;
		}
		datagrams_forget(gate->datagrams, listener);
		listener_free(listener, gate);
	}
	gate->listener_count = kept;
}

static void
drain(struct gate *gate, const struct message *message)
{
	const struct message_drain *asked = &message->body.drain;
	struct message_let_go let_go;

	gate->phase = CHANNEL_STOP;
	gate->is_draining = true;
	gate->setup = setup_free(gate->setup);
	if (message->fd_count > 0)
		kept_save(gate, message->fds[0], asked->keep_max);
	let_listeners_go(gate);
	tarpits_cut(gate);
	said_end_all(gate);
	gate->grace.expired = grace_expired;
	if (loop_set_timer(gate->loop, &gate->grace, loop_now(gate->loop) + asked->grace_ms) < 0)
		cut(gate);
	let_go.connections = gate->conn_count;
	outbox_send(gate, MESSAGE_let_go, &let_go, -1);
}

/* Nobody is left for whom it could go on. One that was stopped has no listeners any more; one that
 * drains has kept those whose programs still have something to say. */
static bool
has_nobody(const struct gate *gate)
{
	if (gate->conn_count > 0)
		return false;
	for (uint32_t i = 0; i < gate->listener_count; i++)
		if (gate->listeners[i]->carries)
			return false;
	return true;
}

/* ---------------------------------------------------------------- messages */

static int
commit(struct gate *gate, const struct message_commit *asked, const char **ret_rule)
{
	struct message_serving serving = { .generation = asked->generation };
	int result = setup_check(gate, asked, ret_rule);

	if (result < 0)
		return result;
	serving.error = -setup_commit(gate);
	if (serving.error == 0)
		kept_restore(gate);
	util_trim_heap(); /* of the configuration before, or of the refused one */
	gate->phase = CHANNEL_SERVE;
	outbox_send(gate, MESSAGE_serving, &serving, -1);
	return 0;
}

static void
adopt(struct gate *gate, struct message *message)
{
	const struct message_adopt *orphan = &message->body.adopt;
	struct service *service = service_of_row(gate, orphan->row);

	/* The program's service may be gone by now: then what it says is lost, the program is not,
	 * for the supervisor holds the pipe. */
	if (!service)
		return;
	/* They come as programs were started, which may be more than fit beside the clients that
	 * were let in since. Without a descriptor for the next one the gate could not go on. */
	if (gate->descriptors >= gate->descriptors_max + SAID_BEYOND_MAX) {
		LOG(system_error, .step = "program's standard error", .error = EMFILE);
		return;
	}
	if (said_begin(service, util_take_fd(&message->fds[0]), orphan->connection, orphan->pid) ==
		0)
		listener_note_opened(gate);
}

static int
wake(struct gate *gate, uint32_t row)
{
	for (struct service *service = gate->first_service; service; service = service->next)
		if (service->is_full && (row == MESSAGE_WAKE_ALL || service->row == row))
			listener_resume_service(service);
	return 0;
}

/* A configuration that is on its way may have been told before. */
static int
hold(struct gate *gate, const struct message_hold *asked)
{
	for (uint32_t i = 0; gate->setup && i < gate->setup->rows_known; i++)
		if (gate->setup->services[i].row == asked->row)
			gate->setup->services[i].is_held = asked->is_held != 0;
	for (struct service *service = gate->first_service; service; service = service->next)
		if (service->row == asked->row)
			listener_hold_service(service, asked->is_held != 0);
	return 0;
}

/* Lines that cannot go to the new file go to the old one. */
static int
replace_log(const struct message *message)
{
	int error = log_replace_fd(message->fds[0]);

	if (error < 0)
		LOG(system_error, .step = "the log's new file", .error = -error);
	return 0;
}

static int
answer_ping(struct gate *gate)
{
	const struct message_pong pong = { .unused = 0 };

	outbox_send(gate, MESSAGE_pong, &pong, -1);
	return 0;
}

/* The cases of messages that go another way. */
#define MESSAGE(name, direction, ...) CASE_##direction(name)
#define CASE_TO_GATE(name)
#define CASE_TO_SUPERVISOR(name) case MESSAGE_##name:
#define CASE_TO_RESOLVER(name) case MESSAGE_##name:
#define CASE_FROM_RESOLVER(name) case MESSAGE_##name:
#define CASE_QUESTION(name) case MESSAGE_##name:
#define CASE_ANSWER(name) case MESSAGE_##name:

static int
obey(struct gate *gate, struct message *message, const char **ret_rule)
{
	switch (message->type) {
	case MESSAGE_config:
		gate->phase = CHANNEL_SETUP;
		return setup_begin(gate, message, ret_rule);
	case MESSAGE_services:
		return setup_add_services(gate, message, ret_rule);
	case MESSAGE_listeners:
		return setup_add_listeners(gate, message, ret_rule);
	case MESSAGE_access:
		return rules_receive(gate, message, ret_rule);
	case MESSAGE_file:
		return setup_add_file(gate, message, ret_rule);
	case MESSAGE_memory:
		memory_receive(&gate->setup->memory, message);
		return 0;
	case MESSAGE_commit:
		return commit(gate, &message->body.commit, ret_rule);
	case MESSAGE_resolver:
		return asking_take_channel(gate, util_take_fd(&message->fds[0]));
	case MESSAGE_wake:
		return wake(gate, message->body.wake.row);
	case MESSAGE_adopt:
		adopt(gate, message);
		return 0;
	case MESSAGE_ping:
		return answer_ping(gate);
	case MESSAGE_keep:
		return kept_receive(gate, message, ret_rule);
	case MESSAGE_log:
		return replace_log(message);
	case MESSAGE_stop:
		stop(gate, &message->body.stop);
		return 0;
	case MESSAGE_drain:
		drain(gate, message);
		return 0;
	case MESSAGE_census:
		return census_take(gate, &message->body.census, message->fds[0]);
	case MESSAGE_hold:
		return hold(gate, &message->body.hold);
	case MESSAGE_NONE:
#include "effects/messages.def"
#undef MESSAGE
	case MESSAGE_COUNT:
		break; /* channel_receive lets none of these through */
	}
	*ret_rule = "sent in the wrong direction";
	return -EPROTO;
}

static void
channel_ready(struct watch *watch, uint32_t events)
{
	struct life *life = CONTAINER_OF(watch, struct life, channel);
	struct gate *gate = &life->gate;
	struct message *message = &life->message;
	const char *rule = "";
	int result;

	if ((events & EPOLLOUT) && outbox_flush(gate)) {
		(void)loop_rewatch(gate->loop, watch, EPOLLIN);
		listener_resume_starved(gate);
	}
	if ((events & ~(uint32_t)EPOLLOUT) == 0)
		return;
	/* One message a turn: clients of the old configuration are not to wait for all of a large
	 * new one. */
	result = channel_receive(watch->fd, CHANNEL_TO_GATE, gate->phase, message, &rule);
	if (result == 0)
		return;
	if (result == 1) {
		result = obey(gate, message, &rule);
		channel_done(message);
	}
	if (result >= 0)
		return;
	/* The supervisor is gone, or not to be trusted: nobody would start programs, count, or
	 * tell us to stop. */
	if (result != -EPIPE)
		LOG(gate_rejected, .message = channel_message_name(message->type), .rule = rule);
	outbox_give_up();
}

/* ---------------------------------------------------------------- turns, the whole */

static void
tell_measures(const struct gate *gate)
{
	if (!gate->shared)
		return;
	shared_tell(gate->shared, gate->writer, PROCESS_gate_descriptors, gate->descriptors);
	shared_tell(gate->shared, gate->writer, PROCESS_gate_descriptors_limit,
		gate->descriptors_max);
	shared_tell(gate->shared, gate->writer, PROCESS_log_dropped_lines, log_lost());
}

static void
turn_ends(struct after *after, msec now)
{
	struct gate *gate = CONTAINER_OF(after, struct gate, after);
	struct life *life = CONTAINER_OF(gate, struct life, gate);

	(void)now;
	conns_end_turn(gate->conns);
	datagrams_end_turn(gate->datagrams);
	if (gate->phase == CHANNEL_STOP && !gate->is_drained && has_nobody(gate))
		say_drained(gate, 0);
	if (outbox_is_behind(gate->outbox))
		(void)loop_rewatch(gate->loop, &life->channel, EPOLLIN | EPOLLOUT);
	else if (gate->is_drained)
		loop_quit(gate->loop);
	log_flush();
	tell_measures(gate);
}

static int
life_init(struct life *life, int channel_fd)
{
	struct gate *gate = &life->gate;

	gate->phase = CHANNEL_HELLO;
	gate->loop = loop_new(NULL);
	if (!gate->loop)
		return -errno;
	gate->outbox = outbox_new(channel_fd);
	gate->conns = conns_new(gate);
	gate->datagrams = datagrams_new(gate);
	gate->carries = carries_new(gate);
	gate->relays = relays_new();
	if (!gate->outbox || !gate->conns || !gate->datagrams || !gate->carries || !gate->relays)
		return -ENOMEM;
	listener_init(gate);
	gate->load_looked = LONG_AGO;
	memory_init(&gate->memory);
	gate->after.turn_ends = turn_ends;
	loop_add_after(gate->loop, &gate->after);
	life->channel =
		(struct watch){ .fd = channel_fd, .events = EPOLLIN, .ready = channel_ready };
	return loop_watch(gate->loop, &life->channel);
}

static void
life_fini(struct life *life)
{
	struct gate *gate = &life->gate;

	gate->setup = setup_free(gate->setup);
	said_end_all(gate);
	kept_free(gate);
	for (uint32_t i = 0; i < gate->service_count; i++)
		service_return(gate->services[i]);
	free(gate->services);
	free(gate->targets);
	free(gate->listeners);
	generation_return(gate->generation);
	relays_free(gate->relays);
	carries_free(gate->carries);
	datagrams_free(gate->datagrams);
	conns_free(gate->conns);
	outbox_free(gate->outbox);
	asking_fini(gate);
	rules_fini(&gate->rules);
	memory_fini(&gate->memory);
	log_keep(NULL, NULL);
	shared_free(gate->shared);
	shared_sources_free(gate->sources);
	loop_free(gate->loop);
}

int
gate_main(int channel_fd, enum log_sink sink, enum log_level level)
{
	struct life *life = calloc(1, sizeof(*life));
	struct message_hello hello = { .version = CHANNEL_VERSION, .pid = (uint32_t)getpid() };
	int result = life ? confinement_prepare(sink, level, "reeve-gate") : -ENOMEM;

	if (result == 0) {
		builtin_warm_up();
		result = life_init(life, channel_fd);
	}
	if (result == 0)
		result = confinement_shut(sandbox_enter);
	if (result == 0) {
		outbox_send(&life->gate, MESSAGE_hello, &hello, -1);
		result = loop_run(life->gate.loop);
	}
	if (result < 0)
		LOG(system_error, .step = "gate", .error = -result);
	if (life)
		life_fini(life);
	log_flush();
	free(life);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
