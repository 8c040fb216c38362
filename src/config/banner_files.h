/* SPDX-License-Identifier: ISC */
/* The files of all banners of a configuration in one piece of memory, for those who can open none:
 * the supervisor makes it, gates look files up by their path. */
#ifndef REEVE_BANNER_FILES_H
#define REEVE_BANNER_FILES_H

#include "config/banner.h"
#include "config/config.h"

#define BANNER_FILES_MAX (64 << 20)

/* Read them all, into `ret_image`; nothing is added if there are none. A file that cannot be used
 * is complained about, and is not in it. 0 or -errno. */
int banner_files_make(const struct config *config, struct complaint_list *complaints,
	struct textbuf *ret_image);

/* Is that such an image? Only one that is may be asked. */
bool banner_files_are_whole(const void *image, size_t size);

/* The text of a value: its own, or that of the file whose path it has. False: there is none. */
bool banner_find(const void *image, const char *value, struct banner_text *ret_text);

#endif
