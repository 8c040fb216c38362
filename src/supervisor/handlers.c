/* SPDX-License-Identifier: ISC */
/* Handlers: programs that were started for a connection, from the gate's request to the reaped
 * child. One struct a child, keyed by pid. */
#include "supervisor/handlers.h"

#include "base/explain.h"
#include "base/shared_holds.h"
#include "base/shared_places.h"
#include "base/verdict.h"
#include "effects/terminal.h"
#include "supervisor/activation.h"
#include "supervisor/adopted.h"
#include "supervisor/deadlines.h"
#include "supervisor/failures.h"
#include "supervisor/gates.h"
#include "supervisor/handler_table.h"
#include "supervisor/hearing.h"
#include "supervisor/records.h"
#include "supervisor/waiting.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define UNREAD_MAX (64U << 20) /* more than a socket's buffer ever holds */

static void
release_place(struct supervisor *supervisor, uint32_t row, uint64_t source)
{
	if (source != 0)
		shared_holds_drop(supervisor->sources, SHARED_SUPERVISOR, source);
	if (shared_release(supervisor->shared, row, SHARED_SUPERVISOR))
		gates_wake(supervisor, row);
}

/* A client that has spoken already would have its connection reset, for the kernel does that where
 * bytes are left unread. It throws them away here, and we still read none. */
static void
end_cleanly(const struct start *start)
{
	bool is_connection = start->peer.family != AF_UNSPEC &&
		protocol_family(start->protocol) != AF_UNIX &&
		protocol_type(start->protocol) == SOCK_STREAM;
	struct iovec nowhere = { .iov_base = NULL, .iov_len = UNREAD_MAX };
	struct msghdr unread = { .msg_iov = &nowhere, .msg_iovlen = 1 };

	if (is_connection && shutdown(start->in_fd, SHUT_WR) == 0)
		(void)recvmsg(start->in_fd, &unread, MSG_TRUNC | MSG_DONTWAIT);
}

static void
start_failed(struct supervisor *supervisor, const struct start *start, enum spawn_step step,
	int error)
{
	const struct served *served = start->served;

	LOG(handler_failed, .id = (int64_t)start->connection, .service = served->name,
		.peer = &start->peer, .program = served->plan.path, .step = spawn_step_word(step),
		.error = -error);
	shared_add(supervisor->shared, served->row, SHARED_SUPERVISOR, METRIC_handler_failures, 1);
	end_cleanly(start);
	failures_start_failed(supervisor, start, step, error);
	release_place(supervisor, served->row, start->source);
}

/* Low descriptors are what every start pays for, 0.5 us each: copied for the child, closed at its
 * exec. A few may be pipes of running programs, for moving one is not free either. */
#define LOW_PIPES_END 10

static int
keep_low_range_free(int pipe_fd)
{
	int high_fd;

	if (pipe_fd < LOW_PIPES_END)
		return pipe_fd;
	high_fd = spawn_move_high(pipe_fd);
	return high_fd < 0 ? pipe_fd : high_fd;
}

static struct handler *
handler_new(const struct supervisor *supervisor, const struct start *start, int stderr_fd)
{
	struct handler *handler = calloc(1, sizeof(*handler));

	if (handler == NULL)
		return NULL;
	*handler = (struct handler){ .connection = start->connection,
		.source = start->source,
		.row = start->served->row,
		.gate = start->gate,
		.stderr_fd = stderr_fd,
		.peer = start->peer,
		.is_carried = start->is_carried,
		.started = loop_now(supervisor->loop) };
	return handler;
}

/* What could not be started. */
static void
discard(struct supervisor *supervisor, struct handler *handler)
{
	if (handler == NULL)
		return;
	records_cancel(supervisor, handler->record);
	deadlines_end(supervisor, handler);
	free(handler);
}

static int
run_program(const struct supervisor *supervisor, const struct start *start, int error_fd,
	struct spawn_result *ret_result)
{
	const int stdio[3] = { start->in_fd, start->out_fd, error_fd };
	struct spawn_start spawn = { .fds = stdio, .fd_count = 3 };
	struct spawn_plan plan = start->served->plan;
	struct variables room;

	if (start->served->outfit->keys->activation != 0)
		return activation_run(supervisor, start, error_fd, ret_result);
	if (start->has_terminal)
		plan.steps |= SPAWN_DO(TERMINAL);
	spawn.envp = variables_make(start, &room);
	return spawn_run(&plan, &spawn, ret_result);
}

/* A gate's word when that was is good enough to measure with, and for nothing else. */
static void
measure_start(const struct supervisor *supervisor, const struct start *start)
{
	int64_t now = shared_clock_us();

	if (start->accepted_us > 0 && start->accepted_us <= now)
		shared_observe(supervisor->shared, start->served->row, SHARED_SUPERVISOR,
			HISTOGRAM_accept_to_handler_seconds, now - start->accepted_us);
}

