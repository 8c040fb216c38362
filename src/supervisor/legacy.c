/* SPDX-License-Identifier: ISC */
/* Taking over what another reeved has left. The rows are read once for each part that is restored:
 * each has its time, and none needs a place to wait in. */
#include "supervisor/legacy.h"

#include "base/shared_holds.h"
#include "base/shared_places.h"
#include "effects/channel.h"
#include "effects/sealed.h"
#include "supervisor/adopted.h"
#include "supervisor/deadlines.h"
#include "supervisor/draining.h"
#include "supervisor/failures.h"
#include "supervisor/handed.h"
#include "supervisor/handler_table.h"
#include "supervisor/kept.h"
#include "supervisor/records.h"
#include "supervisor/store.h"
#include "supervisor/waiting.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define CONFIG_NAME "the running configuration"

/* What the rows of one reading have in common. */
struct restoring {
	struct supervisor *supervisor;
	const struct legacy *legacy;
	struct listener *listener; /* of the socket rows */
	uint32_t place;            /* of the next of them */
	struct handler *handler;   /* of the rows that say more of a program */
	struct bounds *bounds;     /* of the member rows */
	struct saved_daemon daemon;
	bool is_described; /* by a daemon row */
};

/* ---------------------------------------------------------------- reading */

/* What the manager has lost is -1, and that row's to do without. */
static int
find_stored(void *owner, const char *word)
{
	const struct restoring *restoring = owner;
	const struct legacy *legacy = restoring->legacy;

	for (size_t i = 0; i < legacy->stored_count; i++)
		if (strcmp(legacy->stored[i].name, word) == 0) {
			legacy->stored[i].is_used |= legacy->is_claiming;
			return legacy->stored[i].stored_fd;
		}
	return -1;
}

static int
read_rows(const struct legacy *legacy, int (*take)(void *owner, unsigned int kind, void *row),
	struct restoring *restoring, struct saved_mistake *ret_mistake)
{
	const struct saved_reader reader = {
		.take = take, .find_fd = legacy->is_stored ? find_stored : NULL, .owner = restoring
	};

	restoring->legacy = legacy;
	return saved_read(&saved_state_form, legacy->text, legacy->length, &reader, ret_mistake);
}

static int
take_daemon(void *owner, unsigned int kind, void *row)
{
	struct restoring *restoring = owner;
	struct saved_daemon *daemon = row;

	if (kind != SAVED_ROW_daemon)
		return restoring->is_described ? 0 : -EPROTO;
	if (restoring->is_described || daemon->version == NULL || daemon->gates == 0 ||
		daemon->gates > SHARED_GATES_MAX || daemon->generation > UINT32_MAX ||
		daemon->next_listener > UINT32_MAX || daemon->gate_instances > UINT32_MAX ||
		daemon->attempts > UINT32_MAX)
		return -EPROTO;
	restoring->is_described = true;
	restoring->daemon = *daemon;
	daemon->version = NULL; /* taken */
	return 0;
}

static int
read_daemon(struct legacy *legacy, struct saved_mistake *ret_mistake)
{
	struct restoring restoring = { .is_described = false };
	int error = read_rows(legacy, take_daemon, &restoring, ret_mistake);

	if (error == 0 && !restoring.is_described) {
		*ret_mistake = (struct saved_mistake){ .what = "it says nothing of the daemon" };
		error = -EPROTO;
	}
	legacy->daemon = restoring.daemon;
	return error;
}

/* ---------------------------------------------------------------- rows and listeners */

static int
take_service(const struct restoring *restoring, struct saved_service *row)
{
	struct supervisor *supervisor = restoring->supervisor;
	struct served *served;

	if (row->row >= supervisor->row_count || supervisor->rows[row->row] != NULL ||
		row->name == NULL || row->index < -1 || row->index >= ROW_NONE ||
		row->hold > HOLD_DRAINED)
		return -EPROTO;
	served = calloc(1, sizeof(*served));
	if (served == NULL)
		return -ENOMEM;
	served->row = (uint32_t)row->row;
	served->index = row->index < 0 ? ROW_NONE : (uint32_t)row->index;
	served->hold = (enum hold)row->hold;
	served->name = row->name;
	row->name = NULL;
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
take_listener(struct restoring *restoring, struct saved_listener *row)
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
	restoring->listener = listener;
	return 0;
}

static int
take_socket(const struct restoring *restoring, struct saved_socket *row)
{
	struct listener *listener = restoring->listener;
	int *fds;

	if (listener == NULL || listener->fd_count == SHARED_GATES_MAX ||
		row->stored_as > UINT32_MAX)
		return -EPROTO;
	if (row->fd < 0)
		return restoring->supervisor->legacy->is_stored ? 0 : -EPROTO;
	listener->stored_as = (uint32_t)row->stored_as;
	fds = reallocarray(listener->fds, listener->fd_count + 1, sizeof(int));
	if (fds == NULL)
		return -ENOMEM;
	listener->fds = fds;
	fds[listener->fd_count++] = row->fd;
	return 0;
}

