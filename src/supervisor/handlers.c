/* SPDX-License-Identifier: ISC */
/* Handlers: programs that were started for a connection, from the gate's request to the reaped
 * child. One struct a child, keyed by pid. */
#include "supervisor/handlers.h"

#include "base/shared_places.h"
#include "base/verdict.h"
#include "supervisor/gates.h"
#include "supervisor/hearing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define BUCKETS_MIN 1024

int
handlers_init(struct handler_table *table)
{
	table->bucket_count = BUCKETS_MIN;
	table->buckets = calloc(table->bucket_count, sizeof(struct handler *));
	return table->buckets != NULL ? 0 : -ENOMEM;
}

void
handlers_fini(struct handler_table *table)
{
	for (size_t i = 0; table->buckets != NULL && i < table->bucket_count; i++)
		while (table->buckets[i] != NULL) {
			struct handler *next = table->buckets[i]->next;

			(void)close(table->buckets[i]->stderr_fd);
			free(table->buckets[i]);
			table->buckets[i] = next;
		}
	free(table->buckets);
	table->buckets = NULL;
}

static struct handler **
bucket_of(const struct handler_table *table, pid_t pid)
{
	return &table->buckets[(size_t)pid & (table->bucket_count - 1)];
}

/* Twice the buckets when they are full on average; without memory the chains grow instead. */
static void
grow_table(struct handler_table *table)
{
	size_t old_count = table->bucket_count;
	struct handler **old = table->buckets;

	if (table->count < old_count)
		return;
	table->buckets = calloc(old_count * 2, sizeof(struct handler *));
	if (table->buckets == NULL) {
		table->buckets = old;
		return;
	}
	table->bucket_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++)
		while (old[i] != NULL) {
			struct handler *handler = old[i];
			struct handler **bucket = bucket_of(table, handler->pid);

			old[i] = handler->next;
			handler->next = *bucket;
			*bucket = handler;
		}
	free(old);
}

static void
table_add(struct handler_table *table, struct handler *handler)
{
	struct handler **bucket;

	grow_table(table);
	bucket = bucket_of(table, handler->pid);
	handler->next = *bucket;
	*bucket = handler;
	table->count++;
}

static struct handler *
table_take(struct handler_table *table, pid_t pid)
{
	struct handler **place = bucket_of(table, pid);

	while (*place != NULL && (*place)->pid != pid)
		place = &(*place)->next;
	struct handler *found = *place;

	if (found != NULL) {
		*place = found->next;
		table->count--;
	}
	return found;
}

/* The peer in the words that programs know: UCSPI's, CGI's and systemd's, xinetd's. */
struct peer_variables {
	char text[HANDLER_VARIABLES_MAX][NETADDR_TEXT_MAX + 32];
	size_t count;
};

static void __attribute__((format(printf, 2, 3)))
add_variable(struct peer_variables *variables, const char *format, ...)
{
	va_list arguments;
	char *text = variables->text[variables->count++];

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(variables->text[0]), format, arguments);
	va_end(arguments);
}

static void
describe_peer(struct peer_variables *variables, const struct message_spawn *request,
	const char *service)
{
	char ip[NETADDR_TEXT_MAX];

	add_variable(variables, "REEVE_SERVICE=%.64s", service);
	add_variable(variables, "REEVE_CONNECTION=%llu", (unsigned long long)request->connection);
	if (request->peer.family == AF_UNIX) {
		add_variable(variables, "PROTO=UNIX");
		return;
	}
	add_variable(variables, "PROTO=TCP");
	(void)netaddr_format_ip(&request->local, ip);
	add_variable(variables, "TCPLOCALIP=%s", ip);
	add_variable(variables, "TCPLOCALPORT=%u", request->local.port);
	(void)netaddr_format_ip(&request->peer, ip);
	add_variable(variables, "TCPREMOTEIP=%s", ip);
	add_variable(variables, "TCPREMOTEPORT=%u", request->peer.port);
	add_variable(variables, "REMOTE_ADDR=%s", ip);
	add_variable(variables, "REMOTE_PORT=%u", request->peer.port);
	add_variable(variables, "REMOTE_HOST=%s", ip);
}

static int
run_program(struct served *served, const struct message_spawn *request, int conn_fd, int error_fd,
	struct spawn_result *ret_result)
{
	struct peer_variables variables = { .count = 0 };
	const int stdio[3] = { conn_fd, conn_fd, error_fd };

	describe_peer(&variables, request, served->name);
	for (size_t i = 0; i < variables.count; i++)
		served->environment[served->environment_count + i] = variables.text[i];
	served->environment[served->environment_count + variables.count] = NULL;
	return spawn_run(&served->plan, stdio, served->environment, ret_result);
}

