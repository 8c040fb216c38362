/* SPDX-License-Identifier: ISC */
/* Connections that go from a gate before an upgrade to the one after it (gate/kept.h), and what
 * both call them by, in memory that is not looked at here. Only gate 0 has services that do so. */
#ifndef REEVE_SUPERVISOR_KEPT_H
#define REEVE_SUPERVISOR_KEPT_H

#include "supervisor/state.h"

void kept_init(struct supervisor *supervisor);
void kept_fini(struct supervisor *supervisor);

/* The gate is about to be told to drain: the memory that goes along, and how many connections may
 * come. -1: none. */
int kept_offer(struct supervisor *supervisor, const struct supervised_gate *gate,
	uint32_t *ret_most);

/* Connections have come: true, or false if they may not, or not so many. The gate has let go:
 * nobody can change the memory any more. */
bool kept_take(const struct supervised_gate *gate, struct message *message);
void kept_seal(struct supervisor *supervisor);

/* From the reeved before us: both are taken over. 0 or -ENOMEM. */
void kept_restore_memory(struct supervisor *supervisor, int memory_fd);
int kept_restore_conn(struct supervisor *supervisor, int conn_fd);

/* Send the gate what is its own, from gate->next on: 0, -EAGAIN, -errno. */
int kept_send(struct supervised_gate *gate);

/* The gate has it, or has died of it. */
void kept_arrived(struct supervised_gate *gate);
void kept_gate_died(struct supervised_gate *gate);

#endif
