/* SPDX-License-Identifier: ISC */
/* Events as they happen. Every process keeps its last ones in the shared memory; they are looked at
 * as long as somebody follows, and no longer. */
#include "base/shared_log.h"
#include "supervisor/control_describe.h"
#include "supervisor/control_methods.h"
#include "supervisor/gates.h"

#include <stdio.h>
#include <string.h>
#include <sys/param.h>

#define LOOK_MS 100
#define LAST_STANDARD 20
#define LAST_MAX 1000
#define EVENTS_AT_ONCE 512

struct event {
	uint32_t writer;
	struct log_record record;
};

struct follower {
	uint64_t positions[SHARED_WRITERS_MAX];
	enum log_level level;
	char service[SHARED_NAME_MAX + sizeof(" service=")]; /* empty: any */
	struct event *events;
	size_t count;
	uint64_t missed;
};

static void
follower_free(void *context)
{
	struct follower *follower = context;

	free(follower->events);
	free(follower);
}

static bool
is_of_service(const struct log_record *record, const char *wanted)
{
	size_t length = strlen(wanted);
	const char *found;

	if (length == 0)
		return true;
	found = memmem(record->text, record->length, wanted, length);
	while (found != NULL) {
		const char *end = found + length;

		if (end == record->text + record->length || *end == ' ')
			return true;
		found = memmem(end, (size_t)(record->text + record->length - end), wanted, length);
	}
	return false;
}

static bool
is_wanted(const struct follower *follower, const struct log_record *record)
{
	return record->level <= follower->level && is_of_service(record, follower->service);
}

static int
compare_times(const void *a, const void *b)
{
	const struct event *first = a;
	const struct event *second = b;

	return (first->record.time_us > second->record.time_us) -
		(first->record.time_us < second->record.time_us);
}

/* What is new, in the order in which it happened; of a flood as many from each as have room. */
static void
gather(const struct supervisor *supervisor, struct follower *follower, size_t most)
{
	uint32_t writers = shared_writers(supervisor->shared);
	size_t each = MAX(most / writers, 1);

	follower->count = 0;
	for (uint32_t writer = 0; writer < writers; writer++) {
		const struct log_ring *ring = shared_log(supervisor->shared, writer);
		size_t end = MIN(follower->count + each, most);

		/* One that writes without end is not read without end. */
		for (int i = 0; i < LOG_RING_SLOTS && follower->count < end; i++) {
			struct event *event = &follower->events[follower->count];

			if (!log_ring_read(ring, &follower->positions[writer], &event->record,
				    &follower->missed))
				break;
			event->writer = writer;
			follower->count += is_wanted(follower, &event->record);
		}
	}
	qsort(follower->events, follower->count, sizeof(struct event), compare_times);
}

static json_t *
describe_writer(const struct supervisor *supervisor, uint32_t writer)
{
	char text[32] = "gate";

	if (writer == SHARED_SUPERVISOR)
		return json_string("supervisor");
	for (const struct supervised_gate *gate = NULL;
		(gate = gates_next(supervisor, gate)) != NULL;)
		if (gate->writer == writer)
			(void)snprintf(text, sizeof(text), "gate %u", gate->number);
	return json_string(text);
}

static json_t *
describe(const struct supervisor *supervisor, struct follower *follower, size_t first)
{
	json_t *events = json_array();
	uint64_t missed = follower->missed;

	for (size_t i = first; i < follower->count; i++) {
		const struct log_record *record = &follower->events[i].record;

		(void)json_array_append_new(events,
			json_pack("{s:I, s:o, s:s, s:o}", "time_us", (json_int_t)record->time_us,
				"from", describe_writer(supervisor, follower->events[i].writer),
				"level", log_level_word(record->level), "text",
				varlink_text(record->text, record->length)));
	}
	follower->missed = 0;
	return json_pack("{s:o, s:I}", "events", events, "missed",
		(json_int_t)(missed < INT64_MAX ? missed : INT64_MAX));
}

