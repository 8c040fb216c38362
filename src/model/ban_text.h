/* SPDX-License-Identifier: ISC */
/* Bans as text: a line of the file that they are kept in, and how sources are written.
 *
 *   2026-11-21T17:00:00Z 3600 192.0.2.7/32 =all sensor
 *
 * is the end by the clock of the place, for how many seconds the ban was made, the source, the
 * service (=all is no service's name), and the verdict that led to it or "hand". The span is there
 * because clocks of places are set: no ban lasts longer from a start on than it was made for. */
#ifndef REEVE_BAN_TEXT_H
#define REEVE_BAN_TEXT_H

#include "base/textbuf.h"
#include "model/ban_book.h"

#define BAN_LINE_MAX 256
#define BAN_SOURCE_TEXT_MAX 72
#define BAN_SERVICE_MAX 63
#define BAN_LONGEST INT64_C(31536000000) /* a year */

/* "192.0.2.7/32", "2001:db8::/64", "user:1000". Returns `text`. */
const char *ban_source_write(const struct ban_source *source, char text[BAN_SOURCE_TEXT_MAX]);

/* Read the same, and an address without length, which stands for what a ban from all services
 * takes for one source. NULL: done; else what is wrong. */
const char *ban_source_read(struct ban_source *ret_source, const char *text);

/* The word for what led to it. */
const char *ban_cause(const struct ban *ban);

/* `now` is the loop's clock and `wall` the seconds since 1970 at that time. */
void ban_write(const struct ban *ban, msec now, int64_t wall, struct textbuf *ret_line);

/* Read a line without its newline, which is cut into its words; `number` is left out, and
 * `service` points into the line. A ban may have ended: `until` is not later than `now`. NULL:
 * done; else what is wrong. */
const char *ban_read(struct ban *ret_ban, char *line, msec now, int64_t wall);

#endif
