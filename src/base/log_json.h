/* SPDX-License-Identifier: ISC */
/* Members of a JSON object (RFC 8259), for log.c alone. */
#ifndef REEVE_LOG_JSON_H
#define REEVE_LOG_JSON_H

#include "base/textbuf.h"

/* Add `,"name":` and the value. A text may hold any bytes: what is no UTF-8 becomes U+FFFD, and
 * what would not show, or steer a terminal that the file is shown on, is written as \uNNNN. */
void log_json_add_text(struct textbuf *buf, const char *name, const char *bytes, size_t length);
void log_json_add_number(struct textbuf *buf, const char *name, int64_t number);

#endif
