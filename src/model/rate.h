/* SPDX-License-Identifier: ISC */
/* Rates: a bucket of tokens as one number, the moment at which it is full again. A bucket that is
 * full is the same as one that was never seen, so whoever keeps many may forget those whose moment
 * has passed, whatever their rate is; and one word can be changed by several processes without a
 * lock.
 *
 * Moments are nanoseconds of the monotonic clock, from rate_clock. The price of a token is rounded
 * up, so that never more than the rate comes through, by less than a part in a thousand fewer at a
 * million a second and exactly as many where the span is a multiple of the tokens. */
#ifndef REEVE_RATE_H
#define REEVE_RATE_H

#include "base/util.h"

struct rate {
	uint64_t tokens; /* that come in each `span`; 0: none ever */
	msec span;
	uint64_t burst; /* that there may be at once; at most RATE_BURST_MAX */
};

#define RATE_BURST_MAX (UINT64_C(1) << 30)

/* The loop's clock as moments. A clock that says nonsense says the first or the last moment. */
uint64_t rate_clock(msec now);

/* Take `amount` tokens from the bucket that is full at *full_at: true and it is later, or false
 * and nothing has changed. An amount greater than the burst is never there. */
bool rate_take(const struct rate *rate, uint64_t amount, uint64_t now, uint64_t *full_at);

/* Take them even if they are not there yet: somebody else pays by waiting longer. */
uint64_t rate_take_on_credit(const struct rate *rate, uint64_t amount, uint64_t now,
	uint64_t full_at);

/* How long until `amount` tokens are there: 0 now, else so many milliseconds, rounded up. */
msec rate_wait(const struct rate *rate, uint64_t amount, uint64_t now, uint64_t full_at);

/* The bucket of one who has to wait for `penalty` before the first token. */
uint64_t rate_punish(const struct rate *rate, msec penalty, uint64_t now);

#endif