static void
note_start(struct supervisor *supervisor, const struct start *start, struct handler *handler)
{
	supervisor->rows[handler->row]->handler_count++;
	handlers_add(&supervisor->handlers, handler);
	hearing_begin(supervisor, handler);
	failures_started(supervisor, handler);
	shared_add(supervisor->shared, handler->row, SHARED_SUPERVISOR, METRIC_handlers, 1);
	measure_start(supervisor, start);
	LOG(handler_started, .id = (int64_t)handler->connection, .service = start->served->name,
		.peer = &start->peer, .pid = handler->pid);
}

/* The pipes are ours, or a gate's, and the program is to open them as /dev/stdin and so on. */
static int
give_pipes(const struct supervisor *supervisor, const struct start *start, int made_fd)
{
	const struct spawn_plan *plan = &start->served->plan;
	const struct identity *gate = &supervisor->gate_identity;
	uid_t gate_uid = gate->is_set ? gate->uid : geteuid();
	uid_t uid = plan->world->identity.uid;
	int error = 0;

	if ((plan->steps & SPAWN_DO(UID)) == 0)
		return 0;
	if (made_fd >= 0)
		error = priv_give_pipe(made_fd, geteuid(), uid);
	if (error == 0 && start->in_fd != start->out_fd)
		error = priv_give_pipe(start->in_fd, gate_uid, uid);
	if (error == 0 && start->in_fd != start->out_fd)
		error = priv_give_pipe(start->out_fd, gate_uid, uid);
	return error;
}

/* What becomes descriptor 2; `ret_made_fd` has to be closed after the start. A file's descriptor
 * lives high up, and the child takes low ones only (spawn.h). */
