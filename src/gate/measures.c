/* SPDX-License-Identifier: ISC */
/* What the daemon counts, as built-ins may show it: text out of the shared memory, which the gate
 * has in view anyway. */
#include "gate/service.h"
#include "model/openmetrics.h"

#include <string.h>

#define ENOUGH (MEASURES_PIECE_MAX - OPENMETRICS_PIECE_MAX) /* so that the next one fits, too */

static enum openmetrics_form
form_of(enum measures_form form)
{
	return form == MEASURES_OPENMETRICS ? OPENMETRICS_1_0 : OPENMETRICS_PLAIN;
}

size_t
builtin_measures(const struct builtin *builtin, enum measures_form form, uint64_t *place,
	char room[MEASURES_PIECE_MAX])
{
	const struct openmetrics source = { .shared = builtin->service->gate->shared,
		.form = form_of(form),
		.now = builtin_realtime(builtin) };
	struct textbuf text = TEXTBUF_INIT(MEASURES_PIECE_MAX);
	size_t length = 0;

	while (text.length <= ENOUGH && openmetrics_add(&source, place, &text))
		;
	/* Without memory the text ends early, which its last line, missing, tells. */
	if (textbuf_error(&text) == 0 && text.length > 0) {
		length = text.length;
		memcpy(room, text.text, length);
	}
	textbuf_fini(&text);
	return length;
}

const char *
builtin_measures_type(enum measures_form form)
{
	return openmetrics_content_type(form_of(form));
}
