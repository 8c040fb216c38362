/* SPDX-License-Identifier: ISC */
/* The shared memory for those who only watch (reevectl): a descriptor that it cannot be changed
 * by, and a mapping of it to read. Whoever watches asks nobody anything: what the writers count
 * is added up here, by whatever takes a `const struct shared`: shared_rows, shared_row_name,
 * shared_read (base/shared.h), shared_active, shared_ceiling (base/shared_places.h),
 * shared_read_histogram, shared_told (base/shared_measures.h).
 *
 * It is read while it changes: two counters need not fit each other, and a row may be another
 * service's by the next look. Whoever needs to know looks at the name before and after.
 *
 *	const struct shared *view;
 *	char name[SHARED_NAME_MAX];
 *
 *	if (shared_view(&view, view_fd) == 0 && shared_row_name(view, row, name))
 *		printf("%s %lld\n", name, (long long)shared_active(view, row)); */
#ifndef REEVE_SHARED_VIEW_H
#define REEVE_SHARED_VIEW_H

#include "base/shared.h"

/* Another descriptor of the memory, for reading alone, which may be handed to whoever may look:
 * it cannot be mapped for writing, and only our own user and root can open it again for that.
 * The caller's, close-on-exec; -errno (-ENOENT: there is no /proc). */
int shared_open_view(int shared_fd);

/* Map it to read, from any descriptor of the memory, which may be closed then. -EPROTO: it is
 * of another version (of a daemon that was upgraded, or is to be), size, or not sealed, and
 * nothing is mapped; else -errno. */
int shared_view(const struct shared **ret_view, int view_fd);
const struct shared *shared_view_free(const struct shared *view);

/* A row as those who watch see it. `is_used`: something was counted in it since it was named. */
struct shared_facts {
	char name[SHARED_NAME_MAX];
	uint32_t number;
	int64_t places;
	bool is_used;
};

/* False: the row is free. */
bool shared_row_facts(const struct shared *view, uint32_t row, struct shared_facts *ret_facts);

#endif
