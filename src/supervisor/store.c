/* SPDX-License-Identifier: ISC */
/* What we keep with the service manager. */
#include "supervisor/store.h"

#include "supervisor/handler_table.h"
#include "supervisor/legacy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define RETRY_MS 20
#define LEAVE_MS 5000 /* that the manager has at our end */

/* Something to tell the manager. */
struct store_item {
	struct store_item *next;
	int stored_fd; /* a copy; -1: forget the name */
	char name[SAVED_WORD_MAX];
};

static void tell(struct supervisor *supervisor);

static void
time_to_tell(struct timer *timer, msec now)
{
	(void)now;
	tell(CONTAINER_OF(timer, struct supervisor, store.retry));
}

void
store_init(struct supervisor *supervisor)
{
	struct store *store = &supervisor->store;

	*store = (struct store){ .is_used = notify_has_store(), .retry.expired = time_to_tell };
	store->end = &store->first;
}

bool
store_is_used(const struct supervisor *supervisor)
{
	return supervisor->store.is_used;
}

static void
drop_first(struct store *store)
{
	struct store_item *item = store->first;

	store->first = item->next;
	if (store->first == NULL)
		store->end = &store->first;
	if (item->stored_fd >= 0)
		(void)close(item->stored_fd);
	free(item);
}

void
store_fini(struct supervisor *supervisor)
{
	loop_stop_timer(supervisor->loop, &supervisor->store.retry);
	while (supervisor->store.first != NULL)
		drop_first(&supervisor->store);
}

/* As much as the manager's queue takes. */
static void
tell(struct supervisor *supervisor)
{
	struct store *store = &supervisor->store;

	while (store->first != NULL) {
		const struct store_item *item = store->first;
		int error = item->stored_fd >= 0 ? notify_store(item->name, item->stored_fd)
						 : notify_unstore(item->name);

		if (error == -EAGAIN) {
			(void)loop_set_timer(supervisor->loop, &store->retry,
				loop_now(supervisor->loop) + RETRY_MS);
			return;
		}
		drop_first(store);
	}
}

/* Without memory or descriptors the next of us opens it anew. */
static void
add(struct supervisor *supervisor, const char *name, int stored_fd)
{
	struct store *store = &supervisor->store;
	struct store_item *item = store->is_used ? calloc(1, sizeof(*item)) : NULL;

	if (item == NULL)
		return;
	(void)snprintf(item->name, sizeof(item->name), "%s", name);
	item->stored_fd = -1;
	if (stored_fd >= 0) {
		item->stored_fd = fcntl(stored_fd, F_DUPFD_CLOEXEC, SPAWN_LOW_FDS);
		if (item->stored_fd < 0) {
			free(item);
			return;
		}
	}
	*store->end = item;
	store->end = &item->next;
}

void
store_forget(struct supervisor *supervisor, const char *name)
{
	add(supervisor, name, -1);
	tell(supervisor);
}

static void
name_socket(const struct listener *listener, uint32_t place, char word[SAVED_WORD_MAX])
{
	(void)snprintf(word, SAVED_WORD_MAX, STORE_PREFIX "l%u-%u", listener->stored_as, place);
}

void
store_listeners(struct supervisor *supervisor)
{
	char word[SAVED_WORD_MAX];

	for (size_t i = 0; store_is_used(supervisor) && i < supervisor->listeners.count; i++) {
		struct listener *listener = supervisor->listeners.slots[i].listener;

		/* What the manager has handed in, it has itself. */
		if (listener->stored_as != 0 || !listener->is_ours)
			continue;
		listener->stored_as = listener->id;
		for (uint32_t j = 0; j < listener->fd_count; j++) {
			name_socket(listener, j, word);
			add(supervisor, word, listener->fds[j]);
		}
	}
	tell(supervisor);
}

void
store_forget_listener(struct supervisor *supervisor, const struct listener *listener)
{
	char word[SAVED_WORD_MAX];

	for (uint32_t i = 0; listener->stored_as != 0 && i < listener->fd_count; i++) {
		name_socket(listener, i, word);
		add(supervisor, word, -1);
	}
	tell(supervisor);
}

/* ---------------------------------------------------------------- the state */

void
store_name(void *owner, unsigned int kind, const void *row, int named_fd, char word[SAVED_WORD_MAX])
{
	const struct supervisor *supervisor = owner;
	const struct saved_program *program = row;
	const struct saved_socket *socket_row = row;

	switch ((enum saved_row)kind) {
	case SAVED_ROW_daemon:
		(void)snprintf(word, SAVED_WORD_MAX, STORE_PREFIX "%s",
			named_fd == supervisor->shared_fd            ? "shared"
				: named_fd == supervisor->sources_fd ? "sources"
								     : "config");
		break;
	case SAVED_ROW_socket:
		(void)snprintf(word, SAVED_WORD_MAX, STORE_PREFIX "l%llu-%llu",
			(unsigned long long)socket_row->stored_as,
			(unsigned long long)socket_row->place);
		break;
	case SAVED_ROW_program:
		(void)snprintf(word, SAVED_WORD_MAX, STORE_PREFIX "said-%llu",
			(unsigned long long)program->pid);
		break;
	case SAVED_ROW_service:
	case SAVED_ROW_listener:
	case SAVED_ROW_held:
	case SAVED_ROW_record:
	case SAVED_ROW_bounds:
	case SAVED_ROW_member:
	case SAVED_ROW_failures:
	case SAVED_ROW_kept:
	case SAVED_ROW_kept_conn:
	case SAVED_ROW_asker:
	case SAVED_ROW_gate:
	case SAVED_ROW_COUNT:
		break; /* no descriptors that are kept here */
	}
}

static void
replace(struct supervisor *supervisor, const char *name, int stored_fd)
{
	add(supervisor, name, -1);
	add(supervisor, name, stored_fd);
}

static void
put_state(struct supervisor *supervisor, enum legacy_place place)
{
	struct legacy_fds fds = { .fds = NULL };
	auto_close int state_fd = -1;
	int error = legacy_save(supervisor, place, &state_fd, &fds);

	if (error < 0) {
		LOG(system_error, .step = "saving the state", .error = -error);
		return;
	}
	free(fds.fds);
	replace(supervisor, STORE_PREFIX "config", supervisor->services.config_fd);
	replace(supervisor, STORE_STATE, state_fd);
}

void
store_state(struct supervisor *supervisor)
{
	struct store *store = &supervisor->store;

	if (!store->is_used)
		return;
	if (!store->has_memory) {
		replace(supervisor, STORE_PREFIX "shared", supervisor->shared_fd);
		replace(supervisor, STORE_PREFIX "sources", supervisor->sources_fd);
		store->has_memory = true;
	}
	put_state(supervisor, LEGACY_STORED);
	tell(supervisor);
}

void
store_leave(struct supervisor *supervisor)
{
	const struct handler *handler = NULL;
	char word[SAVED_WORD_MAX];

	if (!store_is_used(supervisor))
		return;
	while ((handler = handlers_next(&supervisor->handlers, handler)) != NULL)
		if (handler->stderr_fd >= 0) {
			(void)snprintf(word, sizeof(word), STORE_PREFIX "said-%ld",
				(long)handler->pid);
			replace(supervisor, word, handler->stderr_fd);
		}
	put_state(supervisor, LEGACY_STORED_AT_END);
	for (int waited = 0; supervisor->store.first != NULL && waited < LEAVE_MS;
		waited += RETRY_MS) {
		tell(supervisor);
		if (supervisor->store.first != NULL)
			(void)usleep(RETRY_MS * 1000);
	}
	notify_wait(LEAVE_MS);
}
