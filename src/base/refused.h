/* SPDX-License-Identifier: ISC */
/* The sources that one gate refuses most, for those who watch: a table of one size, however many
 * sources there are (Metwally, Agrawal, El Abbadi: Space-Saving, 2005). A source that is not in it
 * takes the row of the one with the least, and its count, too: by so many it may be wrong. So
 * whoever was refused more often than once in REFUSED_ROWS times is in it, and was refused at most
 * `count` times and at least `count - error` times.
 *
 * One writes, in the memory that is shared; any number read, and nobody waits for anybody. A reader
 * believes nothing: the writer may be a gate gone bad. */
#ifndef REEVE_REFUSED_H
#define REEVE_REFUSED_H

#include "base/netaddr.h"

#include <stdatomic.h>

#define REFUSED_ROWS 64
#define REFUSED_NAME_WORDS 3
#define REFUSED_MOST ((uint64_t)1 << 48) /* no gate gets so far; what is told may be summed up */

/* Column by column, for whoever writes looks for one in all rows. Each writer has cache lines of
 * its own. */
struct refused_table {
	_Alignas(64) _Atomic uint64_t names[REFUSED_NAME_WORDS][REFUSED_ROWS];
	_Atomic uint64_t counts[REFUSED_ROWS]; /* 0: free */
	_Atomic uint64_t errors[REFUSED_ROWS];
	_Atomic uint64_t changes[REFUSED_ROWS]; /* odd while the row becomes another source's */
	_Atomic uint64_t least;                 /* count, as it was looked for last */
	_Atomic uint64_t hand;                  /* the row where it was found */
};

struct refused_row {
	struct netaddr source; /* a prefix: all bits behind its length are 0; or AF_UNIX */
	uint32_t length;
	uint64_t count;
	uint64_t error;
};

/* Count a refusal of that prefix. */
void refused_note(struct refused_table *table, const struct netaddr *source, uint32_t length);

/* Read a row, below REFUSED_ROWS; false: it is free, or just becomes another source's. */
bool refused_read(const struct refused_table *table, size_t index, struct refused_row *ret_row);

/* All of it, once its writer is no more. */
void refused_forget(struct refused_table *table);

#endif
