/* SPDX-License-Identifier: ISC */
/* The verb metrics: the daemon's counters as OpenMetrics, read without asking it. With --json that
 * text is read, which knows what belongs together, and each family is printed when it is whole: all
 * of them, of ten thousand services, nobody has to hold. */
#include "control/metrics.h"

#include "base/shared_view.h"
#include "control/counters.h"
#include "control/daemon.h"
#include "control/show.h"
#include "model/openmetrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
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

/* ---------------------------------------------------------------- as JSON */

static int
end_family(json_t **family)
{
	int error = *family != NULL && show_json(*family) != 0 ? -EIO : 0;

	json_decref(*family);
	*family = NULL;
	return error;
}

/* "TYPE name type", "UNIT name unit", "HELP name sentence", or "EOF". */
static int
take_head(json_t **family, char *line)
{
	const char *kind = strsep(&line, " ");
	const char *name = strsep(&line, " ");
	const char *member = strcmp(kind, "UNIT") == 0 ? "unit" : "help";
	int error;

	if (name != NULL && strcmp(kind, "TYPE") != 0)
		return json_object_set_new(*family, member, json_string(line)) < 0 ? -ENOMEM : 0;
	error = end_family(family);
	if (error < 0 || name == NULL)
		return error;
	*family = json_pack("{s:s, s:s, s:[]}", "name", name, "type", line, "samples");
	return *family != NULL ? 0 : -ENOMEM;
}

/* From behind the brace on; what is escaped in a value is so in JSON, too. What follows them. */
static char *
take_labels(json_t *labels, char *at)
{
	while (*at != '}') {
		const char *key = strsep(&at, "=");
		json_error_t end;
		json_t *value = at != NULL
			? json_loads(at, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &end)
			: NULL;

		if (value == NULL || json_object_set_new(labels, key, value) < 0)
			return NULL;
		at += end.position;
		at += *at == ',';
	}
	return at + 1;
}

static int
take_sample(json_t *family, char *line)
{
	json_t *labels = json_object();
	char *at = line + strcspn(line, "{ ");
	char separator = *at;

	*at++ = '\0';
	if (separator == '{')
		at = take_labels(labels, at);
	if (at == NULL) {
		json_decref(labels);
		return -EPROTO;
	}
	return json_array_append_new(json_object_get(family, "samples"),
		       json_pack("{s:s, s:o, s:o}", "name", line, "labels", labels, "value",
			       json_loads(at, JSON_DECODE_ANY, NULL))) < 0
		? -ENOMEM
		: 0;
}

static int
take_lines(json_t **family, struct textbuf *text)
{
	char *rest = text->text;
	char *line;
	int error = textbuf_error(text);

	while (error == 0 && text->length > 0 && (line = strsep(&rest, "\n")) != NULL &&
		rest != NULL)
		error = strncmp(line, "# ", 2) == 0 ? take_head(family, line + 2)
						    : take_sample(*family, line);
	textbuf_reset(text);
	return error;
}

/* ---------------------------------------------------------------- the whole */

int
metrics_print(const struct control *control, enum openmetrics_form form)
{
	const struct shared *view = NULL;
	struct openmetrics source = { .form = form, .now = time(NULL) };
	struct textbuf text = TEXTBUF_INIT(GATHERED_MAX);
	json_t *family = NULL;
	uint64_t place = 0;
	int error = daemon_view_counters(control->run_dir, &view);

	/* Whoever may not open the memory may be allowed to ask for it. */
	if (error == -EACCES || error == -EPERM)
		error = counters_ask(control, &view);
	if (error < 0)
		return error;
	source.shared = view;
	while (error == 0 && openmetrics_add(&source, &place, &text))
		if (control->output.is_json)
			error = take_lines(&family, &text);
		else if (text.length > GATHERED_MAX - OPENMETRICS_PIECE_MAX)
			error = write_out(&text);
	if (error == 0)
		error = write_out(&text);
	if (error == 0 && fflush(stdout) != 0)
		error = -errno;
	json_decref(family);
	textbuf_fini(&text);
	(void)shared_view_free(view);
	return error;
}
