/* SPDX-License-Identifier: ISC */
/* A text that grows up to a bound. Running out of memory or of bound is remembered, not
 * reported at each step: build first, ask textbuf_error once. */
#ifndef REEVE_TEXTBUF_H
#define REEVE_TEXTBUF_H

#include "base/util.h"

#include <stdarg.h>

struct textbuf {
	char *text; /* NUL-terminated once anything was added; NULL before */
	size_t length;
	size_t room;
	size_t max; /* length never exceeds it */
	int error;  /* 0, -ENOMEM or -ENOBUFS */
};

#define TEXTBUF_INIT(limit) ((struct textbuf){ .max = (limit) })

/* Append; on error the text keeps what it had. */
void textbuf_add(struct textbuf *buf, const char *text);
void textbuf_add_bytes(struct textbuf *buf, const char *bytes, size_t length);
void textbuf_addf(struct textbuf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Append bytes that a stranger chose so that they are harmless on a terminal and in a log:
 * printable UTF-8 as it is, everything else as \xNN, the backslash doubled. */
void textbuf_add_escaped(struct textbuf *buf, const char *bytes, size_t length);

/* First error of all steps so far: 0, -ENOMEM, -ENOBUFS. */
int textbuf_error(const struct textbuf *buf);

/* Empty it, keep its memory; give its memory back; move the text out (caller frees it; NULL
 * if there was an error, then nothing is left to free). */
void textbuf_reset(struct textbuf *buf);
void textbuf_fini(struct textbuf *buf);
char *textbuf_take(struct textbuf *buf);

#endif
