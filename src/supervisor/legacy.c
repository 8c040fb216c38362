/* SPDX-License-Identifier: ISC */
/* What another reeved has left: found, read, restored part by part. */
#include "effects/sealed.h"
#include "supervisor/handed.h"
#include "supervisor/legacy_room.h"
#include "supervisor/store.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#define CONFIG_NAME "the running configuration"

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

static void
tell_mistake(const struct saved_mistake *mistake)
{
	LOG(legacy_unreadable, .line = (int64_t)mistake->line, .reason = mistake->what);
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
	is_whole = restore_rows(supervisor, legacy_take_opened);
	legacy_prepare_listeners(supervisor);
	if (is_whole)
		(void)restore_rows(supervisor, legacy_take_running);
}

void
legacy_restore_failures(struct supervisor *supervisor)
{
	if (supervisor->legacy != NULL && supervisor->legacy->text != NULL)
		(void)restore_rows(supervisor, legacy_take_failures);
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
	if (read_state(legacy) == 0)
		return 0;
	/* It is closed with all that is left beside sockets. */
	legacy->state_fd = -1;
	return handed_find_left(supervisor);
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