static void
look(struct timer *timer, msec now)
{
	struct control *control = CONTAINER_OF(timer, struct control, following);
	struct supervisor *supervisor = control->supervisor;
	struct control_peer *peer = NULL;
	bool is_any = false;

	while ((peer = control_next_waiting(supervisor, CONTROL_VERB_log, peer)) != NULL) {
		struct follower *follower = peer->context;

		is_any = true;
		/* One that is behind misses what it does not come to in time. */
		if (control_is_behind(peer))
			continue;
		gather(supervisor, follower, EVENTS_AT_ONCE);
		if (follower->count > 0 || follower->missed > 0)
			control_add_answer(peer, describe(supervisor, follower, 0));
	}
	if (is_any)
		(void)loop_set_timer(supervisor->loop, timer, now + LOOK_MS);
}

/* --- the call */

/* What is wrong, by the parameter's name; NULL: nothing. */
static const char *
read_wishes(const struct control_peer *peer, struct follower *follower, int64_t *ret_last)
{
	const char *level = control_text(peer, "level");
	bool follows = json_is_true(json_object_get(peer->call.parameters, "follow"));

	*ret_last = control_number(peer, "last", follows ? 0 : LAST_STANDARD);
	if (*ret_last < 0 || *ret_last > LAST_MAX)
		return "last";
	if (follows && !peer->call.wants_more)
		return "follow";
	follower->level = LOG_LEVEL_DEBUG;
	for (unsigned i = LOG_LEVEL_ERR; level != NULL && i <= LOG_LEVEL_DEBUG; i++)
		if (strcmp(level, log_level_word((enum log_level)i)) == 0) {
			follower->level = (enum log_level)i;
			return NULL;
		}
	return level != NULL ? "level" : NULL;
}

static struct follower *
follower_new(struct control_peer *peer)
{
	uint32_t writers = shared_writers(peer->supervisor->shared);
	struct follower *follower = calloc(1, sizeof(*follower));
	size_t most = MAX((size_t)writers * LOG_RING_SLOTS, EVENTS_AT_ONCE);

	if (follower == NULL)
		return NULL;
	follower->events = calloc(most, sizeof(struct event));
	peer->context = follower;
	peer->free_context = follower_free;
	return follower->events != NULL ? follower : NULL;
}

/* The last of all together, so of each as many as they all. */
static void
show_last(struct control_peer *peer, struct follower *follower, size_t last)
{
	const struct supervisor *supervisor = peer->supervisor;
	uint32_t writers = shared_writers(supervisor->shared);
	bool follows = json_is_true(json_object_get(peer->call.parameters, "follow"));
	json_t *described;

	for (uint32_t writer = 0; writer < writers; writer++)
		follower->positions[writer] =
			log_ring_position(shared_log(supervisor->shared, writer),
				last > 0 ? LOG_RING_SLOTS : 0);
	gather(supervisor, follower, (size_t)writers * LOG_RING_SLOTS);
	follower->missed = 0;
	described =
		describe(supervisor, follower, follower->count > last ? follower->count - last : 0);
	if (follows)
		control_add_answer(peer, described);
	else
		control_answer(peer, described);
}

void
control_do_log(struct control_peer *peer)
{
	struct control *control = peer->supervisor->control;
	const char *service = control_text(peer, "service");
	struct follower *follower;
	const char *wrong;
	int64_t last;

	if (service != NULL && control_find_service(peer, service) == NULL)
		return;
	follower = follower_new(peer);
	if (follower == NULL) {
		peer->is_broken = true;
		return;
	}
	if (service != NULL)
		(void)snprintf(follower->service, sizeof(follower->service), " service=%s",
			service);
	wrong = read_wishes(peer, follower, &last);
	if (wrong != NULL) {
		if (strcmp(wrong, "follow") == 0)
			control_fail(peer, VARLINK_ERROR("ExpectedMore"), NULL);
		else
			control_fail_parameter(peer, wrong);
		return;
	}
	show_last(peer, follower, (size_t)last);
	control->following.expired = look;
	if (control->following.place == 0)
		(void)loop_set_timer(control->supervisor->loop, &control->following,
			loop_now(control->supervisor->loop) + LOOK_MS);
}
