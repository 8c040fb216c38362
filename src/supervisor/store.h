/* SPDX-License-Identifier: ISC */
/* The service manager's store of descriptors (FileDescriptorStoreMax=): what lies in it is given
 * to the next reeved. Listening sockets lie there as long as they are open, so that between two
 * of us clients wait and none is refused; the shared memory, so that counters and bans go on; and
 * a state (legacy.h), which says what is what. At our end the programs are in it, too.
 *
 * Each has a name that it keeps: what is said about it may come late, but in order, and nothing
 * here waits for the manager before the very end. */
#ifndef REEVE_SUPERVISOR_STORE_H
#define REEVE_SUPERVISOR_STORE_H

#include "supervisor/saved_state.h"
#include "supervisor/state.h"

#define STORE_PREFIX "reeve-"
#define STORE_STATE STORE_PREFIX "state"
#define STORE_SAID STORE_PREFIX "said-"

void store_init(struct supervisor *supervisor);
void store_fini(struct supervisor *supervisor);
bool store_is_used(const struct supervisor *supervisor);

/* A configuration has been taken: put its sockets there. A listener is about to be closed: take
 * them out. */
void store_listeners(struct supervisor *supervisor);
void store_forget_listener(struct supervisor *supervisor, const struct listener *listener);

/* Everything that lies there by that name is of no use. */
void store_forget(struct supervisor *supervisor, const char *name);

/* Say what is what, as of now; for the last time, with the programs, and wait until it is heard. */
void store_state(struct supervisor *supervisor);
void store_leave(struct supervisor *supervisor);

/* The word by which the state names a descriptor of that row: as saved_writer wants it. */
void store_name(void *owner, unsigned int kind, const void *row, int named_fd,
	char word[SAVED_WORD_MAX]);

#endif
