/* SPDX-License-Identifier: ISC */
/* Limits of running programs: when to look, whom to end, and how.
 *
 * A session is named by the pid of the program that leads it. While we have not reaped that one,
 * nobody else can have the number. After that it stays taken as long as anybody of the session is
 * left: so the pidfds of a few members are kept from when they got SIGTERM, and a session none
 * of whose known members is left is not signalled again. */
#include "supervisor/bounds.h"

#include "base/verdict.h"
#include "effects/session.h"
#include "supervisor/handler_table.h"
#include "supervisor/records.h"

#include <errno.h>
#include <signal.h>
#include <sys/param.h>

/* Programs that have ended, whose sessions have not; beyond so many they get no more time. */
#define REMNANTS_MAX 1024

/* The kernel counts the time since the last byte in ticks, of 10 ms at most. */
#define TICK_MS 10

/* When the kernel cannot be asked for want of memory. */
#define RETRY_MS 1000

/* Walks in a row until nobody is left; and how often that is tried. */
#define PASSES_MAX 8
#define TRIES_MAX 50
#define TRY_AGAIN_MS 20

/* A walk over so many processes takes about a millisecond; it is to take a fifth of the time. */
#define SEEN_PER_MS 300
#define REST 4

static bool
has_limit(const struct limits *limits)
{
	return limits->max_time > 0 || limits->idle > 0 || limits->first_byte > 0;
}

static pid_t
session_of(const struct bounds *bounds)
{
	return bounds->handler != NULL ? bounds->handler->pid : bounds->session;
}

static void
leave_due(struct deadlines *deadlines, const struct bounds *bounds)
{
	struct bounds **place = &deadlines->first_due;

	while (*place != NULL && *place != bounds)
		place = &(*place)->next_due;
	if (*place != NULL)
		*place = bounds->next_due;
}

static void
leave_remnants(struct deadlines *deadlines, const struct bounds *bounds)
{
	struct bounds **place = &deadlines->first_remnant;

	while (*place != NULL && *place != bounds)
		place = &(*place)->next_remnant;
	if (*place == NULL)
		return;
	*place = bounds->next_remnant;
	deadlines->remnant_count--;
}

static void
bounds_free(struct bounds *bounds)
{
	struct supervisor *supervisor = bounds->supervisor;

	loop_stop_timer(supervisor->loop, &bounds->timer);
	if (bounds->due_signal != 0)
		leave_due(&supervisor->deadlines, bounds);
	if (bounds->handler == NULL)
		leave_remnants(&supervisor->deadlines, bounds);
	for (uint32_t i = 0; i < bounds->member_count; i++)
		(void)close(bounds->members[i].pid_fd);
	free(bounds);
}

/* --- signals */

static bool
has_member(const struct bounds *bounds)
{
	for (uint32_t i = 0; i < bounds->member_count; i++)
		if (session_has(session_of(bounds), bounds->members[i].pid,
			    bounds->members[i].pid_fd))
			return true;
	return false;
}

struct walk {
	struct session_walk walk; /* first */
	struct supervisor *supervisor;
};

static struct bounds *
due_of_session(const struct supervisor *supervisor, pid_t session)
{
	const struct handler *handler = handlers_find(&supervisor->handlers, session);
	struct bounds *bounds = supervisor->deadlines.first_remnant;

	if (handler != NULL)
		return handler->bounds;
	while (bounds != NULL && bounds->session != session)
		bounds = bounds->next_remnant;
	return bounds;
}

static int
signal_for(struct session_walk *walk, pid_t pid, pid_t session)
{
	const struct bounds *bounds = due_of_session(((struct walk *)walk)->supervisor, session);

	(void)pid;
	return bounds != NULL ? bounds->due_signal : 0;
}

static void
was_sent(struct session_walk *walk, pid_t pid, pid_t session, int *member_fd)
{
	struct bounds *bounds = due_of_session(((struct walk *)walk)->supervisor, session);
	int high_fd;

	if (bounds == NULL || pid == session || bounds->member_count == MEMBERS_MAX ||
		*member_fd < 0 || bounds->due_signal != SIGTERM)
		return;
	high_fd = spawn_move_high(*member_fd);
	if (high_fd < 0)
		return;
	*member_fd = -1;
	bounds->members[bounds->member_count++] = (struct member){ .pid = pid, .pid_fd = high_fd };
}

void
bounds_plan_walk(struct supervisor *supervisor, msec earliest)
{
	struct deadlines *deadlines = &supervisor->deadlines;
	msec due = MAX(earliest, deadlines->rested);

	/* Without memory for the timer the next program that reaches a limit sets it. */
	if (deadlines->walk.place == 0)
		(void)loop_set_timer(supervisor->loop, &deadlines->walk, due);
}

