/* SPDX-License-Identifier: ISC */
/* Programs and gates that another reeved has left. */
#include "base/shared_holds.h"
#include "base/shared_places.h"
#include "effects/channel.h"
#include "supervisor/adopted.h"
#include "supervisor/deadlines.h"
#include "supervisor/draining.h"
#include "supervisor/failures.h"
#include "supervisor/handler_table.h"
#include "supervisor/kept.h"
#include "supervisor/legacy_room.h"
#include "supervisor/records.h"
#include "supervisor/waiting.h"

#include <errno.h>
#include <string.h>

static struct listener *
find_listener(const struct supervisor *supervisor, uint64_t id)
{
	for (size_t i = 0; i < supervisor->listeners.count; i++)
		if (supervisor->listeners.slots[i].listener->id == id)
			return supervisor->listeners.slots[i].listener;
	return NULL;
}

static struct waiting *
find_waiting(const struct listener *listener, uint64_t place)
{
	if (listener == NULL || listener->waiting == NULL || place >= listener->fd_count)
		return NULL;
	return &listener->waiting[place];
}

static int
note_streak(struct restoring *restoring, const struct saved_socket *row)
{
	struct waiting *waiting = find_waiting(restoring->listener, restoring->place++);

	if (waiting != NULL) {
		waiting->streak = (uint32_t)row->streak;
		waiting->head = row->head;
	}
	return 0;
}

static int
find_ending(const char *word, enum ending *ret_ending)
{
	for (int i = 0; i < ENDING_COUNT; i++)
		if (strcmp(ending_word((enum ending)i), word) == 0) {
			*ret_ending = (enum ending)i;
			return 0;
		}
	return -EPROTO;
}

/* Its place is counted in the shared memory, unless that is a new one. */
static void
note_program(struct supervisor *supervisor, struct handler *handler)
{
	supervisor->rows[handler->row]->handler_count++;
	handlers_add(&supervisor->handlers, handler);
	if (!supervisor->legacy->has_counters || supervisor->legacy->is_stored)
		shared_keep(supervisor->shared, handler->row, SHARED_SUPERVISOR);
	if (!supervisor->legacy->has_sources ||
		(supervisor->legacy->is_stored && handler->source != 0 &&
			!shared_holds_take(supervisor->sources, SHARED_SUPERVISOR, handler->source,
				UINT32_MAX)))
		handler->source = 0;
}

/* It has ended while nobody was there to see it. */
static void
tell_missed(const struct supervisor *supervisor, const struct handler *handler)
{
	LOG(handler_ended, .id = (int64_t)handler->connection,
		.service = supervisor->rows[handler->row]->name, .peer = &handler->peer,
		.pid = handler->pid, .ending = ending_word(ENDING_UNSEEN));
}

static int
take_program(struct restoring *restoring, struct saved_program *row)
{
	struct supervisor *supervisor = restoring->supervisor;
	enum ending ending = ENDING_EXITED;
	struct handler *handler;

	restoring->handler = NULL;
	restoring->bounds = NULL;
	if (row->pid == 0 || row->pid > INT32_MAX || row->row >= supervisor->row_count ||
		supervisor->rows[row->row] == NULL ||
		(row->ending != NULL && find_ending(row->ending, &ending) < 0) ||
		handlers_find(&supervisor->handlers, (pid_t)row->pid) != NULL)
		return -EPROTO;
	handler = calloc(1, sizeof(*handler));
	if (handler == NULL)
		return -ENOMEM;
	*handler = (struct handler){ .pid = (pid_t)row->pid,
		.connection = row->connection,
		.source = row->source,
		.row = (uint32_t)row->row,
		.gate = row->gate < supervisor->gate_count ? (uint32_t)row->gate : 0,
		.stderr_fd = util_take_fd(&row->said),
		.peer = row->peer,
		.started = row->started,
		.is_carried = row->is_carried,
		.is_trial = row->is_trial,
		.was_ended = row->ending != NULL,
		.ending = ending };
	/* Whoever read it has let it go. */
	handler->is_orphan = handler->stderr_fd >= 0;
	if (row->birth != 0 && adopted_begin(supervisor, handler, row->birth) < 0) {
		tell_missed(supervisor, handler);
		if (handler->stderr_fd >= 0)
			(void)close(handler->stderr_fd);
		free(handler);
		return 0;
	}
	note_program(supervisor, handler);
	restoring->handler = handler;
	return 0;
}

