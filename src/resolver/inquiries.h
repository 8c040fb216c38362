/* SPDX-License-Identifier: ISC */
/* What gates ask about clients. A name that the DNS gives for an address counts only if that name
 * has the address (forward-confirmed). What was found is remembered as long as the DNS says, for
 * a minute at most if it says nothing. */
#ifndef REEVE_RESOLVER_INQUIRIES_H
#define REEVE_RESOLVER_INQUIRIES_H

#include "resolver/state.h"

struct inquiries *inquiries_new(struct resolver *resolver);
struct inquiries *inquiries_free(struct inquiries *inquiries);

/* New settings. 0 or -errno. */
int inquiries_begin(struct inquiries *inquiries);

/* `asker`: the number of the gate that asks. */
void inquiries_ask(struct inquiries *inquiries, uint64_t asker,
	const struct message_question *question);

#endif