static void
make_due(struct bounds *bounds, int signo)
{
	struct supervisor *supervisor = bounds->supervisor;
	struct deadlines *deadlines = &supervisor->deadlines;

	bounds->last_signal = signo;
	if (bounds->due_signal == 0) {
		bounds->next_due = deadlines->first_due;
		deadlines->first_due = bounds;
	}
	bounds->due_signal = signo;
	bounds_plan_walk(supervisor, loop_now(supervisor->loop));
}

/* Without /proc there is at least the process group that the program began in. */
static void
signal_groups(const struct deadlines *deadlines)
{
	for (const struct bounds *bounds = deadlines->first_due; bounds != NULL;
		bounds = bounds->next_due)
		if (bounds->handler != NULL)
			(void)kill(-bounds->handler->pid, bounds->due_signal);
}

/* Those that nobody of is known to be left: the number may be somebody else's. */
static void
drop_strangers(struct deadlines *deadlines)
{
	struct bounds *next;

	for (struct bounds *bounds = deadlines->first_due; bounds != NULL; bounds = next) {
		next = bounds->next_due;
		if (bounds->handler == NULL && !has_member(bounds))
			bounds_free(bounds);
	}
}

/* SIGTERM is sent once; SIGKILL until a walk has found nobody, or it has been tried for long. */
static void
settle_due(struct deadlines *deadlines, int signo, bool is_again)
{
	struct bounds *bounds = deadlines->first_due;
	struct bounds *next;

	deadlines->first_due = NULL;
	for (; bounds != NULL; bounds = next) {
		next = bounds->next_due;
		if (bounds->due_signal != signo || (is_again && ++bounds->tries < TRIES_MAX)) {
			bounds->next_due = deadlines->first_due;
			deadlines->first_due = bounds;
			continue;
		}
		bounds->due_signal = 0;
		if (bounds->handler == NULL && signo == SIGKILL)
			bounds_free(bounds);
	}
}

static void
walk_is_due(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, deadlines.walk);
	struct deadlines *deadlines = &supervisor->deadlines;
	struct walk walk = { .walk = { .signal_for = signal_for, .was_sent = was_sent },
		.supervisor = supervisor };
	uint64_t seen;
	int error;

	drop_strangers(deadlines);
	error = session_signal(&walk.walk);
	if (error < 0)
		signal_groups(deadlines);
	seen = walk.walk.seen;
	settle_due(deadlines, SIGTERM, false);
	/* Those that were forked before their parent was ended, and not seen. */
	for (int i = 1; i < PASSES_MAX && deadlines->first_due != NULL && walk.walk.sent > 0; i++) {
		error = session_signal(&walk.walk);
		seen += walk.walk.seen;
	}
	settle_due(deadlines, SIGKILL, error == 0 && walk.walk.sent > 0);
	deadlines->rested = now + (msec)(seen / SEEN_PER_MS) * (REST + 1);
	if (deadlines->first_due != NULL)
		bounds_plan_walk(supervisor, now + TRY_AGAIN_MS);
}

/* --- the moments */

void
bounds_end(struct bounds *bounds, enum ending ending, msec now)
{
	struct supervisor *supervisor = bounds->supervisor;
	struct handler *handler = bounds->handler;

	handler->was_ended = true;
	handler->ending = ending;
	if (ending == ENDING_IDLE)
		shared_add(supervisor->shared, handler->row, SHARED_SUPERVISOR, METRIC_idle_ends,
			1);
	make_due(bounds, bounds->limits.stop_timeout > 0 ? SIGTERM : SIGKILL);
	if (bounds->last_signal == SIGTERM)
		(void)loop_set_timer(supervisor->loop, &bounds->timer,
			now + bounds->limits.stop_timeout);
}

/* For how long nothing has moved, at least. What is sent again moves the kernel's clock of what
 * was sent, but no byte: then it is the time since the last look, by the clock of what came. */
static msec
quiet_time(struct bounds *bounds, const struct sockdiag *facts)
{
	uint64_t moved = facts->bytes_in + facts->bytes_out;
	msec quiet = (msec)MIN(facts->in_ago_ms, facts->out_ago_ms) - TICK_MS;

	if (bounds->was_seen && moved == bounds->moved && facts->in_ago_ms >= bounds->in_ago_ms)
		quiet = MAX(quiet, bounds->quiet + facts->in_ago_ms - bounds->in_ago_ms);
	bounds->was_seen = true;
	bounds->moved = moved;
	bounds->in_ago_ms = facts->in_ago_ms;
	bounds->quiet = MAX(quiet, 0);
	return bounds->quiet;
}

static msec
due_of(msec started, msec limit)
{
	return limit > 0 ? started + limit : INT64_MAX;
}

/* The next moment at which a limit may have been reached; now or earlier: it has been. */
static msec
next_due(const struct bounds *bounds, msec idle_due)
{
	const struct limits *limits = &bounds->limits;

	return MIN(MIN(due_of(bounds->started, limits->max_time),
			   due_of(bounds->started, limits->first_byte)),
		limits->idle > 0 ? idle_due : INT64_MAX);
}

