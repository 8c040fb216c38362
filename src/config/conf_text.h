/* SPDX-License-Identifier: ISC */
/* reeve.conf before libconfig reads it: its @include lines replaced by what they name, and the
 * place of every setting's name noted, for libconfig knows lines only.
 *
 * libconfig could include by itself, but from one folder, ten deep without saying where, and
 * without a bound. It is never let near a file: what it gets is one text. */
#ifndef REEVE_CONF_TEXT_H
#define REEVE_CONF_TEXT_H

#include "config/source.h"

/* The name of a setting. They are in the order of the text, which is that of libconfig's tree. */
struct conf_name {
	const char *text; /* in its source; `where.length` bytes */
	struct where where;
	const char *literal; /* the number that is its value, as written; NULL: another value */
	size_t literal_length;
};

/* From this line of the whole text on, it is that source's lines. */
struct conf_segment {
	const struct source_file *file;
	uint32_t text_line;
	uint32_t source_line;
};

struct conf_text {
	struct textbuf whole;
	uint32_t line; /* lines of the whole so far, from 1 */
	struct conf_name *names;
	size_t name_count;
	size_t name_room;
	struct conf_segment *segments;
	size_t segment_count;
	size_t segment_room;
	bool ends_in_line_feed;
	bool is_broken; /* something was complained about that libconfig must not see */
	int error;      /* -ENOMEM */
};

/* Join a file and what it includes. Without a folder it may include nothing. */
void conf_text_make(struct conf_text *text, struct sources *sources,
	const struct source_file *file);
void conf_text_fini(struct conf_text *text);

/* Where a line of the whole came from; column unknown. */
struct where conf_text_place(const struct conf_text *text, uint32_t line);

#endif
