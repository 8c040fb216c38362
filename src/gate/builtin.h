/* SPDX-License-Identifier: ISC */
/* What the gate does for built-ins beside connections and datagrams: services/service.h has
 * the functions; this is for the gate's own files. */
#ifndef REEVE_GATE_BUILTIN_H
#define REEVE_GATE_BUILTIN_H

#include "gate/state.h"

/* The service behind builtin_target's index; NULL if there is none. */
struct service *builtin_find_target(const struct builtin *builtin, uint32_t index);

/* Read the whole of a file that a built-in is to have; its bytes are the caller's. 0 or -errno,
 * -EFBIG beyond BUILTIN_FILE_MAX. */
#define BUILTIN_FILE_MAX (16 << 20)
int builtin_read_file(int file_fd, char **ret_bytes, size_t *ret_length);

/* Open the kernel's source of chance while that may still need a look around. */
void builtin_warm_up(void);

#endif
