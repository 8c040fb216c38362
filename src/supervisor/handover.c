/* SPDX-License-Identifier: ISC */
/* Hand a gate the state that holds: configuration, rows, sockets, files. In stages, each of
 * which goes on where the gate's queue was full; nothing waits for a gate. */
#include "supervisor/handover.h"

#include "base/explain.h"
#include "supervisor/gates.h"
#include "supervisor/handlers.h"
#include "supervisor/hearing.h"
#include "supervisor/kept.h"
#include "supervisor/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>

#define SERVICES_AT_ONCE 1024
#define LISTENERS_AT_ONCE CHANNEL_FDS_MAX
#define RETRY_MS 10

static int
send_message(const struct supervised_gate *gate, enum message_type type, const void *body)
{
	return channel_send(gate->channel.fd, type, body, NULL, 0, NULL, 0);
}

/* Every stage: 0 when all of it was sent, -EAGAIN when the gate is behind, -errno. */

static int
send_config(struct supervised_gate *gate)
{
	const struct supervisor *supervisor = gate->supervisor;
	const int fds[4] = { supervisor->services.config_fd, supervisor->shared_fd,
		supervisor->sources_fd, supervisor->services.banners_fd };
	uint32_t fd_count = fds[3] >= 0 ? 4 : 3;
	const struct message_config config = {
		.generation = supervisor->generation,
		.gate = gate->number,
		.writer = gate->writer,
		.gate_count = supervisor->gate_count,
		.service_count = supervisor->services.config->service_count,
		.listener_count = (uint32_t)supervisor->listeners.count,
		.descriptors = (uint32_t)supervisor->descriptors,
		.instance = gate->instance,
	};

	return channel_send(gate->channel.fd, MESSAGE_config, &config, NULL, 0, fds, fd_count);
}

static int
send_services(struct supervised_gate *gate)
{
	const struct service_set *set = &gate->supervisor->services;
	struct message_services_row rows[SERVICES_AT_ONCE];

	while (gate->next < set->config->service_count) {
		struct message_services body = { .first = gate->next };
		int error;

		while (body.count < SERVICES_AT_ONCE &&
			body.first + body.count < set->config->service_count) {
			const struct served *served = set->served[body.first + body.count];

			rows[body.count].row = served->row;
			rows[body.count].is_held = served->hold != HOLD_NONE;
			body.count++;
		}
		error = channel_send(gate->channel.fd, MESSAGE_services, &body, rows, body.count,
			NULL, 0);
		if (error < 0)
			return error;
		gate->next += body.count;
	}
	return 0;
}

/* One message's worth of listeners, beginning at slot `gate->next`. */
struct listener_batch {
	struct message_listeners_row rows[LISTENERS_AT_ONCE];
	int fds[LISTENERS_AT_ONCE];
	uint32_t count;
	uint32_t fd_count;
	uint32_t next; /* slot behind the last one */
};

/* A wait service is no gate's. One whose state is one is gate 0's, and so is a datagram socket
 * that there is only one of: two that read it would answer one sender's questions out of order. */
static bool
is_not_for(const struct listener *listener, const struct supervised_gate *gate)
{
	bool is_dgram = protocol_type(listener->wanted.protocol) == SOCK_DGRAM;

	if (listener->is_waiting)
		return true;
	return gate->number != 0 && (listener->is_for_one || (is_dgram && listener->fd_count == 1));
}

static void
fill_batch(struct listener_batch *batch, const struct supervised_gate *gate)
{
	const struct listener_set *set = &gate->supervisor->listeners;

	batch->count = 0;
	batch->fd_count = 0;
	for (batch->next = gate->next; batch->next < set->count && batch->count < LISTENERS_AT_ONCE;
		batch->next++) {
		const struct listener_slot *slot = &set->slots[batch->next];
		const struct listener *listener = slot->listener;
		bool is_new = listener->id > gate->known_listener;

		if (is_not_for(listener, gate))
			continue;
		if (is_new) {
			int listen_fd =
				listener->fds[gate->number < listener->fd_count ? gate->number : 0];

			batch->fds[batch->fd_count++] = listen_fd;
			EXPLAIN(give_listener, .socket_fd = listen_fd, .gate = gate->number,
				.address = &listener->bound);
		}
		batch->rows[batch->count++] = (struct message_listeners_row){
			.listener = listener->id,
			.service = slot->service,
			.endpoint = slot->endpoint,
			.has_fd = is_new,
			.address = listener->bound,
			.is_shared = listener->fd_count < gate->supervisor->gate_count &&
				!listener->is_for_one,
		};
	}
}

