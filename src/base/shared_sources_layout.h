/* SPDX-License-Identifier: ISC */
/* How the memory of sources is laid out; for shared_sources.c and shared_holds.c alone. */
#ifndef REEVE_SHARED_SOURCES_LAYOUT_H
#define REEVE_SHARED_SOURCES_LAYOUT_H

#include "base/shared_sources.h"
#include "base/siphash.h"

#define SOURCES_PER_SET 8
#define HOLDS_PER_SET 8
#define OVERFLOWS 1024
#define SOURCES_A_HOLD 16 /* for so many keys, each writer has one place for connections */

/* The memory: header, marks, filter, overflows, sets of sources, then for each writer its sets of
 * holds. */
struct sources_header {
	uint64_t magic;
	uint32_t version;
	uint32_t set_count; /* powers of two, both */
	uint32_t hold_set_count;
	uint32_t writers;
	uint64_t size;
	struct siphash_key seed;
	unsigned char padding[16];
};

struct sources_marks {
	_Alignas(64) _Atomic uint64_t words[SHARED_SOURCES_MARKS];
};

struct sources_filter {
	_Alignas(64) _Atomic uint64_t words[SHARED_SOURCES_FILTER];
};

/* The last bytes that were hashed, and their key: a client is asked about several times. */
#define MEMO_MAX 40
struct sources_memo {
	unsigned char bytes[MEMO_MAX];
	size_t length;
	uint64_t key;
};

/* Keys apart from words: eight keys are one cache line, and most are looked at in vain. */
struct source_set {
	_Alignas(64) _Atomic uint64_t keys[SOURCES_PER_SET]; /* 0: free */
	_Atomic uint64_t words[SOURCES_PER_SET];
};

/* 48 bits of the key, and how many connections it holds; all 0: free. */
struct hold_set {
	_Alignas(64) _Atomic uint64_t holds[HOLDS_PER_SET];
};

_Static_assert(sizeof(struct sources_header) == 64, "marks begin on a cache line");
_Static_assert(sizeof(struct sources_marks) == 64, "overflows begin on a cache line");
_Static_assert(sizeof(struct source_set) == 128, "a set is two cache lines");
_Static_assert(sizeof(struct hold_set) == 64, "a set is one cache line");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "a lock in shared memory would die with its owner");

struct shared_sources {
	void *memory;
	size_t size;
	struct sources_memo *memo; /* ours alone */
	struct sources_marks *marks;
	struct sources_filter *filter;
	_Atomic uint64_t *overflows;
	struct source_set *sets;
	struct hold_set *holds;
	/* Copies: what a gate writes into the header later changes nothing. */
	uint32_t set_count;
	uint32_t hold_set_count;
	uint32_t writer_count;
	struct siphash_key seed;
};

#endif
