/* SPDX-License-Identifier: ISC */
/* Mistakes in a configuration are data: every reader and check adds what it finds to one list,
 * which is shown sorted by place, each with its line and a caret under the culprit. */
#ifndef REEVE_COMPLAINT_H
#define REEVE_COMPLAINT_H

#include "base/textbuf.h"
#include "base/util.h"

/* A file that was read: its name and its bytes, which complaints quote from. Owned by the config
 * that read it; a complaint keeps a copy of what it shows, so a list may outlive its config. */
struct source {
	const char *name;
	const char *text;
	size_t length;
	const char *folder; /* absolute; the file's relative paths begin there. NULL: no file */
	uint32_t order;     /* of reading, and of the complaints about the files */
};

/* A place: line and column count from 1, column in bytes; 0 means not known. `length` is how
 * many bytes the caret marks. source NULL: the mistake is nobody's line (an option, the host). */
struct where {
	const struct source *source;
	uint32_t line;
	uint32_t column;
	uint32_t length;
};

struct complaint_list;

struct complaint_list *complaint_list_new(void);
struct complaint_list *complaint_list_free(struct complaint_list *list);

/* Note a mistake. `key` is the key's or block's name ("service.echo.instances") or NULL; the
 * text says what is wrong and what is wanted. Bytes of files are escaped when shown. What
 * is there already with its place is not noted again. Beyond 1,000 complaints only the number
 * grows. Out of memory shows as complaint_count going up. */
void complain(struct complaint_list *list, const struct where *where, const char *key,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

size_t complaint_count(const struct complaint_list *list);

/* The message of number `index` (from 0, by place) as one line without its quotation,
 * "file:line:column: key: text"; NULL beyond the last that is kept. */
const char *complaint_message(const struct complaint_list *list, size_t index);

/* The same in pieces, which are the list's; false beyond the last. */
struct complaint_pieces {
	const char *file; /* NULL: it is about none */
	uint32_t line;    /* 0, as the column: not known */
	uint32_t column;
	const char *key; /* NULL: it is about none */
	const char *text;
};
bool complaint_pieces(const struct complaint_list *list, size_t index,
	struct complaint_pieces *ret_pieces);

/* Write them all, sorted: "file:line:column: key: text", the line, the caret. */
void complaint_list_show(const struct complaint_list *list, struct textbuf *ret_text);

/* The nearest of `words` (NULL-terminated) to what was typed, for "did you mean": NULL when
 * none is near. */
const char *complaint_nearest(const char *typed, const char *const *words);

#endif
