/* SPDX-License-Identifier: ISC */
/* Slowing services whose programs fail. */
#include "supervisor/failures.h"

#include "base/shared_places.h"
#include "model/backoff.h"
#include "supervisor/gates.h"
#include "supervisor/waiting.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#define AT_ONCE_MS 1000 /* one that runs for longer does well, whatever becomes of it */

/* A service of which a program has failed since the configuration was taken. */
struct failures {
	struct supervisor *supervisor;
	uint32_t row;
	struct backoff backoff;
	struct timer timer; /* the pause is over; or the trial has run long enough */
	bool is_tried;      /* the trial runs */
};

/* What the log says of a failure. */
struct failure {
	const char *reason;
	enum spawn_step step;
	int error;
	int status;
};

static void
set_ceiling(const struct failures *failures, int64_t ceiling)
{
	struct supervisor *supervisor = failures->supervisor;

	shared_set_ceiling(supervisor->shared, failures->row, ceiling);
	if (ceiling == 0)
		return;
	gates_wake(supervisor, failures->row);
	waiting_wake(supervisor, failures->row);
}

static void
restore(struct failures *failures)
{
	struct supervisor *supervisor = failures->supervisor;
	msec now = loop_now(supervisor->loop);

	loop_stop_timer(supervisor->loop, &failures->timer);
	failures->is_tried = false;
	LOG(service_restored, .service = supervisor->rows[failures->row]->name,
		.duration_ms = now - failures->backoff.began);
	set_ceiling(failures, SHARED_NO_CEILING);
}

static void
did_well(struct failures *failures, bool is_trial)
{
	if (backoff_did_well(&failures->backoff, is_trial) == BACKOFF_ENDS)
		restore(failures);
}

static void
timer_expired(struct timer *timer, msec now)
{
	struct failures *failures = CONTAINER_OF(timer, struct failures, timer);

	(void)now;
	if (failures->backoff.state == BACKOFF_TRIAL && failures->is_tried) {
		did_well(failures, true);
		return;
	}
	backoff_try(&failures->backoff);
	set_ceiling(failures, shared_active(failures->supervisor->shared, failures->row) + 1);
}

static void
tell(const struct failures *failures, const struct failure *failure)
{
	const struct supervisor *supervisor = failures->supervisor;
	bool has_started = failure->step == SPAWN_STEP_NONE;

	shared_add(supervisor->shared, failures->row, SHARED_SUPERVISOR, METRIC_throttles, 1);
	LOG(service_throttled, .service = supervisor->rows[failures->row]->name,
		.reason = failure->reason,
		.step = has_started ? NULL : spawn_step_word(failure->step),
		.error = has_started ? 0 : failure->error,
		.exit_status = WIFEXITED(failure->status) ? WEXITSTATUS(failure->status) : 0,
		.signal = WIFSIGNALED(failure->status) ? WTERMSIG(failure->status) : 0,
		.failures = failures->backoff.failures, .pause_ms = failures->backoff.pause);
}

static void
failed(struct failures *failures, bool is_trial, const struct failure *failure)
{
	struct loop *loop = failures->supervisor->loop;
	enum backoff_change change = backoff_failed(&failures->backoff, is_trial, loop_now(loop));

	if (change == BACKOFF_SAME)
		return;
	if (change == BACKOFF_BEGINS)
		tell(failures, failure);
	failures->is_tried = false;
	set_ceiling(failures, 0);
	/* Without memory for the timer the service must not stay shut. */
	if (loop_set_timer(loop, &failures->timer, loop_now(loop) + failures->backoff.pause) < 0)
		timer_expired(&failures->timer, loop_now(loop));
}

/* NULL: nothing to slow, or no memory to do it. */
static struct failures *
find_or_make(struct supervisor *supervisor, uint32_t row)
{
	const struct served *served = supervisor->rows[row];
	struct failures **place = &supervisor->failures[row];

	if (served == NULL || served->outfit == NULL || served->outfit->keys->throttle == 0 ||
		served->index == ROW_NONE)
		return NULL;
	if (*place != NULL)
		return *place;
	*place = calloc(1, sizeof(**place));
	if (*place != NULL)
		**place = (struct failures){
			.supervisor = supervisor, .row = row, .timer = { .expired = timer_expired }
		};
	return *place;
}

void
failures_started(struct supervisor *supervisor, struct handler *handler)
{
	struct failures *failures = supervisor->failures[handler->row];

	if (failures == NULL || failures->backoff.state != BACKOFF_TRIAL || failures->is_tried)
		return;
	handler->is_trial = failures->is_tried = true;
	set_ceiling(failures, 0);
	(void)loop_set_timer(supervisor->loop, &failures->timer, handler->started + AT_ONCE_MS);
}

void
failures_start_failed(struct supervisor *supervisor, const struct start *start,
	enum spawn_step step, int error)
{
	struct failures *failures = find_or_make(supervisor, start->served->row);
	const struct failure failure = { .reason = "start", .step = step, .error = -error };

