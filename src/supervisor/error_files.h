/* SPDX-License-Identifier: ISC */
/* Files for the standard error of programs (the key stderr), opened anew with each
 * configuration, so that a reload follows a log that was rotated. */
#ifndef REEVE_SUPERVISOR_ERROR_FILES_H
#define REEVE_SUPERVISOR_ERROR_FILES_H

#include "supervisor/state.h"

/* The descriptor of that file, for appending; opened (and made, 0640) if the list does not have
 * it yet. Follows no link at the path's end. It stays the list's. -EMLINK: the file has further
 * names and could be another's; -EINVAL: it is no regular file; or -errno. May block. */
int error_file_find(struct error_file **files, const char *path);
struct error_file *error_files_free(struct error_file *files);

#endif
