/* SPDX-License-Identifier: ISC */
/* A set of prefixes that answers which of them is the most specific one around an address. It is
 * made once and then only asked.
 *
 * The prefixes cut the addresses into ranges, and of each range it is known which prefix holds
 * there; so an answer is one search in a sorted array, however the prefixes nest. A set has no
 * pointers: it is one piece of memory, to be copied and mapped by whoever needs it, and of a
 * million IPv4 prefixes takes up to 17 bytes each. */
#ifndef REEVE_PREFIXES_H
#define REEVE_PREFIXES_H

#include "base/netaddr.h"
#include "base/prefix.h"

struct prefixes;

#define PREFIXES_ALIGNMENT 8 /* of the memory that a set lies in; 64 is faster */
#define PREFIXES_NUMBER_MAX ((1U << 24) - 1)

/* Make a set of `count` prefixes, which are put in order; their numbers end at
 * PREFIXES_NUMBER_MAX. Of two that are equal the one that comes first is in it. The caller's to
 * free(3); NULL: no memory, or more than it can hold. */
struct prefixes *prefixes_new(struct prefix *list, size_t count);

/* How much memory it is. */
size_t prefixes_size(const struct prefixes *set);

struct prefixes_match {
	uint32_t number; /* of the prefix */
	int length;      /* -1: none is around the address */
};
struct prefixes_match prefixes_find(const struct prefixes *set, const struct netaddr *address);

#endif
