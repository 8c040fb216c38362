/* SPDX-License-Identifier: ISC */
/* The words of a table's line. Blanks part words; quotes and backslashes work as in a shell word;
 * # where a word could begin starts a comment; a backslash at a line's end continues it. Each
 * word knows where it stands. */
#ifndef REEVE_WORDS_H
#define REEVE_WORDS_H

#include "config/source.h"

struct word {
	const char *text; /* without quotes; valid until the next line is read */
	size_t length;
	struct where where; /* as it stands in the file, quotes included */
};

struct words {
	struct word *items;
	size_t count;
	size_t room;
	char *bytes; /* the texts, one behind the other */
	size_t bytes_length;
	size_t bytes_room;
	const struct source_file *file;
	size_t offset; /* what comes next in the file */
	uint32_t line;
};

/* Begin at the front of a file; give the memory back. */
void words_init(struct words *words, const struct source_file *file);
void words_fini(struct words *words);

/* Read the next line that has words and no mistake; lines with a mistake are complained about
 * and left out. 1; 0 at the end of the file; -ENOMEM. */
int words_next(struct words *words, struct complaint_list *complaints);

/* The place of a part of a word: exact unless quotes or backslashes came in between, then the
 * whole word's. */
struct where word_part(const struct word *word, size_t offset, size_t length);

/* Write a word so that words_next reads it back. */
void word_write(const char *text, struct textbuf *ret_text);

#endif
