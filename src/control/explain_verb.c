/* SPDX-License-Identifier: ISC */
/* reevectl explain: who is asked about, what came of it. */
#include "config/meaning.h"
#include "control/explain_asked.h"
#include "control/explain_daemon.h"
#include "control/output.h"
#include "model/ban.h"
#include "model/varlink.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EXIT_REFUSED 1
#define EXIT_ASKED_WRONGLY 2
#define TYPES 3

/* ---------------------------------------------------------------- what came of it */

static const char *
type_word(int type)
{
	if (type == SOCK_DGRAM)
		return "datagram";
	return type == SOCK_STREAM ? "stream" : "seqpacket";
}

static const char *
sentence_of(enum verdict verdict)
{
	static const char *const sentences[VERDICT_COUNT] = {
#define VERDICT(name, word, answer, told, sentence) [VERDICT_##name] = (sentence),
#include "base/verdicts.def"
#undef VERDICT
	};

	return sentences[verdict];
}

static json_t *
explanation_json(const struct explanation *explanation, const struct explain_question *question)
{
	char peer[NETADDR_TEXT_MAX];
	json_t *steps = json_array();

	for (size_t i = 0; steps != NULL && i < explanation->count; i++) {
		const struct explain_step *step = &explanation->steps[i];

		if (json_array_append_new(steps,
			    json_pack("{s:s, s:s, s:o, s:o, s:i}", "step", step->word, "says",
				    explain_says_word(step->says), "why",
				    varlink_text_or_null(step->why), "file",
				    varlink_text_or_null(step->file), "line", (int)step->line)) <
			0) {
			json_decref(steps);
			steps = NULL;
		}
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "service", question->service->name,
		"peer", netaddr_format(question->peer, peer), "by", type_word(question->type),
		"says", explain_says_word(explanation->says), "verdict",
		varlink_text_or_null(explanation->verdict != VERDICT_ADMIT
				? verdict_word(explanation->verdict)
				: NULL),
		"steps", steps);
}

static enum tone
tone_of(enum explain_says says)
{
	switch (says) {
	case EXPLAIN_NOTE:
		return TONE_FAINT;
	case EXPLAIN_PASSES:
		return TONE_GOOD;
	case EXPLAIN_WAITS:
	case EXPLAIN_DEPENDS:
		return TONE_WARN;
	case EXPLAIN_REFUSES:
		break;
	}
	return TONE_BAD;
}

static void
add_cell(const struct output *output, struct textbuf *text, enum tone tone, const char *word)
{
	struct textbuf cell = TEXTBUF_INIT(64);

	textbuf_addf(&cell, "%-9s", word);
	output_add_tone(output, text, tone, cell.text != NULL ? cell.text : word);
	textbuf_fini(&cell);
}

static void
add_outcome(const struct output *output, struct textbuf *text,
	const struct explanation *explanation)
{
	static const char *const words[] = {
		[EXPLAIN_NOTE] = "served",
		[EXPLAIN_PASSES] = "served",
		[EXPLAIN_WAITS] = "waits",
		[EXPLAIN_DEPENDS] = "depends",
		[EXPLAIN_REFUSES] = "refused",
	};
	const char *sentence = sentence_of(explanation->verdict);

	textbuf_add(text, "  ");
	output_add_tone(output, text, tone_of(explanation->says), words[explanation->says]);
	if (explanation->verdict != VERDICT_ADMIT)
		textbuf_addf(text, " (%s)", verdict_word(explanation->verdict));
	textbuf_addf(text, "%s%s\n", sentence != NULL ? ": " : "",
		sentence != NULL ? sentence : "");
}

static int
print_explanation(const struct output *output, const struct explanation *explanation,
	const struct explain_question *question)
{
	struct textbuf text = TEXTBUF_INIT(OUTPUT_TEXT_MAX);
	char peer[NETADDR_TEXT_MAX];

	output_add_harmless(output, &text, question->service->name);
	textbuf_addf(&text, ": %s, by a %s, at %02u:%02u\n", netaddr_format(question->peer, peer),
		type_word(question->type), question->minute / 60U, question->minute % 60U);
	for (size_t i = 0; i < explanation->count; i++) {
		const struct explain_step *step = &explanation->steps[i];

		textbuf_add(&text, "  ");
		add_cell(output, &text, TONE_PLAIN, step->word);
		add_cell(output, &text, tone_of(step->says), explain_says_word(step->says));
		output_add_harmless(output, &text, step->why);
		if (step->file != NULL) {
			textbuf_add(&text, " (");
			output_add_harmless(output, &text, step->file);
			textbuf_addf(&text, ":%u)", step->line);
		}
		textbuf_add(&text, "\n");
	}
	add_outcome(output, &text, explanation);
	return output_print(output, &text);
}

/* ---------------------------------------------------------------- all of it */

/* All explanations of one run. */
struct run {
	const struct control *control;
	const struct explain_asked *asked;
	const struct explain_rules *rules;
	json_t *list; /* NULL: for people */
	json_t *bans; /* NULL: not known */
	bool has_asked_names;
	enum access_naming naming;
	struct client_names names;
	size_t served;
	size_t count;
};

