/* SPDX-License-Identifier: ISC */
/* Budgets: a table of sets of eight places. A place remembers what its source has spent and not
 * yet regained; nothing spent is the same as never seen, so an empty place needs no mark. */
#include "model/budget.h"

#include <string.h>

#define PLACES_PER_SET 8

struct place {
	uint64_t source;
	msec at;       /* when `spent` was right */
	int32_t spent; /* sizes are at most 1 GiB (config_keys.def) */
	int32_t rate;
};

struct budget {
	uint64_t seed;
	size_t set_mask;
	struct place places[]; /* (set_mask + 1) * PLACES_PER_SET */
};

/* IPv4 addresses lie in a corner of the IPv6 space (::/8) that is nobody's /64. */
static uint64_t
source_key(const struct netaddr *source)
{
	uint64_t key;

	if (source->family == AF_INET)
		return UINT64_C(0xffff00000000) | source->ip.v4.s_addr;
	memcpy(&key, source->ip.v6.s6_addr, sizeof(key));
	return key;
}

/* The finisher of MurmurHash3, keyed: the seed is secret, so sets cannot be aimed at. */
static uint64_t
scatter(uint64_t key, uint64_t seed)
{
	key ^= seed;
	key ^= key >> 33;
	key *= UINT64_C(0xff51afd7ed558ccd);
	key ^= key >> 33;
	key *= UINT64_C(0xc4ceb9fe1a85ec53) ^ (seed << 1);
	key ^= key >> 33;
	return key;
}

static int64_t
still_spent(const struct place *place, msec now)
{
	int64_t elapsed = now - place->at;

	if (place->spent == 0 || elapsed <= 0)
		return place->spent;
	/* Compared by division: elapsed may be anything, its product with the rate may not. */
	if (place->rate > 0 && elapsed / 1000 > place->spent / place->rate)
		return 0;
	elapsed = elapsed * place->rate / 1000;
	return elapsed >= place->spent ? 0 : place->spent - elapsed;
}

/* The place of the source, else the one that has been full longest, else NULL. */
static struct place *
find_place(struct budget *budget, uint64_t source, msec now)
{
	struct place *set = &budget->places[(scatter(source, budget->seed) & budget->set_mask) *
		PLACES_PER_SET];
	struct place *oldest = NULL;

	for (size_t i = 0; i < PLACES_PER_SET; i++) {
		if (set[i].source == source)
			return &set[i];
		if (still_spent(&set[i], now) == 0 && (!oldest || set[i].at < oldest->at))
			oldest = &set[i];
	}
	if (oldest)
		*oldest = (struct place){ .source = source, .at = now };
	return oldest;
}

struct budget *
budget_new(size_t sources, uint64_t seed)
{
	size_t sets = 1;
	struct budget *budget;

	while (sets * PLACES_PER_SET < sources)
		sets *= 2;
	budget = calloc(1, sizeof(*budget) + sets * PLACES_PER_SET * sizeof(struct place));
	if (!budget)
		return NULL;
	budget->seed = seed;
	budget->set_mask = sets - 1;
	return budget;
}

struct budget *
budget_free(struct budget *budget)
{
	free(budget);
	return NULL;
}

bool
budget_take(struct budget *budget, const struct netaddr *source, int64_t excess, int64_t size,
	int64_t rate, msec now)
{
	struct place *place;
	int64_t spent;

	if (excess <= 0)
		return true;
	if (excess > size || size > INT32_MAX || rate > INT32_MAX)
		return false;
	place = find_place(budget, source_key(source), now);
	if (!place)
		return false;
	spent = still_spent(place, now);
	if (spent + excess > size)
		return false;
	place->spent = (int32_t)(spent + excess);
	place->rate = (int32_t)rate;
	place->at = now;
	return true;
}
