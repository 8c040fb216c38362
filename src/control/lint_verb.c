/* SPDX-License-Identifier: ISC */
/* reevectl lint: read the configuration, look, print. */
#include "control/lint.h"
#include "control/output.h"
#include "model/varlink.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define EXIT_FOUND 1
#define EXIT_UNREAD 2

struct wishes {
	bool is_json;
	enum lint_severity least;
};

static int
fail(int error)
{
	control_complain("lint: %s", strerror(-error));
	return EXIT_UNREAD;
}

/* ---------------------------------------------------------------- findings */

static json_t *
finding_json(const struct lint_finding *finding)
{
	const struct lint_row *row = lint_row(finding->rule);
	const struct where *where = &finding->where;

	return json_pack("{s:s, s:s, s:o, s:o, s:i, s:i, s:o}", "rule", row->word, "severity",
		lint_severity_word(row->severity), "service",
		varlink_text_or_null(finding->service), "file",
		varlink_text_or_null(where->source != NULL ? where->source->name : NULL), "line",
		(int)where->line, "column", (int)where->column, "text",
		varlink_text_or_null(finding->text));
}

static int
print_json(const struct lint *lint, const struct wishes *wishes, const struct output *output)
{
	json_t *list = json_array();

	for (size_t i = 0; list != NULL && i < lint->count; i++) {
		const struct lint_finding *finding = &lint->findings[i];

		if (lint_row(finding->rule)->severity < wishes->least)
			continue;
		if (json_array_append_new(list, finding_json(finding)) < 0) {
			json_decref(list);
			list = NULL;
		}
	}
	return output_print_json(output,
		json_pack("{s:o, s:I}", "findings", list, "ignored", (json_int_t)lint->ignored));
}

static void
add_summary(struct textbuf *text, const struct lint *lint, size_t shown)
{
	textbuf_addf(text, "%zu finding%s", shown, PLURAL(shown));
	if (lint->ignored > 0)
		textbuf_addf(text, ", %zu ignored by lint_ignore", lint->ignored);
	textbuf_add(text, "\n");
}

/* As --check shows mistakes: each with its line. */
static int
print_text(const struct lint *lint, const struct wishes *wishes, const struct output *output)
{
	struct complaint_list *list = complaint_list_new();
	struct textbuf text = TEXTBUF_INIT(OUTPUT_TEXT_MAX);

	if (list == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < lint->count; i++) {
		const struct lint_finding *finding = &lint->findings[i];
		const struct lint_row *row = lint_row(finding->rule);
		char label[64];

		(void)snprintf(label, sizeof(label), "%s (%s)", row->word,
			lint_severity_word(row->severity));
		if (row->severity >= wishes->least)
			complain(list, &finding->where, label, "%s", finding->text);
	}
	complaint_list_show(list, &text);
	add_summary(&text, lint, complaint_count(list));
	(void)complaint_list_free(list);
	return output_print(output, &text);
}

static size_t
count_findings(const struct lint *lint, const struct wishes *wishes)
{
	size_t count = 0;

	for (size_t i = 0; i < lint->count; i++)
		count += lint_row(lint->findings[i].rule)->severity >= wishes->least;
	return count;
}

static int
look(const struct config *config, const struct wishes *wishes)
{
	struct output output;
	struct lint_host host;
	struct lint lint;
	size_t found;
	int error;

	lint_host_ask(&host);
	output_init(&output, stdout, wishes->is_json);
	error = lint_config(&lint, config, &host);
	if (error == 0)
		error = wishes->is_json ? print_json(&lint, wishes, &output)
					: print_text(&lint, wishes, &output);
	found = count_findings(&lint, wishes);
	lint_fini(&lint);
	if (error < 0)
		return fail(error);
	return found > 0 ? EXIT_FOUND : 0;
}

static int
read_and_look(const struct control *control, const struct wishes *wishes)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf text = TEXTBUF_INIT(OUTPUT_TEXT_MAX);
	struct config_host host;
	struct config *config;
	int status = EXIT_UNREAD;

	if (complaints == NULL)
		return fail(-ENOMEM);
	config_host_ask(&host);
	config = config_load_checked(&control->paths, &host, complaints);
	if (config != NULL) {
		status = look(config, wishes);
	} else {
		complaint_list_show(complaints, &text);
		(void)fprintf(stderr, "%sreevectl: lint: mend the mistakes first\n",
			text.text != NULL ? text.text : "");
	}
	textbuf_fini(&text);
	(void)complaint_list_free(complaints);
	(void)config_free(config);
	return status;
}

/* ---------------------------------------------------------------- rules */

static int
print_rules(const struct wishes *wishes)
{
	struct textbuf text = TEXTBUF_INIT(OUTPUT_TEXT_MAX);
	json_t *list = wishes->is_json ? json_array() : NULL;
	struct output output;

	output_init(&output, stdout, wishes->is_json);
	for (int i = 0; i < LINT_RULE_COUNT; i++) {
		const struct lint_row *row = lint_row((enum lint_rule)i);
		const char *severity = lint_severity_word(row->severity);

		if (wishes->is_json)
			(void)json_array_append_new(list,
				json_pack("{s:s, s:s, s:s}", "rule", row->word, "severity",
					severity, "sentence", row->sentence));
		else
			textbuf_addf(&text, "%s (%s)\n    %s\n", row->word, severity,
				row->sentence);
	}
	return (wishes->is_json ? output_print_json(&output, list) : output_print(&output, &text)) <
			0
		? EXIT_UNREAD
		: 0;
}

/* ---------------------------------------------------------------- the command line */

static int
read_level(const char *word, enum lint_severity *ret_level)
{
	const char *words[LINT_DANGER + 2] = { NULL };
	const char *nearest;

	for (int i = LINT_ADVICE; i <= LINT_DANGER; i++) {
		words[i] = lint_severity_word((enum lint_severity)i);
		if (strcmp(word, words[i]) == 0) {
			*ret_level = (enum lint_severity)i;
			return 0;
		}
	}
	nearest = complaint_nearest(word, words);
	control_complain("lint: \"%s\" is no level; %s%s", word,
		nearest != NULL ? "did you mean " : "wanted: advice, warning or danger",
		nearest != NULL ? nearest : "");
	return -EINVAL;
}

int
verb_lint(const struct control *control)
{
	struct wishes wishes = { .is_json = control->output.is_json, .least = LINT_ADVICE };
	const char *level = json_string_value(json_object_get(control->arguments, "level"));

	if (level != NULL && read_level(level, &wishes.least) < 0)
		return EXIT_UNREAD;
	if (json_is_true(json_object_get(control->arguments, "rules")))
		return print_rules(&wishes);
	return read_and_look(control, &wishes);
}
