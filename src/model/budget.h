/* SPDX-License-Identifier: ISC */
/* A budget of bytes for each source, in bounded memory: what datagram answers may exceed their
 * questions by. A source is an IPv4 address or an IPv6 /64. When the table is full a newcomer
 * takes the place of the source that has been full longest among a few; while none is full the
 * newcomer has no budget, so that a flood of sources neither grows the table nor lets an old
 * offender out early. */
#ifndef REEVE_BUDGET_H
#define REEVE_BUDGET_H

#include "base/netaddr.h"

struct budget;

/* A table for about `sources` sources; NULL: no memory. `seed` is a secret that keeps a stranger
 * from choosing sources that share their few places with somebody else. */
struct budget *budget_new(size_t sources, uint64_t seed);
struct budget *budget_free(struct budget *budget);

/* May `source` be sent `excess` bytes at `now`? True takes them from its budget, which holds at
 * most `size` and gains `rate` a second. */
bool budget_take(struct budget *budget, const struct netaddr *source, int64_t excess, int64_t size,
	int64_t rate, msec now);

#endif
