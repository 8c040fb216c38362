/* SPDX-License-Identifier: ISC */
/* What one reeved leaves to the next: sockets, programs that run and all that is remembered of
 * them, the shared memory, gates that go on with what they hold. As rows (saved_state.h) in a
 * sealed memfd, and the descriptors that these name.
 *
 * Nothing of it is needed to start. Whatever of it cannot be used is left out, and said; sockets
 * are found by what they are if nothing else can be read. */
#ifndef REEVE_SUPERVISOR_LEGACY_H
#define REEVE_SUPERVISOR_LEGACY_H

#include "supervisor/saved_state.h"
#include "supervisor/state.h"

/* Where the next one finds it, in the environment: the number of the memfd. */
#define LEGACY_VARIABLE "REEVE_LEGACY_FD"

#define LEGACY_ASKERS_MAX 32

struct legacy_stored {
	int stored_fd;
	char *name;
	bool is_used;
};

struct legacy {
	int state_fd;
	const char *text; /* NULL: it cannot be read */
	size_t length;
	struct saved_mistake mistake; /* why not */
	struct saved_daemon daemon;
	bool is_stored;   /* it comes from the service manager: who wrote it has ended */
	bool is_claiming; /* what is found now is used */
	struct legacy_stored *stored; /* descriptors that came with it */
	size_t stored_count;
	bool has_counters;             /* the shared memory is the same, what lies in it holds */
	bool has_sources;              /* so is that of sources */
	int askers[LEGACY_ASKERS_MAX]; /* who wait to be told that it is done */
	uint32_t asker_count;
};

/* --- to leave it (legacy_save.c) */

/* Descriptors that have to be left, too. */
struct legacy_fds {
	int *fds;
	size_t count;
	size_t room;
};

/* For whom: the program that takes our place by exec; the next reeved, by the service manager's
 * store, whenever that starts; the same at our end, with the programs that run. */
enum legacy_place { LEGACY_EXEC, LEGACY_STORED, LEGACY_STORED_AT_END };

/* Write down what holds now. 0, and the memfd and the list are the caller's; or -errno. */
int legacy_save(const struct supervisor *supervisor, enum legacy_place place, int *ret_state_fd,
	struct legacy_fds *ret_fds);

/* --- to take it over */

/* Look whether we have been left something, by exec or by the service manager: 0, also if not
 * (then supervisor->legacy is NULL); -errno, and it has been said why it cannot be read. Before
 * descriptors are marked close-on-exec. */
int legacy_find(struct supervisor *supervisor);
void legacy_free(struct supervisor *supervisor);

/* Has it been left by exec, and not in the service manager's store? Then whoever started us has
 * long been told that we serve. */
bool legacy_is_of_upgrade(const struct supervisor *supervisor);

/* Can the state in that descriptor be read by this program? 0, or -errno and why not. */
int legacy_examine(int state_fd, struct saved_mistake *ret_mistake);

/* The lock of the run folder, the caller's now; -1: there is none. */
int legacy_take_lock(struct supervisor *supervisor);

/* What was allowed before we raised it: programs get it back. */
void legacy_note_limits(struct supervisor *supervisor);

/* Rows, listeners, programs and gates, as they would be at a reload: before the first configuration
 * is taken. Afterwards which services are slowed. */
void legacy_restore(struct supervisor *supervisor);
void legacy_restore_failures(struct supervisor *supervisor);

/* Have the manager forget what is of no use to us. */
void legacy_forget_stored(struct supervisor *supervisor);

/* The configuration that served, for when the present one has mistakes; NULL: it cannot be had. */
struct config *legacy_config(const struct supervisor *supervisor);

#endif
