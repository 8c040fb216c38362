/* SPDX-License-Identifier: ISC */
/* Banners: what clients are told before they are served, while they wait, or in place of being
 * served. A value of kind TEXT is the text itself, or "file:" and the absolute path of a file that
 * holds it; an empty one is no banner.
 *
 * In a text, \n is the end of a line as the net has it (CR LF); \r, \t, \e, \\ and \xHH are bytes.
 * A file is sent as it is. In both, these stand for what is known only then; what is none of them
 * stays as it is in a file, and is a mistake in a text. */
#ifndef REEVE_BANNER_H
#define REEVE_BANNER_H

#include "base/netaddr.h"
#include "base/textbuf.h"

#define BANNER_FILE_MAX 4096
#define BANNER_SENT_MAX 8192 /* with all that was put in; what is beyond is cut */

/* What there is to put in: %a %p address and port of the client, %s the service, %r the reason, %w
 * how long it will have to wait, %n its position among those who wait, %% a percent sign. */
struct banner_facts {
	const struct netaddr *peer;
	const char *service;
	const char *reason;
	msec wait; /* -1: nobody knows */
	int64_t position;
};

/* The text of a banner, as it lies in a configuration or as it was read from a file. */
struct banner_text {
	const char *bytes;
	size_t length;
	bool is_file;
};

/* The path in a value, or NULL: it is a text. */
const char *banner_path(const char *value);

/* Check a value, and write it as it is kept: with escapes in place of control bytes. 0, or -EINVAL
 * and what is wrong. */
int banner_read(const char *value, struct textbuf *ret_kept, struct textbuf *ret_problem);

/* Write what is sent; its length. */
size_t banner_write(const struct banner_text *text, const struct banner_facts *facts,
	char ret_bytes[static BANNER_SENT_MAX]);

/* Read a file: its text is added to `ret_text`. Why it cannot be used; NULL: it can. */
const char *banner_read_file(const char *path, struct textbuf *ret_text);

#endif
