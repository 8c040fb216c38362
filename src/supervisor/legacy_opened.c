/* SPDX-License-Identifier: ISC */
/* Rows of the shared memory and listeners that another reeved has left. */
#include "supervisor/legacy_room.h"
#include "supervisor/services.h"
#include "supervisor/waiting.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static int
take_service(const struct restoring *restoring, struct saved_service *row)
{
	struct supervisor *supervisor = restoring->supervisor;
	struct served *served;

	if (row->row >= supervisor->row_count || supervisor->rows[row->row] != NULL ||
		row->name == NULL || row->index < -1 || row->index >= ROW_NONE ||
		row->hold > HOLD_DRAINED)
		return -EPROTO;
	served = services_new(row->name);
	if (served == NULL)
		return -ENOMEM;
	served->row = (uint32_t)row->row;
	served->index = row->index < 0 ? ROW_NONE : (uint32_t)row->index;
	served->hold = (enum hold)row->hold;
	supervisor->rows[served->row] = served;
	if (!supervisor->legacy->has_counters)
		shared_name_row(supervisor->shared, served->row, served->name);
	return 0;
}

static int
find_protocol(const char *word, enum protocol *ret_protocol)
{
	for (int i = 0; word != NULL && i < PROTOCOL_COUNT; i++)
		if (strcmp(protocol_word((enum protocol)i), word) == 0) {
			*ret_protocol = (enum protocol)i;
			return 0;
		}
	return -EPROTO;
}

static int
add_slot(struct listener_set *set, struct listener *listener)
{
	struct listener_slot *slots = reallocarray(set->slots, set->count + 1, sizeof(*slots));

	if (slots == NULL)
		return -ENOMEM;
	set->slots = slots;
	slots[set->count++] = (struct listener_slot){ .listener = listener };
	return 0;
}

static int
take_listener(const struct restoring *restoring, struct saved_listener *row)
{
	struct supervisor *supervisor = restoring->supervisor;
	enum protocol protocol;
	struct listener *listener;

	if (find_protocol(row->protocol, &protocol) < 0 || row->service == NULL ||
		row->id > UINT32_MAX || row->backlog < 0 || row->backlog > INT_MAX ||
		(protocol_family(protocol) == AF_UNIX) != (row->path != NULL))
		return -EPROTO;
	listener = calloc(1, sizeof(*listener));
	if (listener == NULL || add_slot(&supervisor->listeners, listener) < 0) {
		free(listener);
		return -ENOMEM;
	}
	*listener = (struct listener){ .id = (uint32_t)row->id,
		.service = row->service,
		.path = row->path,
		.wanted = { .protocol = protocol,
			.address = row->wanted,
			.is_optional = row->is_optional,
			.path = row->path },
		.bound = row->bound,
		.backlog = (int)row->backlog,
		.is_waiting = row->is_waiting,
		.is_for_one = row->is_for_one,
		.is_ours = row->is_ours };
	row->service = row->path = NULL;
	return 0;
}

/* Of the listener before it, which may move. */
static int
take_socket(const struct restoring *restoring, struct saved_socket *row)
{
	struct listener_set *set = &restoring->supervisor->listeners;
	struct listener_slot *slot = set->count > 0 ? &set->slots[set->count - 1] : NULL;
	struct listener *listener;

	if (slot == NULL || slot->listener->fd_count == SHARED_GATES_MAX ||
		row->stored_as > UINT32_MAX)
		return -EPROTO;
	if (row->fd < 0)
		return restoring->supervisor->legacy->is_stored ? 0 : -EPROTO;
	listener = realloc(slot->listener,
		sizeof(*listener) + (slot->listener->fd_count + 1) * sizeof(int));
	if (listener == NULL)
		return -ENOMEM;
	slot->listener = listener;
	listener->stored_as = (uint32_t)row->stored_as;
	listener->fds[listener->fd_count++] = row->fd;
	return 0;
}

int
legacy_take_opened(void *owner, unsigned int kind, void *row)
{
	switch ((enum saved_row)kind) {
	case SAVED_ROW_service:
		return take_service(owner, row);
	case SAVED_ROW_listener:
		return take_listener(owner, row);
	case SAVED_ROW_socket:
		return take_socket(owner, row);
	case SAVED_ROW_daemon:
	case SAVED_ROW_program:
	case SAVED_ROW_held:
	case SAVED_ROW_record:
	case SAVED_ROW_bounds:
	case SAVED_ROW_member:
	case SAVED_ROW_failures:
	case SAVED_ROW_gate:
	case SAVED_ROW_asker:
	case SAVED_ROW_kept:
	case SAVED_ROW_kept_conn:
	case SAVED_ROW_COUNT:
		break;
	}
	return 0;
}

/* One without a socket is none. */
void
legacy_prepare_listeners(struct supervisor *supervisor)
{
	struct listener_set *set = &supervisor->listeners;
	size_t kept = 0;

	for (size_t i = 0; i < set->count; i++) {
		struct listener *listener = set->slots[i].listener;

		if (listener->fd_count > 0 &&
			(!listener->is_waiting || waiting_prepare(supervisor, listener) == 0)) {
			set->slots[kept++].listener = listener;
			continue;
		}
		free(listener->service);
		free(listener->path);
		free(listener);
	}
	set->count = kept;
}
