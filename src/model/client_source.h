/* SPDX-License-Identifier: ISC */
/* Sources: whom limits are counted for, and what is remembered of them (base/shared_sources.h). A
 * source is a prefix of an address, or a user on a unix socket. What is asked about it (the kind)
 * and of which service are parts of its name, so that nothing that is remembered of one service
 * counts for another.
 *
 * All of it is rates and moments: whether a source that finds no place is to be refused is decided
 * by one bucket for all who found none. */
#ifndef REEVE_CLIENT_SOURCE_H
#define REEVE_CLIENT_SOURCE_H

#include "base/netaddr.h"
#include "base/shared_sources.h"
#include "model/rate.h"

enum client_source_kind {
	SOURCE_CONNECTIONS, /* how many it holds */
	SOURCE_ARRIVALS,    /* how fast they come; without a peer: how fast all come */
	SOURCE_DATAGRAMS,
	SOURCE_BUDGET, /* of answers' bytes */
	SOURCE_PAIR,   /* answers to one port of it */
	SOURCE_REFUSALS,
	SOURCE_BAN,
};

struct client_source {
	enum client_source_kind kind;
	uint64_t service;           /* whose; 0: of all */
	const struct netaddr *peer; /* NULL: everybody */
	uint8_t prefix4;            /* bits of the peer's address that count */
	uint8_t prefix6;
	uint64_t detail; /* what else tells two apart: a user, two ports */
};

uint64_t client_source_key(const struct shared_sources *sources,
	const struct client_source *source);

/* Its bucket will be asked for: have the memory on its way. */
void client_source_expect(const struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate);

/* Take `amount` from the source's bucket at that rate, of which it has one for each; false: it has
 * not so much. */
bool client_source_take(struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate, uint64_t amount, uint64_t now);

/* The same for one token; on a refusal the source gets none for `penalty`. *ret_is_new: from now
 * on, and not since an earlier refusal. */
bool client_source_take_or_punish(struct shared_sources *sources,
	const struct client_source *source, const struct rate *rate, msec penalty, uint64_t now,
	bool *ret_is_new);

/* Take one token from the bucket even if it is not there, and how long until there is one. */
void client_source_take_on_credit(struct shared_sources *sources,
	const struct client_source *source, const struct rate *rate, uint64_t now);
msec client_source_wait(struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate, uint64_t now);

/* Count a refusal: true if it is the `limit`-th within `span` of the first one; then counting
 * begins anew. Of a source that found no place none are counted. `limit` is at most UINT16_MAX. */
bool client_source_note_refusal(struct shared_sources *sources, const struct client_source *source,
	uint32_t limit, msec span, uint64_t now);

#endif
