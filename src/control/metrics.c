/* SPDX-License-Identifier: ISC */
/* The verb metrics: the daemon's counters as OpenMetrics, read without asking it. */
#include "control/metrics.h"

#include "base/shared_view.h"
#include "control/counters.h"
#include "control/daemon.h"
#include "model/openmetrics.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define GATHERED_MAX ((size_t)256 << 10)

static int
write_out(struct textbuf *text)
{
	int error = textbuf_error(text);

	errno = EIO; /* where the library does not say */
	if (error == 0 && text->length > 0 &&
		fwrite(text->text, 1, text->length, stdout) != text->length)
		error = -errno;
	textbuf_reset(text);
	return error;
}

int
metrics_print(const struct control *control, enum openmetrics_form form)
{
	const struct shared *view = NULL;
	struct openmetrics source = { .form = form, .now = time(NULL) };
	struct textbuf text = TEXTBUF_INIT(GATHERED_MAX);
	uint64_t place = 0;
	int error = daemon_view_counters(control->run_dir, &view);

	/* Whoever may not open the memory may be allowed to ask for it. */
	if (error == -EACCES || error == -EPERM)
		error = counters_ask(control, &view);
	if (error < 0)
		return error;
	source.shared = view;
	while (error == 0 && openmetrics_add(&source, &place, &text))
		if (text.length > GATHERED_MAX - OPENMETRICS_PIECE_MAX)
			error = write_out(&text);
	if (error == 0)
		error = write_out(&text);
	if (error == 0 && fflush(stdout) != 0)
		error = -errno;
	textbuf_fini(&text);
	(void)shared_view_free(view);
	return error;
}
