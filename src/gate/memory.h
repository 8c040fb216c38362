/* SPDX-License-Identifier: ISC */
/* Is the host short of memory? Asked of files that the supervisor has opened, once a second at most
 * for all services of the gate, and only while clients come. */
#ifndef REEVE_GATE_MEMORY_H
#define REEVE_GATE_MEMORY_H

#include "gate/state.h"

#define MEMORY_LOOKED_MS 1000

/* Less than the service's min_memory, or more pressure than its max_memory_pressure. What cannot
 * be found out is taken for a shortage: a limit that does not work is worse than one reached. */
bool memory_is_short(const struct service *service);

/* The files are a part of a configuration: taken from the message, and there if they are wanted. */
void memory_init(struct memory *memory);
void memory_fini(struct memory *memory);
void memory_receive(struct memory *memory, struct message *message);
bool memory_is_complete(const struct memory *memory, const struct config *config);

#endif
