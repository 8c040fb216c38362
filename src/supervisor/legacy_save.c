/* SPDX-License-Identifier: ISC */
/* Writing down what the next reeved has to know. */
#include "supervisor/legacy.h"

#include "effects/channel.h"
#include "effects/process.h"
#include "effects/sealed.h"
#include "supervisor/control.h"
#include "supervisor/deadlines.h"
#include "supervisor/failures.h"
#include "supervisor/gates.h"
#include "supervisor/handler_table.h"
#include "supervisor/records.h"
#include "supervisor/store.h"

#include <errno.h>

#define FDS_FIRST_ROOM 256

struct saving {
	struct saved_writer writer;
	struct legacy_fds *fds;
	enum legacy_place place;
	int error;
};

static void
note_fd(struct saving *saving, int noted_fd)
{
	struct legacy_fds *fds = saving->fds;

	if (fds->count == fds->room) {
		size_t room = fds->room > 0 ? fds->room * 2 : FDS_FIRST_ROOM;
		int *wider = reallocarray(fds->fds, room, sizeof(int));

		if (wider == NULL) {
			saving->error = -ENOMEM;
			return;
		}
		fds->fds = wider;
		fds->room = room;
	}
	fds->fds[fds->count++] = noted_fd;
}

/* Every descriptor that a row names has to stay open. */
static void
add(struct saving *saving, enum saved_row kind, const void *row)
{
	const struct saved_kind *facts = &saved_state_form.kinds[kind];

	saved_add(&saving->writer, kind, row);
	for (size_t i = 0; i < facts->field_count; i++) {
		const struct saved_field *field = &facts->fields[i];
		int named_fd = field->type == SAVED_FD
			? *(const int *)(const void *)((const char *)row + field->offset)
			: -1;

		if (named_fd >= 0)
			note_fd(saving, named_fd);
	}
}

static void
add_daemon(struct saving *saving, const struct supervisor *supervisor)
{
	char version[] = REEVE_VERSION;
	const struct saved_daemon row = { .version = version,
		.channel = CHANNEL_VERSION,
		.generation = supervisor->generation,
		.next_listener = supervisor->next_listener,
		.next_start = supervisor->next_start,
		.gate_instances = supervisor->gate_instances,
		.attempts = supervisor->attempts,
		.gates = supervisor->gate_count,
		.files_soft = supervisor->files_before.rlim_cur,
		.files_hard = supervisor->files_before.rlim_max,
		.shared = supervisor->shared_fd,
		.sources = supervisor->sources_fd,
		.config = supervisor->services.config_fd,
		.lock = saving->place == LEGACY_EXEC ? supervisor->lock_fd : -1,
		.is_final = saving->place != LEGACY_STORED };

	add(saving, SAVED_ROW_daemon, &row);
}

static void
add_services(struct saving *saving, const struct supervisor *supervisor)
{
	for (uint32_t i = 0; i < supervisor->row_count; i++) {
		const struct served *served = supervisor->rows[i];

		if (served == NULL)
			continue;
		add(saving, SAVED_ROW_service,
			&(struct saved_service){ .row = i,
				.index = served->index == ROW_NONE ? -1 : (int64_t)served->index,
				.name = (char *)(uintptr_t)served->name,
				/* A restart is a beginning; an upgrade is none. */
				.hold = saving->place == LEGACY_EXEC ? served->hold : HOLD_NONE });
	}
}

static void
add_listener(struct saving *saving, const struct listener *listener)
{
	char *protocol = (char *)(uintptr_t)protocol_word(listener->wanted.protocol);
	const struct saved_listener row = { .id = listener->id,
		.service = listener->service,
		.protocol = protocol,
		.path = listener->path,
		.wanted = listener->wanted.address,
		.bound = listener->bound,
		.is_optional = listener->wanted.is_optional,
		.is_waiting = listener->is_waiting,
		.is_for_one = listener->is_for_one,
		.is_ours = listener->is_ours,
		.backlog = listener->backlog };

	/* What the manager hands in, it hands in again. */
	if (saving->place != LEGACY_EXEC && listener->stored_as == 0)
		return;
	add(saving, SAVED_ROW_listener, &row);
	for (uint32_t i = 0; i < listener->fd_count; i++) {
		const struct waiting *waiting =
			listener->waiting != NULL ? &listener->waiting[i] : NULL;

		add(saving, SAVED_ROW_socket,
			&(struct saved_socket){ .fd = listener->fds[i],
				.stored_as = listener->stored_as,
				.place = i,
				.streak = waiting != NULL ? waiting->streak : 0,
				.head = waiting != NULL ? waiting->head : 0 });
	}
}

static void
add_held(struct saving *saving, const struct handler *handler)
{
	for (const struct waiting *waiting = handler->held; waiting != NULL;
		waiting = waiting->next_held)
		add(saving, SAVED_ROW_held,
			&(struct saved_held){ .listener = waiting->listener->id,
				.place = (uint64_t)(waiting - waiting->listener->waiting) });
}

