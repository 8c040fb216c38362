/* SPDX-License-Identifier: ISC */
/* SipHash-2-4: a keyed hash, so that a stranger who picks names and addresses can neither fill one
 * chain of a table nor guess a cookie. */
#ifndef REEVE_CHAT_HASH_H
#define REEVE_CHAT_HASH_H

#include "base/util.h"

struct chat_hash_key {
	uint64_t low, high;
};

uint64_t chat_hash(const struct chat_hash_key *key, const void *bytes, size_t length);

#endif
