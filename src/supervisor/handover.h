/* SPDX-License-Identifier: ISC */
/* Hand a gate the state that holds, at the gate's own pace. Nothing here blocks. */
#ifndef REEVE_SUPERVISOR_HANDOVER_H
#define REEVE_SUPERVISOR_HANDOVER_H

#include "supervisor/state.h"

/* Begin anew with what holds now; go on after the gate's queue was full. */
void handover_begin(struct supervised_gate *gate);
void handover_continue(struct supervised_gate *gate);
void handover_retry(struct timer *timer, msec now); /* of gate->retry */

/* Some handler of the gate's is an orphan: give it, now or when the queue has room. */
void handover_adopt(struct supervised_gate *gate);

/* Send, or note that it is owed when the gate is behind. */
void handover_wake(struct supervised_gate *gate, uint32_t row);

/* The access rules have changed, and nothing else. */
void handover_log(struct supervised_gate *gate);
void handover_rules(struct supervised_gate *gate);

/* The clients of a service are held, or not any more. */
void handover_hold(struct supervised_gate *gate, const struct served *served);

#endif