static int
take_opened(void *owner, unsigned int kind, void *row)
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
static void
prepare_listeners(struct supervisor *supervisor)
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
		free(listener->fds);
		free(listener->service);
		free(listener->path);
		free(listener);
	}
	set->count = kept;
}

static void
tell_mistake(const struct saved_mistake *mistake)
{
	LOG(legacy_unreadable, .line = (int64_t)mistake->line, .reason = mistake->what);
}

/* ---------------------------------------------------------------- programs and gates */

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

static int
take_running(void *owner, unsigned int kind, void *row)
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

static int
take_failures(void *owner, unsigned int kind, void *row)
{
	const struct restoring *restoring = owner;

	if (kind == SAVED_ROW_failures)
		failures_restore(restoring->supervisor, row);
	return 0;
}

/* ---------------------------------------------------------------- the whole */

void
legacy_note_limits(struct supervisor *supervisor)
{
	const struct legacy *legacy = supervisor->legacy;

	if (legacy == NULL || legacy->text == NULL || legacy->is_stored)
		return;
	supervisor->files_before = (struct rlimit){ .rlim_cur = legacy->daemon.files_soft,
		.rlim_max = legacy->daemon.files_hard };
}

int
legacy_take_lock(struct supervisor *supervisor)
{
	struct legacy *legacy = supervisor->legacy;

	return legacy != NULL && legacy->text != NULL ? util_take_fd(&legacy->daemon.lock) : -1;
}

/* True: all of it was taken. */
static bool
restore_rows(struct supervisor *supervisor, int (*take)(void *owner, unsigned int kind, void *row))
{
	struct restoring restoring = { .supervisor = supervisor };
	struct saved_mistake mistake;

	if (read_rows(supervisor->legacy, take, &restoring, &mistake) == 0)
		return true;
	tell_mistake(&mistake);
	return false;
}

void
legacy_restore(struct supervisor *supervisor)
{
	const struct legacy *legacy = supervisor->legacy;
	bool is_whole = false;

	if (legacy == NULL)
		return;
	if (legacy->text == NULL) {
		tell_mistake(&legacy->mistake);
		return;
	}
	supervisor->generation = (uint32_t)legacy->daemon.generation;
	supervisor->next_listener = (uint32_t)legacy->daemon.next_listener;
	supervisor->next_start = legacy->daemon.next_start;
	supervisor->gate_instances = (uint32_t)legacy->daemon.gate_instances;
	supervisor->attempts = (uint32_t)legacy->daemon.attempts;
	supervisor->legacy->is_claiming = true;
	is_whole = restore_rows(supervisor, take_opened);
	prepare_listeners(supervisor);
	if (is_whole)
		(void)restore_rows(supervisor, take_running);
}

void
legacy_restore_failures(struct supervisor *supervisor)
{
	if (supervisor->legacy != NULL && supervisor->legacy->text != NULL)
		(void)restore_rows(supervisor, take_failures);
}

struct config *
legacy_config(const struct supervisor *supervisor)
{
	const struct legacy *legacy = supervisor->legacy;
	struct complaint_list *complaints;
	struct config *config = NULL;
	const void *text;
	size_t length;

	if (legacy == NULL || legacy->text == NULL || legacy->daemon.config < 0 ||
		sealed_map(legacy->daemon.config, &text, &length) < 0)
		return NULL;
	complaints = complaint_list_new();
	if (complaints != NULL)
		config = config_load_text(CONFIG_NAME, text, length, complaints);
	if (config != NULL && complaint_count(complaints) > 0)
		config = config_free(config);
	(void)complaint_list_free(complaints);
	sealed_unmap(text, length);
	return config;
}

bool
legacy_is_of_upgrade(const struct supervisor *supervisor)
{
	return supervisor->legacy != NULL && !supervisor->legacy->is_stored;
}

int
legacy_examine(int state_fd, struct saved_mistake *ret_mistake)
{
	struct legacy legacy = { .state_fd = state_fd };
	const void *text;
	int error = sealed_map(state_fd, &text, &legacy.length);

	*ret_mistake = (struct saved_mistake){ .what = "it is no sealed memory" };
	if (error < 0)
		return error;
	legacy.text = text;
	error = read_daemon(&legacy, ret_mistake);
	free(legacy.daemon.version);
	sealed_unmap(text, legacy.length);
	return error;
}

static int
read_fd_number(const char *text)
{
	char *end;
	long number = strtol(text, &end, 10);

	return *text == '\0' || *end != '\0' || number < 0 || number > INT_MAX ? -1 : (int)number;
}

/* What the manager has kept for us, out of what it hands in. */
static int
take_stored(struct supervisor *supervisor, struct legacy *legacy)
{
	legacy->stored = calloc(supervisor->handed_count, sizeof(*legacy->stored));
	if (legacy->stored == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < supervisor->handed_count; i++) {
		struct handed_socket *handed = &supervisor->handed[i];
		int high_fd;

		if (strncmp(handed->name, STORE_PREFIX, strlen(STORE_PREFIX)) != 0)
			continue;
		high_fd = spawn_move_high(handed->listen_fd);
		legacy->stored[legacy->stored_count++] =
			(struct legacy_stored){ .stored_fd =
							high_fd >= 0 ? high_fd : handed->listen_fd,
				.name = handed->name };
		*handed = supervisor->handed[--supervisor->handed_count];
		i--;
	}
	return 0;
}

