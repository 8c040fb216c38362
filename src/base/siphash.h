/* SPDX-License-Identifier: ISC */
/* SipHash-2-4: a keyed hash, so that a stranger who picks names and addresses can neither fill one
 * chain of a table nor guess a cookie. */
#ifndef REEVE_SIPHASH_H
#define REEVE_SIPHASH_H

#include "base/util.h"

struct siphash_key {
	uint64_t low, high;
};

uint64_t siphash(const struct siphash_key *key, const void *bytes, size_t length);

#endif
