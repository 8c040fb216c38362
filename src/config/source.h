/* SPDX-License-Identifier: ISC */
/* The files that a configuration is read from: taken in whole and once, bounded, and looked
 * through for bytes that no configuration holds before anybody parses a line. */
#ifndef REEVE_SOURCE_H
#define REEVE_SOURCE_H

#include "config/arena.h"
#include "config/complaint.h"

#include <sys/types.h>

#define SOURCE_BYTES_MAX ((size_t)64 << 20) /* of a file, and of a file with all that it includes */
#define SOURCE_TABLE_LINE_MAX ((size_t)64 << 10)
#define SOURCE_CONF_LINE_MAX ((size_t)1 << 20)

struct source_file {
	struct source source;
	dev_t device; /* with the inode, whether two names are one file */
	ino_t inode;
	size_t line_max;
	bool has_bad_lines; /* then source_is_bad_line says which */
};

/* The files read so far, in their order. */
struct sources {
	struct arena *arena; /* holds the files */
	struct complaint_list *complaints;
	struct source **list; /* malloc'ed */
	uint32_t count;
	uint32_t next_order;
};

void sources_init(struct sources *sources, struct arena *arena, struct complaint_list *complaints);
void sources_fini(struct sources *sources);

/* Read a regular file. Complains about bad lines in it (source_is_bad_line). `at` is where a
 * mistake about the file itself is shown (the line that names it; NULL: the file). NULL after a
 * complaint, or without memory, which the arena remembers. */
struct source_file *source_read(struct sources *sources, const char *name, size_t line_max,
	const struct where *at);

/* A text that is there already, copied. NULL: no memory. */
struct source_file *source_copy(struct sources *sources, const char *name, const char *text,
	size_t length, size_t line_max);

/* Is this one of the lines that are too long or hold bytes that are no text? They have been
 * complained about (the first ten of a file) and are not to be read. */
bool source_is_bad_line(const struct source_file *file, const char *line, size_t length);

/* `path` as seen from `folder`; itself if it is absolute. NULL: no memory. */
const char *source_join(struct arena *arena, const char *folder, const char *path);

/* The folder that `path` is in, absolute. NULL: no memory, or the working directory has gone. */
const char *source_folder(struct arena *arena, const char *path);

#endif
