/* SPDX-License-Identifier: ISC */
/* What the processes of the daemon remember of those who come, in shared memory of one size that
 * does not grow. Here: moments. A key (what is asked, of which service, by whom; hashed with a
 * secret, so that nobody can choose neighbours) has one word, and the word is a moment in
 * nanoseconds of the monotonic clock: when its bucket is full again, until when it is banned. Once
 * that has passed, the word says nothing and its place may be given to another key. While it has
 * not, nothing takes the place away: a flood of new sources finds no places and is judged together
 * by one word, an old offender stays where it is.
 *
 * Nobody locks: words are changed by compare and exchange, a process that dies leaves nothing half
 * done. Two that meet in the same instructions may lose or double one change; a gate that was
 * taken over can spoil all of it. Limits must be all that depends on it. */
#ifndef REEVE_SHARED_SOURCES_H
#define REEVE_SHARED_SOURCES_H

#include "base/util.h"

#include <stdatomic.h>

#define SHARED_SOURCES_LEAST 1024u
#define SHARED_SOURCES_MOST (1u << 28)

struct shared_sources; /* a mapping of the whole */

/* Make the memory for about so many keys and `writers` processes with `seed` as the secret (16
 * bytes), or map one that was handed over. As shared_create and shared_map. 16 bytes a key; pages
 * that nobody has used cost nothing. */
int shared_sources_create(struct shared_sources **ret_sources, int *ret_fd, uint32_t keys,
	uint32_t writers, const void *seed);
int shared_sources_map(struct shared_sources **ret_sources, int sources_fd);
struct shared_sources *shared_sources_free(struct shared_sources *sources);

/* Processes that it was made for. */
uint32_t shared_sources_writers(const struct shared_sources *sources);

/* The key for some bytes; never 0. */
uint64_t shared_sources_key(const struct shared_sources *sources, const void *bytes, size_t length);

/* The key's word. Find: NULL if it has none. Take: one whose moment has passed becomes its own if
 * it has none yet; NULL if all that it could have are in use. */
_Atomic uint64_t *shared_sources_find(struct shared_sources *sources, uint64_t key);
_Atomic uint64_t *shared_sources_take(struct shared_sources *sources, uint64_t key, uint64_t now);

/* What the key's word says holds no longer, be there two of them. */
void shared_sources_forget(struct shared_sources *sources, uint64_t key);

/* The word for all who found none, of the kind that `key` stands for: no source is hashed in. */
_Atomic uint64_t *shared_sources_overflow(struct shared_sources *sources, uint64_t key);

/* A cache line for whoever keeps the words, to mark what need not be looked for (model/ban.h). */
#define SHARED_SOURCES_MARKS 8
_Atomic uint64_t *shared_sources_marks(const struct shared_sources *sources);

/* So many words more, small enough for the processor's caches: a bit for each key that has a word
 * of some kind, so that most of those that have none are not looked for. */
#define SHARED_SOURCES_FILTER 16384
_Atomic uint64_t *shared_sources_filter(const struct shared_sources *sources);

/* The key will be asked for: have the memory on its way. */
void shared_sources_expect(const struct shared_sources *sources, uint64_t key);

#endif