static int
send_listeners(struct supervised_gate *gate)
{
	struct listener_batch batch;

	while (gate->next < gate->supervisor->listeners.count) {
		struct message_listeners body;
		int error;

		fill_batch(&batch, gate);
		body.count = batch.count;
		error = batch.count == 0
			? 0
			: channel_send(gate->channel.fd, MESSAGE_listeners, &body, batch.rows,
				  batch.count, batch.fds, batch.fd_count);
		if (error < 0)
			return error;
		gate->next = batch.next;
	}
	return 0;
}

/* A built-in's file is opened here, where it may be; the gate can open nothing. */
static int
send_file(const struct supervised_gate *gate, uint32_t service, const char *path)
{
	struct message_file body = { .service = service };
	auto_close int file_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (file_fd < 0) {
		LOG(system_error, .step = path, .error = errno);
		return 0;
	}
	return channel_send(gate->channel.fd, MESSAGE_file, &body, NULL, 0, &file_fd, 1);
}

static int
send_files(struct supervised_gate *gate)
{
	const struct config *config = gate->supervisor->services.config;

	for (; gate->next < config->service_count; gate->next++) {
		const char *path = config->services[gate->next].keys->options.file;
		int error = path != NULL ? send_file(gate, gate->next, path) : 0;

		if (error < 0)
			return error;
	}
	return 0;
}

/* The gate can open nothing, and looks at them as long as it serves. */
static int
send_memory(struct supervised_gate *gate)
{
	const struct config *config = gate->supervisor->services.config;
	const struct message_memory body = { .generation = gate->supervisor->generation };
	auto_close int available_fd = -1;
	auto_close int pressure_fd = -1;
	bool wants_any = false;
	bool wants_pressure = false;

	for (uint32_t i = 0; i < config->service_count; i++) {
		wants_any |= config->services[i].keys->min_memory > 0;
		wants_pressure |= config->services[i].keys->max_memory_pressure > 0;
	}
	if (!wants_any && !wants_pressure)
		return 0;
	available_fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	pressure_fd = wants_pressure ? open("/proc/pressure/memory", O_RDONLY | O_CLOEXEC) : -1;
	if (available_fd < 0 || (wants_pressure && pressure_fd < 0))
		return -errno;
	return channel_send(gate->channel.fd, MESSAGE_memory, &body, NULL, 0,
		(const int[]){ available_fd, pressure_fd }, wants_pressure ? 2 : 1);
}

static int
send_rules(struct supervised_gate *gate)
{
	const struct rule_set *rules = &gate->supervisor->rules;
	const struct message_access body = { .generation = rules->generation };

	gate->owes_rules = false;
	if (rules->image_fd < 0)
		return 0;
	return channel_send(gate->channel.fd, MESSAGE_access, &body, NULL, 0, &rules->image_fd, 1);
}

static int
send_commit(struct supervised_gate *gate)
{
	struct message_commit body = { .generation = gate->supervisor->generation };
	int error = send_message(gate, MESSAGE_commit, &body);

	if (error == 0)
		gate->known_listener = gate->supervisor->next_listener;
	return error;
}

static int
send_adoptions(struct supervised_gate *gate)
{
	struct handler *handler;
	int error = 0;

	while (error == 0 &&
		(handler = handlers_next_orphan(gate->supervisor, gate->number, &gate->next)) !=
			NULL)
		error = hearing_give(gate, handler);
	return error;
}

static int
send_owed_wake(struct supervised_gate *gate)
{
	const struct message_wake body = { .row = MESSAGE_WAKE_ALL };
	int error;

	if (!gate->owes_wake || gate->phase == CHANNEL_HELLO)
		return 0;
	error = send_message(gate, MESSAGE_wake, &body);
	if (error == 0)
		gate->owes_wake = false;
	return error;
}

/* All services from the one on that it was not told of. */
static int
send_owed_holds(struct supervised_gate *gate)
{
	const struct supervisor *supervisor = gate->supervisor;

	if (!gate->owes_holds || gate->phase == CHANNEL_HELLO)
		return 0;
	for (; gate->next_hold < supervisor->row_count; gate->next_hold++) {
		const struct served *served = supervisor->rows[gate->next_hold];
		struct message_hold body = { .row = gate->next_hold };
		int error;

		if (served == NULL)
			continue;
		body.is_held = served->hold != HOLD_NONE;
		error = send_message(gate, MESSAGE_hold, &body);
		if (error < 0)
			return error;
	}
	gate->owes_holds = false;
	return 0;
}

static int
send_owed_log(struct supervised_gate *gate)
{
	const struct message_log body = { .unused = 0 };
	int file_fd = log_fd();
	int error = 0;

	if (gate->owes_log && file_fd >= 0)
		error = channel_send(gate->channel.fd, MESSAGE_log, &body, NULL, 0, &file_fd, 1);
	gate->owes_log = error < 0;
	return error;
}