/* Sockets are found by their address if the state cannot be read. */
static void
give_back_stored(struct supervisor *supervisor, struct legacy *legacy)
{
	for (size_t i = 0; i < legacy->stored_count; i++) {
		struct legacy_stored *stored = &legacy->stored[i];

		if (stored->is_used || !listen_is_any(stored->stored_fd))
			continue;
		supervisor->handed[supervisor->handed_count++] =
			(struct handed_socket){ .listen_fd = stored->stored_fd,
				.name = strdup(stored->name) };
		stored->is_used = true;
	}
}

static int
read_state(struct legacy *legacy)
{
	const void *text;
	int error = sealed_map(legacy->state_fd, &text, &legacy->length);

	legacy->mistake = (struct saved_mistake){ .what = "it is no sealed memory" };
	if (error < 0)
		return error;
	legacy->text = text;
	error = read_daemon(legacy, &legacy->mistake);
	if (error < 0) {
		sealed_unmap(legacy->text, legacy->length);
		legacy->text = NULL;
	}
	return error;
}

/* That is the legacy's own, or the daemon row's. */
static void
claim(const struct legacy *legacy, int claimed_fd)
{
	for (size_t i = 0; i < legacy->stored_count; i++)
		if (legacy->stored[i].stored_fd == claimed_fd)
			legacy->stored[i].is_used = true;
}

static int
read_stored(struct supervisor *supervisor, struct legacy *legacy)
{
	struct restoring restoring = { .legacy = legacy };
	int error = take_stored(supervisor, legacy);

	if (error < 0)
		return error;
	legacy->state_fd = find_stored(&restoring, STORE_STATE);
	claim(legacy, legacy->state_fd);
	if (read_state(legacy) < 0) {
		give_back_stored(supervisor, legacy);
		return 0;
	}
	claim(legacy, legacy->daemon.shared);
	claim(legacy, legacy->daemon.sources);
	claim(legacy, legacy->daemon.config);
	/* Gates that our predecessor's death has surprised may still count there. */
	if (!legacy->daemon.is_final && legacy->daemon.shared >= 0)
		(void)close(util_take_fd(&legacy->daemon.shared));
	return 0;
}

static bool
has_stored(const struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->handed_count; i++)
		if (strncmp(supervisor->handed[i].name, STORE_PREFIX, strlen(STORE_PREFIX)) == 0)
			return true;
	return false;
}

int
legacy_find(struct supervisor *supervisor)
{
	const char *variable = getenv(LEGACY_VARIABLE);
	struct legacy *legacy;

	if (variable == NULL && !has_stored(supervisor))
		return 0;
	legacy = calloc(1, sizeof(*legacy));
	if (legacy == NULL)
		return -ENOMEM;
	legacy->state_fd = -1;
	legacy->is_stored = variable == NULL;
	supervisor->legacy = legacy;
	if (variable == NULL)
		return read_stored(supervisor, legacy);
	legacy->state_fd = read_fd_number(variable);
	(void)unsetenv(LEGACY_VARIABLE);
	return read_state(legacy) < 0 ? handed_find_left(supervisor) : 0;
}

static bool
is_of_program(const struct legacy_stored *stored)
{
	return strncmp(stored->name, STORE_SAID, strlen(STORE_SAID)) == 0;
}

void
legacy_forget_stored(struct supervisor *supervisor)
{
	const struct legacy *legacy = supervisor->legacy;

	for (size_t i = 0; legacy != NULL && i < legacy->stored_count; i++)
		if (legacy->text == NULL || !legacy->stored[i].is_used ||
			is_of_program(&legacy->stored[i]))
			store_forget(supervisor, legacy->stored[i].name);
}

void
legacy_free(struct supervisor *supervisor)
{
	struct legacy *legacy = supervisor->legacy;

	if (legacy == NULL)
		return;
	if (legacy->text != NULL) {
		sealed_unmap(legacy->text, legacy->length);
		if (legacy->daemon.config >= 0)
			(void)close(legacy->daemon.config);
	}
	if (legacy->state_fd >= 0)
		(void)close(legacy->state_fd);
	for (uint32_t i = 0; i < legacy->asker_count; i++)
		(void)close(legacy->askers[i]);
	for (size_t i = 0; i < legacy->stored_count; i++) {
		if (!legacy->stored[i].is_used && legacy->stored[i].stored_fd >= 0)
			(void)close(legacy->stored[i].stored_fd);
		free(legacy->stored[i].name);
	}
	free(legacy->stored);
	free(legacy->daemon.version);
	free(legacy);
	supervisor->legacy = NULL;
}
