/* SPDX-License-Identifier: ISC */
/* The last events of one process, for those who look at them while they happen. One writes, in the
 * memory that is shared; any number read, each from its own position, and nobody waits for anybody:
 * who reads too slowly is told how many it has missed. Writing is a copy and no system call.
 *
 * A reader believes nothing: the writer may be a gate gone bad. */
#ifndef REEVE_LOG_RING_H
#define REEVE_LOG_RING_H

#include "base/log.h"

#include <stdatomic.h>

#define LOG_RING_SLOTS 256
#define LOG_RING_TEXT 1000 /* bytes of an event; longer ones are cut */

struct log_slot {
	_Atomic uint64_t number; /* of the event in it; 0: none, or it is being written */
	int64_t time_us;
	uint32_t level;
	_Atomic uint32_t length; /* read once: others could change it behind the check */
	char text[LOG_RING_TEXT];
};

struct log_ring {
	_Atomic uint64_t last; /* number of the newest, from 1 */
	struct log_slot slots[LOG_RING_SLOTS];
};

struct log_record {
	int64_t time_us; /* since 1970 */
	enum log_level level;
	size_t length;
	char text[LOG_RING_TEXT];
};

/* Write an event: for log_keep. */
void log_ring_add(void *memory, enum log_level level, const char *text, size_t length);

/* Where to begin for the last `count` events. */
uint64_t log_ring_position(const struct log_ring *ring, uint64_t count);

/* Read the next: true; false: there is none now. *missed grows by how many were gone already. */
bool log_ring_read(const struct log_ring *ring, uint64_t *position, struct log_record *ret_record,
	uint64_t *missed);

#endif
