/* SPDX-License-Identifier: ISC */
/* A request of HTTP/1, as far as `metrics` is interested: may it be answered, and in which form. */
#ifndef REEVE_METRICS_REQUEST_H
#define REEVE_METRICS_REQUEST_H

#include "base/util.h"

#define METRICS_HEAD_MAX 8192 /* bytes of a request's lines */

struct metrics_request {
	int status; /* as HTTP counts them: 200, or why not */
	bool is_head;
	bool wants_openmetrics;
};

/* Length of the head with its empty line, once all of it is there; else 0. */
size_t metrics_request_length(const char *bytes, size_t length);

/* Read a whole head. */
struct metrics_request metrics_request_read(const char *head, size_t length);

#endif
