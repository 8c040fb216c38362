/* SPDX-License-Identifier: ISC */
/* Text that strangers write: made harmless, and cut. */
#ifndef REEVE_CHAT_TEXT_H
#define REEVE_CHAT_TEXT_H

#include "base/textbuf.h"
#include "base/util.h"

#include <stdarg.h>

#define CHAT_AGE_BYTES 24

struct chat_cleaned {
	size_t length;
	bool was_invalid; /* something was no UTF-8; U+FFFD stands in its place */
	bool was_cut;     /* it did not fit */
};

/* Copy `line` so that a terminal is safe from it: well-formed UTF-8, printable code points only;
 * a tab becomes a space, other control and invisible ones vanish, blanks at the end too. At most
 * `max` bytes and a NUL are written; a code point is whole or not there. `is_torn`: the line was
 * cut already, so half a code point at its end is no mistake of the writer's. */
struct chat_cleaned chat_text_clean(const char *line, size_t length, bool is_torn, char *to,
	size_t max);

/* Is a terminal safe from all of it, as it is from what chat_text_clean leaves? */
bool chat_text_is_clean(const char *text, size_t length);

/* The length of `text` cut to `max` bytes without tearing a code point (`text` is UTF-8). */
size_t chat_text_cut(const char *text, size_t length, size_t max);

/* Add "*** ", the formatted text, cut if it is long (whole code points), and a line end. */
void chat_text_add_notice(struct textbuf *text, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));

/* Write a span of time for people: "12s", "5m", "3h", "9d". Returns `text`. */
const char *chat_text_age(msec span, char text[static CHAT_AGE_BYTES]);

#endif
