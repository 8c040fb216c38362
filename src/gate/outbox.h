/* SPDX-License-Identifier: ISC */
/* What the gate says to the supervisor. A channel that is full makes messages wait here, in
 * order; whoever can produce many of them asks outbox_is_behind first and holds back. */
#ifndef REEVE_GATE_OUTBOX_H
#define REEVE_GATE_OUTBOX_H

#include "gate/state.h"

struct outbox *outbox_new(int channel_fd);
struct outbox *outbox_free(struct outbox *outbox);

/* Send, or keep for later, with a descriptor that is taken over (-1: none). No memory to keep it,
 * or a channel that is gone, ends the process: the supervisor is to start another. */
void outbox_send(struct gate *gate, enum message_type type, const void *body, int owned_fd);

/* The same with several, CHANNEL_FDS_MAX at most. */
void outbox_send_fds(struct gate *gate, enum message_type type, const void *body,
	const int *owned_fds, uint32_t fd_count);

bool outbox_is_behind(const struct outbox *outbox);

/* Send what was kept; true when nothing is left. */
bool outbox_flush(struct gate *gate);

/* End the process because the gate is of no use any more. */
_Noreturn void outbox_give_up(void);

#endif