/* Names are looked up where rules ask for them, and once. */
static void
ask_names(struct run *run, const struct service_config *service)
{
	const struct access *access = run->rules->access;
	uint32_t set = ACCESS_NO_SET;

	if (access != NULL)
		set = access_set_of(access, (uint32_t)(service - run->rules->config.services));
	if (set == ACCESS_NO_SET || !access_asks_names(access, set) || run->has_asked_names ||
		run->asked->peer.family == AF_UNIX)
		return;
	run->has_asked_names = true;
	run->naming = explain_name_peer(&run->asked->peer, &run->names);
}

static int
explain_one(struct run *run, const struct service_config *service, int type)
{
	const struct explain_asked *asked = run->asked;
	/* The rules have those of one name alone. */
	uint32_t number = (uint32_t)(service - run->rules->config.services) + 1;
	struct explain_ban ban;
	bool is_banned = explain_find_ban(run->bans, service->name, &asked->peer,
		asked->has_user ? asked->unix_peer.user : BAN_NO_USER, &ban);
	const struct explain_question question = {
		.service = service,
		.type = type,
		.peer = &asked->peer,
		.unix_peer = asked->has_user ? &asked->unix_peer : NULL,
		.proxy = asked->has_proxy && type != SOCK_DGRAM ? &asked->proxy : NULL,
		.way = asked->peer.family == AF_UNIX ? ACCESS_WAY_NONE : asked->way,
		.minute = asked->minute,
		.naming = run->naming,
		.names = run->has_asked_names ? &run->names : NULL,
		.active = explain_ask_active(run->control, service->name, number),
		.are_bans_known = run->bans != NULL,
		.ban = is_banned ? &ban : NULL,
	};
	struct explanation explanation = { .count = 0 };
	int error = explain_peer(&explanation, run->rules, &question);

	run->count++;
	run->served += explanation.says != EXPLAIN_REFUSES;
	if (error == 0 && run->list == NULL)
		error = print_explanation(&run->control->output, &explanation, &question);
	else if (error == 0 &&
		json_array_append_new(run->list, explanation_json(&explanation, &question)) < 0)
		error = -ENOMEM;
	explanation_fini(&explanation);
	return error;
}

/* Several lines of the table may have that name, and a line several kinds of sockets. */
static int
explain_all(struct run *run)
{
	static const int types[TYPES] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	const struct config *config = &run->rules->config;
	int error = 0;

	for (uint32_t i = 0; i < config->service_count && error == 0; i++) {
		const struct service_config *service = &config->services[i];

		ask_names(run, service);
		for (size_t j = 0; j < TYPES && error == 0; j++)
			if (config_has_type(service, types[j]))
				error = explain_one(run, service, types[j]);
	}
	return error;
}

static int
complain_service(const struct config *config, const char *name)
{
	auto_free const char **names = calloc((size_t)config->service_count + 1, sizeof(*names));
	const char *nearest;

	for (uint32_t i = 0; names != NULL && i < config->service_count; i++)
		names[i] = config->services[i].name;
	nearest = names != NULL ? complaint_nearest(name, names) : NULL;
	control_complain("explain: there is no service \"%s\"%s%s%s", name,
		nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
		nearest != NULL ? "\"?" : " in these files; --config and --services name others");
	return EXIT_ASKED_WRONGLY;
}

static int
run_all(const struct control *control, const struct explain_asked *asked,
	const struct explain_rules *rules, const struct config *config)
{
	struct run run = { .control = control, .asked = asked, .rules = rules };
	int error;

	run.list = control->output.is_json ? json_array() : NULL;
	run.bans = rules->config.service_count > 0 ? explain_ask_bans(control) : NULL;
	error = explain_all(&run);
	json_decref(run.bans);
	if (run.count == 0) {
		json_decref(run.list);
		return complain_service(config, asked->name);
	}
	if (error == 0 && control->output.is_json)
		error = output_print_json(&control->output, json_incref(run.list));
	json_decref(run.list);
	if (error < 0) {
		control_complain("explain: %s", strerror(-error));
		return EXIT_ASKED_WRONGLY;
	}
	return run.served > 0 ? 0 : EXIT_REFUSED;
}

static int
complain_all(const struct complaint_list *complaints, int error)
{
	struct textbuf text = TEXTBUF_INIT(OUTPUT_TEXT_MAX);

	complaint_list_show(complaints, &text);
	(void)fputs(text.text != NULL ? text.text : "", stderr);
	textbuf_fini(&text);
	if (complaint_count(complaints) > 0)
		control_complain("explain: mend the mistakes first");
	else
		control_complain("explain: %s", strerror(-error));
	return EXIT_ASKED_WRONGLY;
}

int
verb_explain(const struct control *control)
{
	struct complaint_list *complaints = complaint_list_new();
	struct explain_asked asked = { .minute = 0 };
	struct explain_rules rules = { .access = NULL };
	struct config_host host;
	struct config *config = NULL;
	int error = complaints != NULL ? explain_read_asked(control, &asked) : -ENOMEM;
	int status = EXIT_ASKED_WRONGLY;

	if (error == 0) {
		config_host_ask(&host);
		config = config_load_checked(&control->paths, &host, complaints);
		error = config != NULL ? explain_rules_make(&rules, config, asked.name, complaints)
				       : -EINVAL;
		status = error == 0 ? run_all(control, &asked, &rules, config)
				    : complain_all(complaints, error);
	}
	explain_rules_fini(&rules);
	(void)complaint_list_free(complaints);
	(void)config_free(config);
	return status;
}