static void
add_bounds(struct saving *saving, const struct bounds *bounds)
{
	struct saved_bounds row;
	struct saved_member member;

	deadlines_save(bounds, &row);
	add(saving, SAVED_ROW_bounds, &row);
	for (uint32_t i = 0;
		saving->place == LEGACY_EXEC && deadlines_save_member(bounds, i, &member); i++)
		add(saving, SAVED_ROW_member, &member);
}

static void
add_program(struct saving *saving, const struct handler *handler)
{
	char *ending = (char *)(uintptr_t)ending_word(handler->ending);
	bool is_strange = handler->adopted != NULL || saving->place != LEGACY_EXEC;
	const struct saved_program row = { .pid = (uint64_t)handler->pid,
		.birth = is_strange ? process_birth(handler->pid) : 0,
		.connection = handler->connection,
		.source = handler->source,
		.row = handler->row,
		.gate = handler->gate,
		.said = handler->stderr_fd,
		.peer = handler->peer,
		.started = handler->started,
		.is_carried = handler->is_carried,
		.is_trial = handler->is_trial,
		.ending = handler->was_ended ? ending : NULL };
	struct saved_record record;

	add(saving, SAVED_ROW_program, &row);
	add_held(saving, handler);
	if (handler->record != NULL) {
		records_save(handler->record, &record);
		add(saving, SAVED_ROW_record, &record);
	}
	if (handler->bounds != NULL)
		add_bounds(saving, handler->bounds);
}

static void
add_programs(struct saving *saving, const struct supervisor *supervisor)
{
	const struct bounds *remnant = NULL;
	const struct handler *handler = NULL;

	while ((handler = handlers_next(&supervisor->handlers, handler)) != NULL)
		add_program(saving, handler);
	while (saving->place == LEGACY_EXEC &&
		(remnant = deadlines_next_remnant(supervisor, remnant)) != NULL)
		add_bounds(saving, remnant);
}

static void
add_failures(struct saving *saving, const struct supervisor *supervisor)
{
	struct saved_failures row;

	for (uint32_t i = 0; i < supervisor->row_count; i++)
		if (failures_save(supervisor, i, &row))
			add(saving, SAVED_ROW_failures, &row);
}

static void
add_gates(struct saving *saving, const struct supervisor *supervisor)
{
	for (const struct supervised_gate *gate = NULL;
		(gate = gates_next(supervisor, gate)) != NULL;)
		if (gate->pid > 0 && gate->phase == CHANNEL_STOP && gate->channel.fd >= 0)
			add(saving, SAVED_ROW_gate,
				&(struct saved_gate){ .number = gate->number,
					.instance = gate->instance,
					.writer = gate->writer,
					.pid = (uint64_t)gate->pid,
					.channel = gate->channel.fd,
					.started = gate->started,
					.until = gate->until,
					.messages = gate->is_foreign ? 0 : CHANNEL_VERSION });
}

static void
add_askers(struct saving *saving, const struct supervisor *supervisor)
{
	const struct control_peer *peer = NULL;
	struct saved_asker row;

	while ((peer = control_upgrade_next(supervisor, peer, &row.fd)) != NULL)
		add(saving, SAVED_ROW_asker, &row);
}

static void
add_kept(struct saving *saving, const struct kept *kept)
{
	if (kept->memory_fd < 0)
		return;
	add(saving, SAVED_ROW_kept, &(struct saved_kept){ .memory = kept->memory_fd });
	for (uint32_t i = 0; i < kept->count; i++)
		add(saving, SAVED_ROW_kept_conn, &(struct saved_kept_conn){ .fd = kept->fds[i] });
}

static void
add_all(struct saving *saving, const struct supervisor *supervisor)
{
	saved_begin(&saving->writer);
	add_daemon(saving, supervisor);
	add_services(saving, supervisor);
	for (size_t i = 0; i < supervisor->listeners.count; i++)
		add_listener(saving, supervisor->listeners.slots[i].listener);
	if (saving->place != LEGACY_STORED)
		add_programs(saving, supervisor);
	add_failures(saving, supervisor);
	if (saving->place == LEGACY_EXEC) {
		add_gates(saving, supervisor);
		add_askers(saving, supervisor);
		add_kept(saving, &supervisor->kept_conns);
	}
	saved_end(&saving->writer);
}

int
legacy_save(const struct supervisor *supervisor, enum legacy_place place, int *ret_state_fd,
	struct legacy_fds *ret_fds)
{
	struct textbuf text = TEXTBUF_INIT(SAVED_STATE_MAX);
	struct saving saving = { .writer = { .form = &saved_state_form,
					 .text = &text,
					 .name_fd = place != LEGACY_EXEC ? store_name : NULL,
					 .owner = (void *)(uintptr_t)supervisor },
		.fds = ret_fds,
		.place = place };
	int error;

	*ret_fds = (struct legacy_fds){ .fds = NULL };
	add_all(&saving, supervisor);
	error = saving.error < 0 ? saving.error : textbuf_error(&text);
	if (error == 0)
		error = sealed_make("reeve-state", text.text, text.length, ret_state_fd);
	textbuf_fini(&text);
	if (error < 0)
		free(ret_fds->fds);
	return error;
}
