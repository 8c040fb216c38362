/* SPDX-License-Identifier: ISC */
/* Connections by source. A writer takes places in its own table only; besides it the supervisor
 * counts down there what it takes over. So each change is one compare and exchange of one word,
 * and nothing is ever half done. */
#include "base/shared_holds.h"

#include "base/shared_sources_layout.h"

#include <string.h>
#include <sys/mman.h>

#define COUNT_BITS 16
#define COUNT_MASK ((UINT64_C(1) << COUNT_BITS) - 1)

/* A key has places in its own set and in the one beside it. */
#define PLACES (2 * HOLDS_PER_SET)

#define ATTEMPTS 64

static _Atomic uint64_t *
place_of(const struct shared_sources *sources, uint32_t writer, uint64_t key, size_t index)
{
	uint64_t set = (key ^ (index / HOLDS_PER_SET)) & (sources->hold_set_count - 1);

	return &sources->holds[(size_t)writer * sources->hold_set_count + set]
			.holds[index % HOLDS_PER_SET];
}

/* The part of the key that says whose count it is; the lower bits have chosen the set. */
static uint64_t
tag_of(uint64_t key)
{
	uint64_t tag = key & ~COUNT_MASK;

	return tag != 0 ? tag : COUNT_MASK + 1;
}

/* The place that the key has in the writer's table; NULL: none. */
static _Atomic uint64_t *
find(const struct shared_sources *sources, uint32_t writer, uint64_t key)
{
	for (size_t i = 0; i < PLACES; i++) {
		_Atomic uint64_t *place = place_of(sources, writer, key, i);

		if ((atomic_load(place) & ~COUNT_MASK) == tag_of(key))
			return place;
	}
	return NULL;
}

void
shared_holds_expect(const struct shared_sources *sources, uint64_t key)
{
	for (uint32_t writer = 0; writer < sources->writer_count; writer++) {
		__builtin_prefetch(place_of(sources, writer, key, 0));
		__builtin_prefetch(place_of(sources, writer, key, HOLDS_PER_SET));
	}
}

static bool
count_up(_Atomic uint64_t *place, uint64_t key)
{
	uint64_t before = atomic_load(place);

	/* Besides its owner only the supervisor changes it, downwards; a gate gone bad may change
	 * it all the time, and nobody waits for that. */
	for (int i = 0; i < ATTEMPTS && (before & ~COUNT_MASK) == tag_of(key) &&
		(before & COUNT_MASK) < SHARED_HOLDS_MOST;
		i++)
		if (atomic_compare_exchange_strong(place, &before, before + 1))
			return true;
	return false;
}

static bool
begin_count(_Atomic uint64_t *place, uint64_t key)
{
	uint64_t before = 0;

	return atomic_compare_exchange_strong(place, &before, tag_of(key) | 1);
}

static bool
add(struct shared_sources *sources, uint32_t writer, uint64_t key)
{
	_Atomic uint64_t *place = find(sources, writer, key);

	if (place != NULL && count_up(place, key))
		return true;
	if (place != NULL && atomic_load(place) != 0)
		return false; /* it holds as many as can be counted */
	for (size_t i = 0; i < PLACES; i++)
		if (begin_count(place_of(sources, writer, key, i), key))
			return true;
	return false;
}

void
shared_holds_drop(struct shared_sources *sources, uint32_t writer, uint64_t key)
{
	_Atomic uint64_t *place = find(sources, writer, key);
	uint64_t before;

	if (place == NULL)
		return;
	before = atomic_load(place);
	for (int i = 0; i < ATTEMPTS && (before & ~COUNT_MASK) == tag_of(key); i++) {
		uint64_t after = (before & COUNT_MASK) > 1 ? before - 1 : 0;

		if (atomic_compare_exchange_strong(place, &before, after))
			return;
	}
}

uint32_t
shared_holds_count(const struct shared_sources *sources, uint64_t key)
{
	uint32_t count = 0;

	/* Downwards, as connections are handed over: one that moves while we look is seen before
	 * or after its move, or both times, but never missed. */
	for (uint32_t writer = sources->writer_count; writer-- > 0;) {
		const _Atomic uint64_t *place = find(sources, writer, key);
		uint64_t hold = place != NULL ? atomic_load(place) : 0;

		if ((hold & ~COUNT_MASK) == tag_of(key))
			count += (uint32_t)(hold & COUNT_MASK);
	}
	return count;
}

bool
shared_holds_take(struct shared_sources *sources, uint32_t writer, uint64_t key, uint32_t limit)
{
	int attempts = ATTEMPTS;

	/* Two that ask for the last one at the same time may each see the other and step back, and
	 * whoever finds one free afterwards tries again; not for ever, whatever others write. */
	do {
		if (!add(sources, writer, key))
			return false;
		if (shared_holds_count(sources, key) <= limit)
			return true;
		shared_holds_drop(sources, writer, key);
	} while (--attempts > 0 && shared_holds_count(sources, key) < limit);
	return false;
}

bool
shared_holds_hand_over(struct shared_sources *sources, uint32_t from, uint32_t to, uint64_t key)
{
	bool is_counted = add(sources, to, key);

	shared_holds_drop(sources, from, key);
	return is_counted;
}

void
shared_holds_forget_writer(struct shared_sources *sources, uint32_t writer)
{
	size_t size = sources->hold_set_count * sizeof(struct hold_set);
	struct hold_set *holds = &sources->holds[(size_t)writer * sources->hold_set_count];
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *begin = (char *)holds;
	char *first = begin + (page - (uintptr_t)begin % page) % page;
	size_t whole = size > page ? (size - (size_t)(first - begin)) / page * page : 0;

	/* Whole pages are given back unseen: most were never there. */
	if (whole == 0 || madvise(first, whole, MADV_REMOVE) < 0) {
		memset(holds, 0, size);
		return;
	}
	memset(begin, 0, (size_t)(first - begin));
	memset(first + whole, 0, size - whole - (size_t)(first - begin));
}
