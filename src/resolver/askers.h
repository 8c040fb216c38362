/* SPDX-License-Identifier: ISC */
/* Gates that ask about clients: their channels. */
#ifndef REEVE_RESOLVER_ASKERS_H
#define REEVE_RESOLVER_ASKERS_H

#include "resolver/state.h"

/* Hear a gate, by a channel that is taken. 0 or -errno. */
int askers_add(struct resolver *resolver, int asker_fd);
void askers_free(struct resolver *resolver);

/* Answer the one with that number. One that is behind gets the answer later; if it is owed as many
 * as a gate has questions, no more of it are read meanwhile. One that is gone has no answer. */
void askers_answer(struct resolver *resolver, uint64_t number, const struct message_answer *answer);

#endif