/* Rows that say more of a program that has ended meanwhile say it of nobody. */
static int
is_missed(const struct restoring *restoring)
{
	return restoring->supervisor->legacy->is_stored ? 0 : -EPROTO;
}

static int
take_bounds(struct restoring *restoring, const struct saved_bounds *row)
{
	if (row->session == 0 && restoring->handler == NULL)
		return is_missed(restoring);
	return deadlines_restore(restoring->supervisor,
		row->session == 0 ? restoring->handler : NULL, row, &restoring->bounds);
}

/* A listener that the configuration has no more is the program's alone. */
static int
take_held(const struct restoring *restoring, const struct saved_held *row)
{
	struct handler *handler = restoring->handler;
	struct waiting *waiting =
		find_waiting(find_listener(restoring->supervisor, row->listener), row->place);

	if (handler == NULL)
		return is_missed(restoring);
	if (waiting == NULL || waiting->handler != NULL)
		return 0;
	waiting_hold(handler, waiting);
	return 0;
}

static int
take_record(const struct restoring *restoring, const struct saved_record *row)
{
	struct handler *handler = restoring->handler;

	if (handler == NULL)
		return is_missed(restoring);
	if (handler->record != NULL)
		return -EPROTO;
	handler->record = records_restore(restoring->supervisor, &handler->peer, row);
	return 0;
}

static int
take_gate(const struct restoring *restoring, struct saved_gate *row)
{
	struct supervisor *supervisor = restoring->supervisor;
	bool has_counters = supervisor->legacy->has_counters && supervisor->legacy->has_sources;
	const struct supervised_gate gate = { .number = (uint32_t)row->number,
		.instance = (uint32_t)row->instance,
		.writer = has_counters ? (uint32_t)row->writer : 0,
		.pid = (pid_t)row->pid,
		.channel = { .fd = row->channel },
		.started = row->started,
		.until = row->until,
		.is_foreign = row->messages != CHANNEL_VERSION };

	if (row->pid == 0 || row->pid > INT32_MAX || row->channel < 0 ||
		gate.writer >= shared_writers(supervisor->shared) ||
		row->number >= SHARED_GATES_MAX)
		return -EPROTO;
	(void)draining_take(supervisor, &gate);
	return 0;
}

static int
take_asker(const struct restoring *restoring, struct saved_asker *row)
{
	struct legacy *legacy = restoring->supervisor->legacy;

	if (row->fd < 0 || legacy->asker_count == LEGACY_ASKERS_MAX)
		return -EPROTO;
	legacy->askers[legacy->asker_count++] = util_take_fd(&row->fd);
	return 0;
}

int
legacy_take_running(void *owner, unsigned int kind, void *row)
{
	struct restoring *restoring = owner;

	switch ((enum saved_row)kind) {
	case SAVED_ROW_listener:
		restoring->listener = find_listener(restoring->supervisor,
			((const struct saved_listener *)row)->id);
		restoring->place = 0;
		return 0;
	case SAVED_ROW_socket:
		return note_streak(restoring, row);
	case SAVED_ROW_program:
		return take_program(restoring, row);
	case SAVED_ROW_held:
		return take_held(restoring, row);
	case SAVED_ROW_record:
		return take_record(restoring, row);
	case SAVED_ROW_bounds:
		return take_bounds(restoring, row);
	case SAVED_ROW_member:
		return deadlines_restore_member(restoring->bounds, row);
	case SAVED_ROW_gate:
		return take_gate(restoring, row);
	case SAVED_ROW_asker:
		return take_asker(restoring, row);
	case SAVED_ROW_kept:
		kept_restore_memory(restoring->supervisor, ((struct saved_kept *)row)->memory);
		return 0;
	case SAVED_ROW_kept_conn:
		return kept_restore_conn(restoring->supervisor,
			((struct saved_kept_conn *)row)->fd);
	case SAVED_ROW_daemon:
	case SAVED_ROW_service:
	case SAVED_ROW_failures:
	case SAVED_ROW_COUNT:
		break;
	}
	return 0;
}

int
legacy_take_failures(void *owner, unsigned int kind, void *row)
{
	const struct restoring *restoring = owner;

	if (kind == SAVED_ROW_failures)
		failures_restore(restoring->supervisor, row);
	return 0;
}
