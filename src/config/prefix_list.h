/* SPDX-License-Identifier: ISC */
/* Files of prefixes (file:PATH in only_from and no_access): one prefix a line, what follows # or ;
 * is a comment. An address without a length is that address: lists of offenders have hosts
 * whose number ends in .0. */
#ifndef REEVE_PREFIX_LIST_H
#define REEVE_PREFIX_LIST_H

#include "base/prefix.h"
#include "config/complaint.h"

#include <sys/stat.h>

#define PREFIX_LIST_MAX 4000000
#define PREFIX_LIST_LINES_MAX 16000000
#define PREFIX_LIST_BYTES_MAX (256 << 20)

struct prefix_list {
	struct prefix *prefixes; /* malloc'ed; `number` is the line */
	size_t count;
	struct stat status; /* of the file, when it was opened */
};

/* Read the file. It may be used if no complaint was added: they are about its lines, or at `at`
 * (NULL: nowhere) about the file itself. Always leaves a list to be given back. */
void prefix_list_read(struct prefix_list *ret_list, const char *path,
	struct complaint_list *complaints, const struct where *at, const char *key);
void prefix_list_fini(struct prefix_list *list);

/* Is that still the file that was read, unchanged? */
bool prefix_list_is_same(const struct stat *then, const struct stat *now);

#endif
