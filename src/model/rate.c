/* SPDX-License-Identifier: ISC */
/* Buckets of tokens: the generic cell rate algorithm, with amounts. */
#include "model/rate.h"

#define NS_PER_MS UINT64_C(1000000)

/* Long enough to be never (73 years), short enough for sums of a few. */
#define LONGEST (UINT64_C(1) << 61)

static uint64_t
min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t
times(uint64_t a, uint64_t b)
{
	return b != 0 && a > LONGEST / b ? LONGEST : min(a * b, LONGEST);
}

static uint64_t
span_ns(const struct rate *rate)
{
	return times((uint64_t)rate->span, NS_PER_MS);
}

/* How long `amount` tokens take to come, rounded up. The product of what remains is below 2^60,
 * as tokens and amounts are bounded by RATE_BURST_MAX. */
static uint64_t
time_of(const struct rate *rate, uint64_t amount)
{
	uint64_t whole, rest;

	if (rate->tokens == 0)
		return rate->burst > 0 ? times(LONGEST / rate->burst, amount) : LONGEST;
	whole = times(span_ns(rate) / rate->tokens, amount);
	rest = span_ns(rate) % rate->tokens * amount;
	return min(whole + (rest + rate->tokens - 1) / rate->tokens, LONGEST);
}

/* How long an empty bucket takes to fill up. By the rounded price of one, so that a burst taken
 * token by token is as large as one taken at once. */
static uint64_t
depth(const struct rate *rate)
{
	return times(time_of(rate, 1), rate->burst);
}

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t
rate_clock(msec now)
{
	return now < 0 ? 0 : times((uint64_t)now, NS_PER_MS);
}

bool
rate_take(const struct rate *rate, uint64_t amount, uint64_t now, uint64_t *full_at)
{
	uint64_t after;

	if (amount > rate->burst)
		return false;
	after = rate_take_on_credit(rate, amount, now, *full_at);
	if (after - now > depth(rate))
		return false;
	*full_at = after;
	return true;
}

uint64_t
rate_take_on_credit(const struct rate *rate, uint64_t amount, uint64_t now, uint64_t full_at)
{
	/* Whatever stands in memory that others write, the sum does not overflow. */
	return min(later(full_at, now), UINT64_MAX / 2) + time_of(rate, amount);
}

msec
rate_wait(const struct rate *rate, uint64_t amount, uint64_t now, uint64_t full_at)
{
	uint64_t after = rate_take_on_credit(rate, amount, now, full_at);
	uint64_t wait = after - now > depth(rate) ? after - now - depth(rate) : 0;

	return (msec)((wait + NS_PER_MS - 1) / NS_PER_MS);
}

uint64_t
rate_punish(const struct rate *rate, msec penalty, uint64_t now)
{
	return now + depth(rate) + rate_clock(penalty);
}