	if (failures != NULL)
		failed(failures, failures->backoff.state == BACKOFF_TRIAL && !failures->is_tried,
			&failure);
}

/* Signals that are the program's own fault, or that of the limits it runs under. SIGPIPE is the
 * client's, SIGTERM and its like are somebody's will. */
static bool
is_crash(int signo)
{
	static const int crashes[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS, SIGTRAP,
		SIGKILL, SIGXCPU, SIGXFSZ };

	for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
		if (crashes[i] == signo)
			return true;
	return false;
}

/* Which statuses are failures. Behind a client that is already there most say something about the
 * client: whoever came and went would slow the service for everybody. Two are a shell's word that
 * it could not start what it was to start. A program that takes the socket itself is started again
 * at once for what it left, so that there every status but 0 counts. */
static bool
is_failure(const struct handler *handler, int exit_status)
{
	if (handler->held != NULL)
		return exit_status != 0;
	return exit_status == 126 || exit_status == 127;
}

/* Why it counts as a failure; NULL: it does not. */
static const char *
why_failed(const struct handler *handler, int status)
{
	if (handler->was_ended)
		return NULL;
	if (WIFSIGNALED(status) && is_crash(WTERMSIG(status)))
		return "signal";
	if (WIFEXITED(status) && is_failure(handler, WEXITSTATUS(status)))
		return "exit";
	return handler->has_left_it ? "unread" : NULL;
}

void
failures_ended(struct supervisor *supervisor, const struct handler *handler, int status)
{
	bool is_quick = loop_now(supervisor->loop) - handler->started < AT_ONCE_MS;
	struct failure failure = { .status = status };
	struct failures *failures;

	if (is_quick)
		failure.reason = why_failed(handler, status);
	failures = failure.reason != NULL ? find_or_make(supervisor, handler->row)
					  : supervisor->failures[handler->row];
	if (failures == NULL)
		return;
	if (failure.reason != NULL)
		failed(failures, handler->is_trial, &failure);
	else
		did_well(failures, handler->is_trial);
}

static struct failures *
failures_free(struct failures *failures)
{
	if (failures == NULL)
		return NULL;
	loop_stop_timer(failures->supervisor->loop, &failures->timer);
	free(failures);
	return NULL;
}

void
failures_forget(struct supervisor *supervisor)
{
	for (uint32_t row = 0; row < supervisor->row_count; row++) {
		struct failures *failures = supervisor->failures[row];

		if (failures != NULL && failures->backoff.state != BACKOFF_NONE)
			restore(failures);
		supervisor->failures[row] = failures_free(failures);
	}
}

int
failures_init(struct supervisor *supervisor)
{
	supervisor->failures = calloc(supervisor->row_count, sizeof(struct failures *));
	return supervisor->failures != NULL ? 0 : -ENOMEM;
}

void
failures_fini(struct supervisor *supervisor)
{
	for (uint32_t row = 0; supervisor->failures != NULL && row < supervisor->row_count; row++)
		supervisor->failures[row] = failures_free(supervisor->failures[row]);
	free(supervisor->failures);
	supervisor->failures = NULL;
}

bool
failures_save(const struct supervisor *supervisor, uint32_t row, struct saved_failures *ret_row)
{
	const struct failures *failures = supervisor->failures[row];

	if (failures == NULL)
		return false;
	*ret_row = (struct saved_failures){ .row = row,
		.state = failures->backoff.state,
		.failures = failures->backoff.failures,
		.pause = failures->backoff.pause,
		.began = failures->backoff.began,
		.due = failures->timer.place != 0 ? failures->timer.due : 0,
		.is_tried = failures->is_tried };
	return true;
}

/* The ceiling lies in the shared memory, which may be another one now. */
static void
set_ceiling_again(const struct failures *failures)
{
	const struct supervisor *supervisor = failures->supervisor;
	int64_t active = shared_active(supervisor->shared, failures->row);

	if (failures->backoff.state != BACKOFF_NONE)
		set_ceiling(failures,
			failures->backoff.state == BACKOFF_TRIAL && !failures->is_tried ? active + 1
											: 0);
}

void
failures_restore(struct supervisor *supervisor, const struct saved_failures *row)
{
	struct failures *failures = row->row < supervisor->row_count && row->state <= BACKOFF_TRIAL
		? find_or_make(supervisor, (uint32_t)row->row)
		: NULL;

	if (failures == NULL) {
		if (row->row < supervisor->row_count)
			shared_set_ceiling(supervisor->shared, (uint32_t)row->row,
				SHARED_NO_CEILING);
		return;
	}
	failures->backoff = (struct backoff){ .state = (enum backoff_state)row->state,
		.failures = (uint32_t)row->failures,
		.pause = row->pause,
		.began = row->began };
	failures->is_tried = row->is_tried;
	set_ceiling_again(failures);
	if (row->due > 0 && loop_set_timer(supervisor->loop, &failures->timer, row->due) < 0)
		restore(failures);
}
