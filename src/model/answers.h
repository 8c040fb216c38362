/* SPDX-License-Identifier: ISC */
/* Answers about clients that are remembered for a while: what they are called, what tcp_wrappers'
 * files say of them. As many as fit into memory of one size; a new one takes the place of the one
 * among a few that would be forgotten first, so that strangers can make us forget and no more. */
#ifndef REEVE_ANSWERS_H
#define REEVE_ANSWERS_H

#include "base/netaddr.h"
#include "base/siphash.h"
#include "model/client_names.h"

/* What was asked: `asks` and `row` are the owner's. All bytes are compared. */
struct answer_key {
	unsigned char address[16]; /* IPv4 in IPv6's clothes */
	uint32_t scope;            /* on another link a link-local address is another client's */
	uint32_t asks;
	uint32_t row;
};

struct answer {
	struct answer_key key;
	uint32_t error;      /* the owner's */
	msec expires;        /* 0: there is none in this place */
	uint32_t is_refused; /* the owner's */
	struct client_names names;
};

struct answer_key answer_key_of(const struct netaddr *address, uint32_t asks, uint32_t row);
bool answer_key_equal(const struct answer_key *a, const struct answer_key *b);

struct answers;

/* Room for `count` answers or a few more, which takes memory only as it is used. NULL: no
 * memory. */
struct answers *answers_new(size_t count, const struct siphash_key *secret);
struct answers *answers_free(struct answers *answers);

/* The answer, if it is still true; until the next answers_add. */
const struct answer *answers_find(const struct answers *answers, const struct answer_key *key,
	msec now);
void answers_add(struct answers *answers, const struct answer *answer, msec now);

#endif
