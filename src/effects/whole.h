/* SPDX-License-Identifier: ISC */
/* All that is in a file, or in memory with a descriptor: read, and written. */
#ifndef REEVE_WHOLE_H
#define REEVE_WHOLE_H

#include "base/util.h"

/* Bytes that are the caller's, with a NUL behind them. Read, not mapped: what is cut short while it
 * is mapped kills who looks at it. 0, -EINVAL for what is no regular file, -EFBIG beyond `most`
 * bytes, -errno. */
int whole_read(int file_fd, size_t most, char **ret_bytes, size_t *ret_length);

/* Write all of them, from where the descriptor stands. 0, or -errno: then some may be written. */
int whole_write(int file_fd, const void *bytes, size_t length);

#endif
