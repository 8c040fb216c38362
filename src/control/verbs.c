/* SPDX-License-Identifier: ISC */
/* reevectl's verbs: what it does itself, and who shows what the daemon does. */
#include "control/verbs.h"

#include "control/arguments.h"
#include "control/client.h"
#include "control/completion.h"
#include "control/daemon.h"
#include "control/explain.h"
#include "control/lint.h"
#include "control/metrics.h"
#include "control/show.h"
#include "control/top.h"
#include "control/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX (16U << 20)
#define HELP_COLUMN 28

static int
fail(const char *what, int error)
{
	(void)fprintf(stderr, "reevectl: %s: %s\n", what,
		error == -ESRCH ? "no daemon runs with this run folder" : strerror(-error));
	return 1;
}

/* Who may not speak with the daemon sees what it wrote down for everybody: its ports. */
static int
list_ports(const struct control *control)
{
	static const struct table_column columns[] = { { "SERVICE", "service", 0, false },
		{ "PROTOCOL", "protocol", 1, false }, { "ADDRESS", "address", 0, false } };
	struct table *table = table_new(columns, ARRAY_SIZE(columns));
	struct daemon_state state;
	int error = table != NULL ? daemon_read_state(control->run_dir, &state) : -ENOMEM;

	if (error < 0) {
		(void)table_free(table);
		return fail(control->run_dir, error == -ENOENT ? -ESRCH : error);
	}
	for (size_t i = 0; i < state.port_count; i++) {
		table_add_text(table, state.ports[i].service);
		table_add_text(table, state.ports[i].protocol);
		table_add_text(table, state.ports[i].address);
	}
	error = table_print(table, &control->output, "no port is open");
	daemon_state_fini(&state);
	(void)table_free(table);
	return error < 0 ? 1 : 0;
}

/* --- metrics */

static int
verb_metrics(const struct control *control)
{
	bool is_plain = !control->output.is_json &&
		json_is_true(json_object_get(control->arguments, "plain"));
	int error = metrics_print(control, is_plain ? OPENMETRICS_PLAIN : OPENMETRICS_1_0);

	return error < 0 ? fail("metrics", error == -ENOENT ? -ESRCH : error) : 0;
}

/* --- check */

/* As lint prints what it finds. */
static int
print_check_json(const struct control *control, const struct config *config,
	const struct complaint_list *complaints)
{
	json_t *list = json_array();
	struct complaint_pieces pieces;

	for (size_t i = 0; list != NULL && complaint_pieces(complaints, i, &pieces); i++)
		if (json_array_append_new(list,
			    json_pack("{s:o, s:I, s:I, s:o, s:o}", "file",
				    varlink_text_or_null(pieces.file), "line",
				    (json_int_t)pieces.line, "column", (json_int_t)pieces.column,
				    "key", varlink_text_or_null(pieces.key), "text",
				    varlink_text_or_null(pieces.text))) < 0) {
			json_decref(list);
			list = NULL;
		}
	return output_print_json(&control->output,
		json_pack("{s:o, s:I, s:o}", "complaints", list, "count",
			(json_int_t)complaint_count(complaints), "services",
			config != NULL ? json_integer(config->service_count) : json_null()));
}

static int
verb_check(const struct control *control)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	struct config_host host;
	struct config *config;
	size_t count;
	int error = 0;

	if (complaints == NULL)
		return fail("check", -ENOMEM);
	config_host_ask(&host);
	config = config_load_checked(&control->paths, &host, complaints);
	count = complaint_count(complaints);
	if (control->output.is_json)
		error = print_check_json(control, config, complaints);
	else if (config == NULL) {
		complaint_list_show(complaints, &text);
		(void)fprintf(stderr, "%s%zu complaint%s\n", text.text != NULL ? text.text : "",
			count, PLURAL(count));
	} else
		(void)printf("%u service%s: no complaints\n", config->service_count,
			PLURAL(config->service_count));
	count += config == NULL;
	textbuf_fini(&text);
	(void)complaint_list_free(complaints);
	(void)config_free(config);
	if (error < 0)
		return fail("check", error);
	return count > 0 ? 1 : 0;
}

static int
verb_help(const struct control *control)
{
	(void)control;
	control_print_help();
	return 0;
}

/* What a verb does itself, or how it shows what the daemon answers. */
static const struct {
	int (*run)(const struct control *control);
	int (*show)(const struct control *control, const json_t *reply);
} verbs[CONTROL_VERB_COUNT] = {
#define VERB(word, ...) [CONTROL_VERB_##word] = { .show = show_##word },
#define METHOD(...)
#define LOCAL(word, ...) [CONTROL_VERB_##word] = { .run = verb_##word },
#include "model/control_verbs.def"
#undef VERB
#undef METHOD
#undef LOCAL
};

void
control_print_help(void)
{
	(void)printf("usage: reevectl [--config FILE] [--services FILE] [--run-dir DIR] [--json] "
		     "VERB ...\n\n");
	for (unsigned id = 0; id < CONTROL_VERB_COUNT; id++) {
		const struct control_verb *verb = control_verb_get((enum control_id)id);
		struct textbuf text = TEXTBUF_INIT(1024);

		if (!verb->is_word)
			continue;
		textbuf_add(&text, verb->word);
		arguments_usage(verb, &text);
		if (text.length > HELP_COLUMN)
			(void)printf("  %s\n  %-*s  %s\n", text.text, HELP_COLUMN, "", verb->help);
		else
			(void)printf("  %-*s  %s\n", HELP_COLUMN, text.text, verb->help);
		textbuf_fini(&text);
	}
}

void
control_complain(const char *format, ...)
{
	struct textbuf harmless = TEXTBUF_INIT(TEXT_MAX);
	auto_free char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&line, format, arguments) < 0)
		line = NULL;
	va_end(arguments);
	if (line != NULL)
		textbuf_add_escaped(&harmless, line, strlen(line));
	(void)fprintf(stderr, "reevectl: %s\n",
		harmless.text != NULL ? harmless.text : "out of memory");
	textbuf_fini(&harmless);
}

int
control_run(const struct control *control)
{
	enum control_id id = control->verb->id;

	if (verbs[id].run != NULL)
		return verbs[id].run(control);
	if (id == CONTROL_VERB_list && !client_is_allowed(control))
		return list_ports(control);
	return client_run(control, control->verb, json_incref(control->arguments), verbs[id].show);
}
