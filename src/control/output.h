/* SPDX-License-Identifier: ISC */
/* What reevectl's output goes to: how wide it is, whether it shows colours and letters beyond
 * ASCII, and whether a program reads it (--json).
 *
 * Texts from outside (names, addresses, lines of programs) are made harmless before a terminal sees
 * them: what is no printable letter is written as \xNN. */
#ifndef REEVE_CONTROL_OUTPUT_H
#define REEVE_CONTROL_OUTPUT_H

#include "base/textbuf.h"
#include "base/util.h"

#include <jansson.h>
#include <stdio.h>

#define OUTPUT_TEXT_MAX ((size_t)64 << 20) /* nothing that we print is longer */

struct output {
	FILE *file;
	uint32_t columns; /* 0: as many as come */
	bool is_terminal;
	bool has_colour;
	bool is_utf8;
	bool is_json;
};

enum tone { TONE_PLAIN, TONE_TITLE, TONE_FAINT, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_COUNT };

/* Look at `file`: $COLUMNS or the terminal's width; colours on a terminal alone, and not if
 * $NO_COLOR is set or $TERM is dumb. What is no terminal is neither cut nor coloured. */
void output_init(struct output *output, FILE *file, bool is_json);

/* Add a text in that tone, or as it is. */
void output_add_tone(const struct output *output, struct textbuf *buf, enum tone tone,
	const char *text);

/* Make a text harmless: as textbuf_add_escaped, and without UTF-8 all beyond ASCII is escaped. */
void output_add_harmless(const struct output *output, struct textbuf *buf, const char *text);

/* Places that a harmless text takes on a terminal; and the text, cut to so many with an ellipsis
 * and filled with blanks, on the right or on the left. */
size_t output_width(const char *text);
void output_add_cut(const struct output *output, struct textbuf *buf, const char *text,
	size_t width, bool is_right);

/* How JSON is written, for json_dumpf(): a value on a line, without letters that turn the lines of
 * a terminal around. */
#define OUTPUT_JSON (JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(15))

/* Print and give back: the text; the JSON value, with a line feed. 0, or -errno when it could not
 * be written or made (`value` NULL). */
int output_print(const struct output *output, struct textbuf *buf);
int output_print_json(const struct output *output, json_t *value);

#endif