static void
release_place(struct supervisor *supervisor, uint32_t row)
{
	if (shared_release(supervisor->shared, row, SHARED_SUPERVISOR))
		gates_wake(supervisor, row);
}

static void
start_failed(struct supervisor *supervisor, const struct served *served,
	const struct message_spawn *request, enum spawn_step step, int error)
{
	LOG(handler_failed, .id = (int64_t)request->connection, .service = served->name,
		.peer = &request->peer, .program = served->plan.path, .step = spawn_step_word(step),
		.error = -error);
	shared_add(supervisor->shared, served->row, SHARED_SUPERVISOR, METRIC_handler_failures, 1);
	release_place(supervisor, served->row);
}

/* Low descriptors are what every start pays for: a few of them may be pipes of running programs,
 * many must not. */
static int
keep_low_range_free(int pipe_fd)
{
	int high_fd;

	if (pipe_fd < SPAWN_LOW_FDS / 2)
		return pipe_fd;
	high_fd = spawn_move_high(pipe_fd);
	return high_fd < 0 ? pipe_fd : high_fd;
}

static struct handler *
handler_new(const struct supervised_gate *gate, const struct message_spawn *request, int stderr_fd)
{
	struct handler *handler = calloc(1, sizeof(*handler));

	if (handler == NULL)
		return NULL;
	*handler = (struct handler){ .connection = request->connection,
		.row = request->row,
		.gate = gate->number,
		.stderr_fd = stderr_fd,
		.peer = request->peer,
		.started = loop_now(gate->supervisor->loop) };
	return handler;
}

static void
start(struct supervised_gate *gate, struct served *served, const struct message_spawn *request,
	int conn_fd)
{
	struct supervisor *supervisor = gate->supervisor;
	struct spawn_result result = { .failed_step = SPAWN_STEP_STDERR };
	auto_close int read_fd = -1;
	auto_close int write_fd = -1;
	struct handler *handler = NULL;
	int pipe_fds[2];
	int error = pipe2(pipe_fds, O_CLOEXEC) < 0 ? -errno : 0;

	if (error == 0) {
		write_fd = pipe_fds[1];
		read_fd = keep_low_range_free(pipe_fds[0]);
		/* Before there is a child: one that cannot be kept must not be started. */
		handler = handler_new(gate, request, read_fd);
		error = handler != NULL ? run_program(served, request, conn_fd, write_fd, &result)
					: -ENOMEM;
	}
	if (error != 0 || handler == NULL) {
		free(handler);
		start_failed(supervisor, served, request, result.failed_step, error);
		return;
	}
	(void)util_take_fd(&read_fd);
	handler->pid = result.pid;
	supervisor->rows[request->row]->handler_count++;
	table_add(&supervisor->handlers, handler);
	hearing_begin(supervisor, handler);
	shared_add(supervisor->shared, request->row, SHARED_SUPERVISOR, METRIC_handlers, 1);
	LOG(handler_started, .id = (int64_t)request->connection, .service = served->name,
		.peer = &request->peer, .pid = result.pid);
}

void
handlers_start(struct supervised_gate *gate, const struct message_spawn *request, int conn_fd)
{
	struct supervisor *supervisor = gate->supervisor;
	struct served *served = supervisor->rows[request->row];

	if (shared_hand_over(supervisor->shared, request->row, gate->number + 1, SHARED_SUPERVISOR))
		gates_wake(supervisor, request->row);
	/* The gate may have let the client in before it took the present configuration. */
	if (served != NULL && served->environment == NULL)
		served = served->before;
	if (served != NULL && served->environment != NULL)
		start(gate, served, request, conn_fd);
	else
		release_place(supervisor, request->row);
}

void
handlers_reaped(struct supervisor *supervisor, pid_t pid, int status)
{
	struct handler *handler = table_take(&supervisor->handlers, pid);
	bool is_well = WIFEXITED(status) && WEXITSTATUS(status) == 0;

	if (handler == NULL) {
		LOG(orphan_reaped, .pid = pid, .status = status);
		return;
	}
	LOG(handler_ended, .id = (int64_t)handler->connection,
		.service = supervisor->rows[handler->row]->name, .peer = &handler->peer, .pid = pid,
		.ending = ending_word(is_well ? ENDING_EXITED : ENDING_FAILED),
		.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.duration_ms = loop_now(supervisor->loop) - handler->started);
	supervisor->rows[handler->row]->handler_count--;
	release_place(supervisor, handler->row);
	hearing_end(supervisor, handler);
	free(handler);
}

void
handlers_orphan(struct supervisor *supervisor, uint32_t gate)
{
	const struct handler_table *table = &supervisor->handlers;

	for (size_t i = 0; i < table->bucket_count; i++)
		for (struct handler *handler = table->buckets[i]; handler != NULL;
			handler = handler->next)
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