static int
send_owed_rules(struct supervised_gate *gate)
{
	int error;

	if (!gate->owes_rules || gate->phase == CHANNEL_HELLO)
		return 0;
	error = send_rules(gate);
	gate->owes_rules = error < 0;
	return error;
}

static int (*const stages[])(struct supervised_gate *gate) = {
	[HANDOVER_CONFIG] = send_config,
	[HANDOVER_SERVICES] = send_services,
	[HANDOVER_LISTENERS] = send_listeners,
	[HANDOVER_FILES] = send_files,
	[HANDOVER_MEMORY] = send_memory,
	[HANDOVER_RULES] = send_rules,
	[HANDOVER_KEPT] = kept_send,
	[HANDOVER_COMMIT] = send_commit,
	[HANDOVER_ADOPT] = send_adoptions,
};

void
handover_continue(struct supervised_gate *gate)
{
	struct loop *loop = gate->supervisor->loop;
	int error = 0;

	while (gate->stage != HANDOVER_NONE) {
		error = stages[gate->stage](gate);
		if (error < 0)
			break;
		gate->next = 0;
		gate->stage = gate->stage == HANDOVER_ADOPT ? HANDOVER_NONE : gate->stage + 1;
	}
	if (error == 0)
		error = send_owed_log(gate);
	if (error == 0)
		error = send_owed_rules(gate);
	if (error == 0)
		error = send_owed_holds(gate);
	if (error == 0)
		error = send_owed_wake(gate);
	if (error == 0)
		error = resolver_join(gate);
	if (error == -ETOOMANYREFS || error == -ENOBUFS || error == -ENOMEM) {
		/* Too many descriptors are on their way: the channel is writable all the same, so
		 * that waiting for it would spin. */
		(void)loop_rewatch(loop, &gate->channel, EPOLLIN);
		(void)loop_set_timer(loop, &gate->retry, loop_now(loop) + RETRY_MS);
		return;
	}
	/* A gate that is gone shows as the end of its channel; this only stops the asking. */
	(void)loop_rewatch(loop, &gate->channel, error == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
	if (error < 0 && error != -EAGAIN && error != -EPIPE && error != -ECONNRESET) {
		LOG(system_error, .step = "sendmsg", .error = -error);
		gate_give_up(gate);
	}
}

void
handover_retry(struct timer *timer, msec now)
{
	(void)now;
	handover_continue(CONTAINER_OF(timer, struct supervised_gate, retry));
}

void
handover_begin(struct supervised_gate *gate)
{
	gate_expect_answer(gate);
	gate->phase = CHANNEL_SETUP;
	gate->stage = HANDOVER_CONFIG;
	gate->next = 0;
	handover_continue(gate);
}

void
handover_adopt(struct supervised_gate *gate)
{
	/* The round that is under way may have passed the place of the new one. */
	if (gate->stage == HANDOVER_ADOPT)
		gate->next = 0;
	/* One that is being handed a state, or is not there, comes to it by itself. */
	if (gate->channel.fd < 0 || gate->phase == CHANNEL_HELLO || gate->stage != HANDOVER_NONE)
		return;
	gate->stage = HANDOVER_ADOPT;
	gate->next = 0;
	handover_continue(gate);
}

void
handover_wake(struct supervised_gate *gate, uint32_t row)
{
	const struct message_wake body = { .row = row };

	if (gate->channel.fd < 0 || gate->is_foreign)
		return;
	if (gate->phase == CHANNEL_HELLO || gate->owes_wake ||
		send_message(gate, MESSAGE_wake, &body) < 0) {
		gate->owes_wake = true;
		(void)loop_rewatch(gate->supervisor->loop, &gate->channel, EPOLLIN | EPOLLOUT);
	}
}

void
handover_log(struct supervised_gate *gate)
{
	if (gate->channel.fd < 0 || gate->is_foreign)
		return;
	gate->owes_log = true;
	handover_continue(gate);
}

void
handover_rules(struct supervised_gate *gate)
{
	/* One that is not there, or has said nothing yet, is handed all there is by and by. */
	if (gate->channel.fd < 0 || gate->phase == CHANNEL_HELLO)
		return;
	gate->owes_rules = true;
	handover_continue(gate);
}

void
handover_hold(struct supervised_gate *gate, const struct served *served)
{
	const struct message_hold body = { .row = served->row,
		.is_held = served->hold != HOLD_NONE };

	/* One that has said nothing yet is handed all there is by and by. */
	if (gate->channel.fd < 0 || gate->phase == CHANNEL_HELLO || gate->is_draining)
		return;
	if (!gate->owes_holds && send_message(gate, MESSAGE_hold, &body) == 0)
		return;
	gate->owes_holds = true;
	gate->next_hold = 0;
	(void)loop_rewatch(gate->supervisor->loop, &gate->channel, EPOLLIN | EPOLLOUT);
}
