/* SPDX-License-Identifier: ISC */
/* Taking over what another reeved has left: what the files of this room share. The rows are read
 * once for each part that is restored: each has its time, and none needs a place to wait in. */
#ifndef REEVE_SUPERVISOR_LEGACY_ROOM_H
#define REEVE_SUPERVISOR_LEGACY_ROOM_H

#include "supervisor/legacy.h"

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

/* What takes a row, as saved_reader wants it: rows of the shared memory and listeners; programs and
 * gates; services that are slowed. */
int legacy_take_opened(void *owner, unsigned int kind, void *row);
int legacy_take_running(void *owner, unsigned int kind, void *row);
int legacy_take_failures(void *owner, unsigned int kind, void *row);

/* All listeners have been taken. */
void legacy_prepare_listeners(struct supervisor *supervisor);

#endif
