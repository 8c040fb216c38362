/* SPDX-License-Identifier: ISC */
/* Memory that the supervisor writes once and gates only read: a sealed memfd, which nobody can
 * change, grow or shrink any more. */
#ifndef REEVE_SEALED_H
#define REEVE_SEALED_H

#include "base/util.h"

/* Make one of these bytes. 0 with a close-on-exec descriptor, or -errno. */
int sealed_make(const char *name, const void *bytes, size_t length, int *ret_sealed_fd);

/* Map one for reading; the descriptor stays the caller's. 0, -EPROTO if it is not sealed or empty,
 * -errno. NULL may be unmapped. */
int sealed_map(int sealed_fd, const void **ret_bytes, size_t *ret_length);
void sealed_unmap(const void *bytes, size_t length);

#endif
