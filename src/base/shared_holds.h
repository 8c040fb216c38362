/* SPDX-License-Identifier: ISC */
/* How many connections each source holds: in the memory of shared_sources.h, for each writer a
 * table of its own, so that what a crashed gate held is given back by forgetting its table. The
 * keys are those of shared_sources_key. The limit is strict across writers: who wants one more
 * counts itself first and looks at all afterwards. */
#ifndef REEVE_SHARED_HOLDS_H
#define REEVE_SHARED_HOLDS_H

#include "base/shared_sources.h"

/* Connections of one key that one writer can count. */
#define SHARED_HOLDS_MOST UINT16_MAX

/* Take one of the `limit` connections that the key may hold, for `writer`; false: it holds them
 * all, or there are so many others that it finds no place, and nothing is counted. Give it back. */
bool shared_holds_take(struct shared_sources *sources, uint32_t writer, uint64_t key,
	uint32_t limit);
void shared_holds_drop(struct shared_sources *sources, uint32_t writer, uint64_t key);

/* It will be asked for: have the memory on its way. */
void shared_holds_expect(const struct shared_sources *sources, uint64_t key);

/* Supervisor: a connection of `from` is one of `to` now, the lower number of the two. False: `to`
 * has no place for it, and it is counted no more. */
bool shared_holds_hand_over(struct shared_sources *sources, uint32_t from, uint32_t to,
	uint64_t key);

/* Supervisor: a dead writer holds nothing. */
void shared_holds_forget_writer(struct shared_sources *sources, uint32_t writer);

/* Connections that the key holds now. */
uint32_t shared_holds_count(const struct shared_sources *sources, uint64_t key);

#endif