static void
set_timer(struct bounds *bounds, msec due, msec now)
{
	if (due != INT64_MAX)
		(void)loop_set_timer(bounds->supervisor->loop, &bounds->timer, MAX(due, now + 1));
}

/* The connection decides: ask for it. A program that has closed it, or has it no more to itself,
 * has only max_time left. */
static void
look_at_connection(struct bounds *bounds, msec now)
{
	struct limits *limits = &bounds->limits;
	struct sockdiag facts = { .has_counters = false };
	int error = records_ask(bounds->supervisor, &bounds->name, &facts);
	msec quiet = 0;

	if (error == -ENOMEM || error == -ENOBUFS || error == -EMFILE || error == -ENFILE) {
		set_timer(bounds, MIN(now + RETRY_MS, due_of(bounds->started, limits->max_time)),
			now);
		return;
	}
	if (error < 0 && error != -ENOENT && error != -ESTALE &&
		!bounds->supervisor->deadlines.is_blind) {
		bounds->supervisor->deadlines.is_blind = true;
		LOG(system_error, .step = "sock_diag", .error = -error);
	}
	if (error < 0)
		limits->idle = limits->first_byte = 0;
	else if (facts.bytes_in > 0)
		limits->first_byte = 0;
	if (limits->first_byte > 0 && now - bounds->started >= limits->first_byte) {
		bounds_end(bounds, ENDING_FIRST_BYTE, now);
		return;
	}
	if (error == 0)
		quiet = quiet_time(bounds, &facts);
	if (limits->idle > 0 && quiet >= limits->idle)
		bounds_end(bounds, ENDING_IDLE, now);
	else
		set_timer(bounds, next_due(bounds, now + limits->idle - quiet), now);
}

void
bounds_moment_has_come(struct timer *timer, msec now)
{
	struct bounds *bounds = CONTAINER_OF(timer, struct bounds, timer);

	if (bounds->last_signal != 0)
		make_due(bounds, SIGKILL);
	else if (now >= due_of(bounds->started, bounds->limits.max_time))
		bounds_end(bounds, ENDING_MAX_TIME, now);
	else
		look_at_connection(bounds, now);
}

/* --- life */

static struct limits
limits_of(const struct service_keys *keys)
{
	bool has_socket = keys->stdio == CONFIG_STDIO_SOCKET && !keys->wait;

	return (struct limits){ .max_time = keys->max_time,
		.idle = has_socket ? MAX(keys->idle, 0) : 0,
		.first_byte = has_socket ? keys->first_byte : 0,
		.stop_timeout = keys->stop_timeout };
}

int
deadlines_begin(struct supervisor *supervisor, const struct start *start, struct handler *handler)
{
	struct limits limits = limits_of(start->served->outfit->keys);
	struct bounds *bounds;
	msec due;

	if (start->socket.cookie == 0)
		limits.idle = limits.first_byte = 0;
	if (!has_limit(&limits))
		return 0;
	bounds = calloc(1, sizeof(*bounds));
	if (bounds == NULL)
		return -ENOMEM;
	*bounds = (struct bounds){ .supervisor = supervisor,
		.handler = handler,
		.limits = limits,
		.timer.expired = bounds_moment_has_come,
		.started = loop_now(supervisor->loop),
		.name = start->socket };
	due = next_due(bounds, bounds->started + limits.idle + TICK_MS);
	if (loop_set_timer(supervisor->loop, &bounds->timer, due) < 0) {
		free(bounds);
		return -ENOMEM;
	}
	handler->bounds = bounds;
	return 0;
}

void
deadlines_end(struct supervisor *supervisor, struct handler *handler)
{
	struct deadlines *deadlines = &supervisor->deadlines;
	struct bounds *bounds = handler->bounds;

	if (bounds == NULL)
		return;
	handler->bounds = NULL;
	if (bounds->member_count == 0) {
		bounds_free(bounds);
		return;
	}
	bounds->session = handler->pid;
	bounds->handler = NULL;
	bounds->next_remnant = deadlines->first_remnant;
	deadlines->first_remnant = bounds;
	deadlines->remnant_count++;
	if (!has_member(bounds))
		bounds_free(bounds);
	else if (deadlines->remnant_count > REMNANTS_MAX)
		make_due(bounds, SIGKILL);
}

void
deadlines_init(struct supervisor *supervisor)
{
	supervisor->deadlines = (struct deadlines){ .walk.expired = walk_is_due };
}

void
deadlines_fini(struct supervisor *supervisor)
{
	struct handler *handler = NULL;

	while ((handler = handlers_next(&supervisor->handlers, handler)) != NULL)
		if (handler->bounds != NULL) {
			bounds_free(handler->bounds);
			handler->bounds = NULL;
		}
	while (supervisor->deadlines.first_remnant != NULL)
		bounds_free(supervisor->deadlines.first_remnant);
}
