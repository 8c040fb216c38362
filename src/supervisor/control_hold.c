/* SPDX-License-Identifier: ISC */
/* Services whose clients are to wait: pause, drain, resume. Their ports stay open, and the kernel
 * keeps who comes in its queue; who is being served already goes on. */
#include "base/shared_places.h"
#include "supervisor/control.h"
#include "supervisor/control_census.h"
#include "supervisor/control_describe.h"
#include "supervisor/control_methods.h"
#include "supervisor/gates.h"
#include "supervisor/handover.h"
#include "supervisor/waiting.h"

#include <errno.h>

#define LOOK_MS 100 /* at the connections of those that drain */

static void
set_hold(struct supervisor *supervisor, struct served *served, enum hold hold)
{
	struct supervised_gate *gate = NULL;
	bool was_held = served->hold != HOLD_NONE;

	served->hold = hold;
	if (was_held == (hold != HOLD_NONE))
		return;
	while ((gate = gates_next(supervisor, gate)) != NULL)
		handover_hold(gate, served);
	waiting_hold_clients(served);
}

static json_t *
describe_hold(const struct supervisor *supervisor, const struct served *served)
{
	return json_pack("{s:I}", "active",
		(json_int_t)shared_active(supervisor->shared, served->row));
}

static void
paused(struct control_peer *peer, struct control_census *census)
{
	const struct supervisor *supervisor = peer->supervisor;
	const struct served *served =
		peer->awaited < supervisor->row_count ? supervisor->rows[peer->awaited] : NULL;
	int64_t active = served != NULL ? shared_active(supervisor->shared, served->row) : 0;

	if (census->silent > 0)
		control_fail_reason(peer,
			"a gate does not answer; it may go on letting clients in");
	else
		control_answer(peer, json_pack("{s:I}", "active", (json_int_t)active));
}

void
control_do_pause(struct control_peer *peer)
{
	const struct census_filter nobody = { .connection = UINT64_MAX, .row = CENSUS_ANY_ROW };
	struct served *served = control_find_service(peer, control_text(peer, "service"));

	if (served == NULL)
		return;
	if (served->hold != HOLD_PAUSED)
		LOG(service_paused, .service = served->name);
	set_hold(peer->supervisor, served, HOLD_PAUSED);
	/* A gate that answers a question has heard what it was told before. */
	peer->awaited = served->row;
	control_census_begin(peer, &nobody, false, paused);
}

void
control_do_resume(struct control_peer *peer)
{
	struct supervisor *supervisor = peer->supervisor;
	struct served *served = control_find_service(peer, control_text(peer, "service"));

	if (served == NULL)
		return;
	if (served->hold != HOLD_NONE)
		LOG(service_resumed, .service = served->name);
	set_hold(supervisor, served, HOLD_NONE);
	control_answer(peer, describe_hold(supervisor, served));
}

/* --- drain */

static struct served *
find_row(const struct supervisor *supervisor, uint64_t row)
{
	return row < supervisor->row_count ? supervisor->rows[row] : NULL;
}

/* Whoever waits for it: what has changed, and the end, also if somebody has resumed it since. */
static void
tell_waiting(struct supervisor *supervisor)
{
	struct control_peer *peer = NULL;

	while ((peer = control_next_waiting(supervisor, CONTROL_VERB_drain, peer)) != NULL) {
		const struct served *served = find_row(supervisor, peer->awaited);
		int64_t active =
			served != NULL ? shared_active(supervisor->shared, served->row) : 0;

		if (served == NULL || served->hold == HOLD_DRAINED)
			control_answer(peer, json_pack("{s:I}", "active", (json_int_t)0));
		else if (served->hold != HOLD_DRAINING)
			control_fail_reason(peer, "the service is not draining any more");
		else if (peer->call.wants_more && active != peer->told)
			control_add_answer(peer, describe_hold(supervisor, served));
		peer->told = active;
	}
}

static void
look_at_draining(struct timer *timer, msec now)
{
	struct control *control = CONTAINER_OF(timer, struct control, draining);
	struct supervisor *supervisor = control->supervisor;
	bool is_any_left = false;

	for (uint32_t row = 0; row < supervisor->row_count; row++) {
		struct served *served = supervisor->rows[row];

		if (served == NULL || served->hold != HOLD_DRAINING)
			continue;
		if (shared_active(supervisor->shared, row) > 0 || served->handler_count > 0) {
			is_any_left = true;
			continue;
		}
		served->hold = HOLD_DRAINED;
		LOG(service_drained, .service = served->name);
	}
	tell_waiting(supervisor);
	if (is_any_left)
		(void)loop_set_timer(supervisor->loop, timer, now + LOOK_MS);
}

static int
look_now(struct supervisor *supervisor)
{
	struct timer *timer = &supervisor->control->draining;

	timer->expired = look_at_draining;
	return loop_set_timer(supervisor->loop, timer, loop_now(supervisor->loop));
}

void
control_drain_goes_on(struct supervisor *supervisor)
{
	if (look_now(supervisor) < 0)
		LOG(system_error, .step = "drain", .error = ENOMEM);
}

/* From now on no gate lets anybody in: those who are counted are the last. */
static void
wait_for_last(struct control_peer *peer, struct control_census *census)
{
	(void)census;
	if (look_now(peer->supervisor) < 0)
		control_fail_reason(peer, "there is no memory to wait for its end");
}

void
control_do_drain(struct control_peer *peer)
{
	const struct census_filter nobody = { .connection = UINT64_MAX, .row = CENSUS_ANY_ROW };
	struct supervisor *supervisor = peer->supervisor;
	struct served *served = control_find_service(peer, control_text(peer, "service"));

	if (served == NULL)
		return;
	if (served->hold != HOLD_DRAINING)
		LOG(service_draining, .service = served->name,
			.connections = shared_active(supervisor->shared, served->row));
	set_hold(supervisor, served, HOLD_DRAINING);
	peer->awaited = served->row;
	peer->told = -1;
	control_census_begin(peer, &nobody, false, wait_for_last);
}
