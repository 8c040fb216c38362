/* SPDX-License-Identifier: ISC */
/* The file that lines of the log go to. A regular file that several processes append to: a write
 * to it may wait for the disk, but for nobody else. */
#ifndef REEVE_LOG_FILE_H
#define REEVE_LOG_FILE_H

#include "base/util.h"

/* Open it to append, and make it (0640) if it is not there. The descriptor, or -errno: -ELOOP for a
 * symbolic link, whose target whoever may write to the folder could choose; -EINVAL for what is no
 * regular file. */
int log_file_open(const char *path);

/* Is the file of that path still the one that is open? Not if it was moved, or removed. */
bool log_file_is(int file_fd, const char *path);

#endif