static int
open_error(const struct start *start, int *ret_made_fd, int *ret_read_fd)
{
	int error_fd = start->served->outfit->error_fd;
	int pipe_fds[2];

	if (error_fd == ERROR_TO_CLIENT)
		return start->out_fd;
	if (error_fd >= 0 && error_fd < SPAWN_LOW_FDS)
		return error_fd;
	if (error_fd >= 0)
		*ret_made_fd = fcntl(error_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	else if (pipe2(pipe_fds, O_CLOEXEC) == 0) {
		*ret_made_fd = pipe_fds[1];
		*ret_read_fd = keep_low_range_free(pipe_fds[0]);
	}
	return *ret_made_fd < 0 ? -errno : *ret_made_fd;
}

struct handler *
handlers_run(struct supervisor *supervisor, const struct start *start)
{
	struct spawn_result result = { .failed_step = SPAWN_STEP_STDERR };
	auto_close int read_fd = -1;
	auto_close int made_fd = -1;
	struct handler *handler = NULL;
	int error_fd = open_error(start, &made_fd, &read_fd);
	int error = error_fd < 0 ? error_fd
				 : give_pipes(supervisor, start, read_fd >= 0 ? made_fd : -1);

	if (error == 0) {
		/* Before there is a child: one that cannot be kept must not be started. */
		handler = handler_new(supervisor, start, read_fd);
		error = handler != NULL ? deadlines_begin(supervisor, start, handler) : -ENOMEM;
	}
	if (error == 0 && handler != NULL) {
		handler->record = records_begin(supervisor, start);
		error = run_program(supervisor, start, error_fd, &result);
	}
	if (error != 0 || handler == NULL) {
		discard(supervisor, handler);
		start_failed(supervisor, start, result.failed_step, error);
		return NULL;
	}
	(void)util_take_fd(&read_fd);
	handler->pid = result.pid;
	note_start(supervisor, start, handler);
	return handler;
}

/* A program that could not be started, or a gate that is gone: the master is closed, which whoever
 * has the other side is told as a hang-up. */
static void
start_on_terminal(struct supervisor *supervisor, struct start *start, int way_fd)
{
	const struct spawn_plan *plan = &start->served->plan;
	bool is_anothers = (plan->steps & SPAWN_DO(UID)) != 0;
	uid_t owner = is_anothers ? plan->world->identity.uid : (uid_t)-1;
	auto_close int master_fd = -1;
	auto_close int slave_fd = -1;
	int error = terminal_open(owner, &master_fd, &slave_fd);

	if (error < 0) {
		start_failed(supervisor, start, SPAWN_STEP_TERMINAL, error);
		return;
	}
	start->in_fd = start->out_fd = slave_fd;
	start->has_terminal = true;
	if (handlers_run(supervisor, start) == NULL)
		return;
	error = terminal_send(way_fd, master_fd);
	/* A client that has vanished meanwhile is not waited for by the gate. */
	if (error < 0 && error != -EPIPE && error != -ECONNRESET)
		LOG(system_error, .step = "terminal", .error = -error);
}

void
handlers_start(struct supervised_gate *gate, const struct message_spawn *request, const int *fds)
{
	struct supervisor *supervisor = gate->supervisor;
	struct start start = { .served = supervisor->rows[request->row],
		.connection = request->connection,
		.gate = gate->number,
		.protocol = (enum protocol)request->protocol,
		.peer = request->peer,
		.local = request->local,
		.socket = request->socket,
		.accepted_us = request->accepted_us,
		.is_carried = request->stdio != CONFIG_STDIO_SOCKET ||
			protocol_type((enum protocol)request->protocol) == SOCK_DGRAM,
		.in_fd = fds[0],
		.out_fd = fds[request->stdio == CONFIG_STDIO_PIPE ? 1 : 0] };

	if (shared_hand_over(supervisor->shared, request->row, gate->writer, SHARED_SUPERVISOR))
		gates_wake(supervisor, request->row);
	if (request->source != 0 &&
		shared_holds_hand_over(supervisor->sources, gate->writer, SHARED_SUPERVISOR,
			request->source))
		start.source = request->source;
	/* The gate may have let the client in before it took the present configuration. */
	if (start.served != NULL && start.served->outfit == NULL)
		start.served = start.served->before;
	if (start.served == NULL || start.served->outfit == NULL)
		release_place(supervisor, request->row, start.source);
	else if (request->stdio == CONFIG_STDIO_PTY)
		start_on_terminal(supervisor, &start, fds[0]);
	else
		(void)handlers_run(supervisor, &start);
	if (!start.is_carried)
		EXPLAIN(close_copy, .conn_fd = fds[0]); /* which the caller does now */
}

static enum ending
ending_of(const struct handler *handler, int status)
{
	if (handler->was_ended)
		return handler->ending;
	if (handler->adopted != NULL)
		return ENDING_UNSEEN;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ENDING_EXITED : ENDING_FAILED;
}

static void
tell_end(struct supervisor *supervisor, const struct handler *handler, int status, int64_t cpu_ms)
{
	struct event_handler_ended event = { .id = (int64_t)handler->connection,
		.service = supervisor->rows[handler->row]->name,
		.peer = &handler->peer,
		.pid = handler->pid,
		.ending = ending_word(ending_of(handler, status)),
		.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.duration_ms = loop_now(supervisor->loop) - handler->started,
		.cpu_ms = cpu_ms };

	if (!handler->is_carried)
		shared_observe(supervisor->shared, handler->row, SHARED_SUPERVISOR,
			HISTOGRAM_connection_duration_seconds, event.duration_ms * 1000);
	records_end(supervisor, handler->record, &event);
}

/* What it held is free. */
static void
forget(struct supervisor *supervisor, struct handler *handler)
{
	supervisor->rows[handler->row]->handler_count--;
	release_place(supervisor, handler->row, handler->source);
	deadlines_end(supervisor, handler);
	waiting_ended(supervisor, handler);
	hearing_end(supervisor, handler);
	free(handler);
}

void
handlers_reaped(struct supervisor *supervisor, pid_t pid, int status, int64_t cpu_ms)
{
	struct handler *handler = handlers_take(&supervisor->handlers, pid);

	if (handler == NULL) {
		LOG(orphan_reaped, .pid = pid, .status = status);
		return;
	}
	EXPLAIN(wait_program, .pid = pid, .how = WIFEXITED(status) ? "exit status" : "signal",
		.status = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	tell_end(supervisor, handler, status, cpu_ms);
	handler->has_left_it = waiting_left_it(handler);
	failures_ended(supervisor, handler, status);
	forget(supervisor, handler);
}

void
handlers_ended_unseen(struct supervisor *supervisor, pid_t pid)
{
	struct handler *handler = handlers_take(&supervisor->handlers, pid);

	/* How it ended says whether it did well, and that nobody knows. */
	tell_end(supervisor, handler, 0, 0);
	adopted_end(supervisor, handler);
	forget(supervisor, handler);
}

void
handlers_orphan(struct supervisor *supervisor, uint32_t gate)
{
	struct handler *handler = NULL;

	while ((handler = handlers_next(&supervisor->handlers, handler)) != NULL)
		if (handler->gate == gate && handler->is_heard) {
			handler->is_heard = false;
			handler->is_orphan = true;
		}
}

/* Linear in the handlers for each adoption would be quadratic: `*place` remembers the bucket. */
struct handler *
handlers_next_orphan(struct supervisor *supervisor, uint32_t gate, uint32_t *place)
{
	const struct handler_table *table = &supervisor->handlers;

	for (; *place < table->bucket_count; (*place)++)
		for (struct handler *handler = table->buckets[*place]; handler != NULL;
			handler = handler->next)
			if (handler->is_orphan && handler->gate == gate)
				return handler;
	return NULL;
}
