/* SPDX-License-Identifier: ISC */
/* Services that an upgrade does not part from their clients: those that know how to save what they
 * know. The gate that is left writes it down and gives the connections away; the gate that comes
 * takes both. The supervisor carries them, and reads nothing of it.
 *
 * As rows (base/saved.h) in memory that the supervisor has made: a service, with what it says of
 * itself, and behind it its connections in the order of their descriptors. What comes from there is
 * read as strictly as what comes from a stranger. */
#ifndef REEVE_GATE_KEPT_H
#define REEVE_GATE_KEPT_H

#include "gate/state.h"

/* Before the listeners are let go: write into `memory_fd` what is to go on elsewhere, and send the
 * connections, `most` at most. Those for which that fails stay where they are. */
void kept_save(struct gate *gate, int memory_fd, uint32_t most);

/* Descriptors that come with the configuration: the first is the memory. 0, or -errno and
 * *ret_rule. */
int kept_receive(struct gate *gate, struct message *message, const char **ret_rule);

/* The configuration serves: go on with what has come. */
void kept_restore(struct gate *gate);
void kept_free(struct gate *gate);

#endif
