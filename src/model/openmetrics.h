/* SPDX-License-Identifier: ISC */
/* What the shared memory counts, as text that Prometheus and its like read: OpenMetrics 1.0, or
 * the older text format (0.0.4) that some tools still want.
 *
 * It is made piece by piece, each a family's head or one service's part of a family: ten thousand
 * services are many megabytes, which nobody has to hold. Services that have left the configuration
 * are left out. Of a service that nobody has used there is only what it is, and that nobody came;
 * a verdict that was never given and a histogram without a count are left out, too. */
#ifndef REEVE_OPENMETRICS_H
#define REEVE_OPENMETRICS_H

#include "base/shared.h"
#include "base/textbuf.h"

enum openmetrics_form { OPENMETRICS_1_0, OPENMETRICS_PLAIN };

struct openmetrics {
	const struct shared *shared;
	enum openmetrics_form form;
	int64_t now; /* seconds since 1970 */
};

#define OPENMETRICS_PIECE_MAX 16384 /* bytes of a piece, whatever the names */

/* Append the next piece to `text`, and move *place, which is 0 at first, behind it. False: there
 * was no more. Whether there was memory the text says. */
bool openmetrics_add(const struct openmetrics *source, uint64_t *place, struct textbuf *text);

/* What HTTP calls the form. */
const char *openmetrics_content_type(enum openmetrics_form form);

#endif
