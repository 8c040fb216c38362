/* SPDX-License-Identifier: ISC */
/* reevectl explain: who is asked about, what came of it. */
#include "base/shared_places.h"
#include "config/access_rule.h"
#include "control/daemon.h"
#include "control/explain.h"
#include "control/output.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define EXIT_REFUSED 1
#define EXIT_ASKED_WRONGLY 2
#define SOME_PORT 49152 /* a client's, when nobody says which */
#define TYPES 3

/* What the command line asks. */
struct asked {
	const char *name;
	struct netaddr peer;
	struct netaddr proxy;
	bool has_proxy;
	bool has_user;
	struct access_peer unix_peer;
	uint32_t way;
	uint16_t minute;
};

/* ---------------------------------------------------------------- the command line */

static const char *
argument(const struct control *control, const char *name)
{
	return json_string_value(json_object_get(control->arguments, name));
}

static bool
read_port(const char *text, uint16_t *ret_port)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || port > UINT16_MAX || *text < '0' || *text > '9')
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

/* 192.0.2.1, 192.0.2.1:1234, ::1, [::1]:1234, or unix. */
static bool
read_address(const char *text, struct netaddr *ret_address)
{
	auto_free char *ip = strdup(text);
	const char *port = NULL;
	char *end;

	if (ip == NULL)
		return false;
	if (strcmp(text, "unix") == 0) {
		*ret_address = (struct netaddr){ .family = AF_UNIX };
		return true;
	}
	if (*ip == '[') {
		end = strchr(ip, ']');
		if (end == NULL || (end[1] != ':' && end[1] != '\0'))
			return false;
		port = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
	} else if ((end = strchr(ip, ':')) != NULL && strchr(end + 1, ':') == NULL) {
		port = end + 1;
		*end = '\0';
	}
	if (netaddr_parse_ip(ret_address, *ip == '[' ? ip + 1 : ip) < 0)
		return false;
	ret_address->port = SOME_PORT;
	return port == NULL || read_port(port, &ret_address->port);
}

static int
take_address(const char *name, const char *text, struct netaddr *ret_address)
{
	if (read_address(text, ret_address))
		return 0;
	control_complain("explain: %s: \"%s\" is no address; wanted: 192.0.2.1, 192.0.2.1:1234, "
			 "2001:db8::1, [2001:db8::1]:1234, or unix",
		name, text);
	return -EINVAL;
}

/* HH:MM, read as access_times reads it. */
static int
read_time(const char *text, uint16_t *ret_minute)
{
	struct textbuf kept = TEXTBUF_INIT(64), problem = TEXTBUF_INIT(256);
	auto_free char *span = NULL;
	uint16_t end;
	int error = asprintf(&span, "%s-%s", text, text) < 0 ? -ENOMEM : 0;

	if (error == 0 && strchr(text, '-') == NULL)
		error = access_hours_normalise(span, strlen(span), &kept, &problem);
	if (error == 0 && kept.text != NULL)
		access_hours_of(kept.text, ret_minute, &end);
	else
		error = -EINVAL;
	textbuf_fini(&problem);
	textbuf_fini(&kept);
	return error;
}

static int
take_time(const char *text, uint16_t *ret_minute)
{
	time_t now = time(NULL);
	struct tm local = { .tm_hour = 0 };

	if (text == NULL) {
		(void)localtime_r(&now, &local);
		*ret_minute = (uint16_t)(local.tm_hour * 60 + local.tm_min);
		return 0;
	}
	if (read_time(text, ret_minute) == 0)
		return 0;
	control_complain("explain: at: \"%s\" is no time of the day; wanted: 00:00 to 23:59", text);
	return -EINVAL;
}

/* A user's groups as they are when it logs in. */
static int
take_user(const char *name, struct access_peer *ret_peer)
{
	gid_t groups[ACCESS_GROUPS_MAX];
	int count = ACCESS_GROUPS_MAX;
	char *end;
	unsigned long number = strtoul(name, &end, 10);
	bool is_number = *end == '\0' && end != name && number < UINT32_MAX;
	const struct passwd *entry = is_number ? getpwuid((uid_t)number) : getpwnam(name);

	if (entry == NULL && !is_number) {
		control_complain("explain: user: there is no user \"%s\"", name);
		return -ENOENT;
	}
	*ret_peer = (struct access_peer){ .is_known = true };
	ret_peer->user = entry != NULL ? entry->pw_uid : (uint32_t)number;
	if (entry == NULL)
		return 0;
	ret_peer->has_more_groups = getgrouplist(entry->pw_name, entry->pw_gid, groups, &count) < 0;
	if (ret_peer->has_more_groups)
		count = ACCESS_GROUPS_MAX;
	for (int i = 0; i < count; i++)
		ret_peer->groups[i] = groups[i];
	ret_peer->group_count = (uint32_t)count;
	return 0;
}

/* By which interface it comes; where nobody says, rules that name one are judged as by the gate
 * that cannot find out. */
static int
take_interface(const char *name, uint32_t *ret_way)
{
	*ret_way = ACCESS_WAY_UNKNOWN;
	if (name == NULL)
		return 0;
	*ret_way = if_nametoindex(name);
	if (*ret_way != 0)
		return 0;
	control_complain("explain: interface: this host has no \"%s\"", name);
	return -ENODEV;
}

static int
read_asked(const struct control *control, struct asked *ret_asked)
{
	const char *via = argument(control, "via"), *user = argument(control, "user");
	int error = take_address("ADDRESS", argument(control, "address"), &ret_asked->peer);

	ret_asked->name = argument(control, "service");
	if (error == 0)
		error = take_time(argument(control, "at"), &ret_asked->minute);
	if (error == 0)
		error = take_interface(argument(control, "interface"), &ret_asked->way);
	if (error == 0 && via != NULL) {
		ret_asked->has_proxy = true;
		error = take_address("via", via, &ret_asked->proxy);
	}
	if (error == 0 && user != NULL && ret_asked->peer.family != AF_UNIX) {
		control_complain("explain: user: only a peer on a unix socket is known by its "
				 "user; "
				 "wanted: explain SERVICE unix --user USER");
		return -EINVAL;
	}
	if (error == 0 && user != NULL) {
		ret_asked->has_user = true;
		error = take_user(user, &ret_asked->unix_peer);
	}
	return error;
}

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
text_or_null(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *
explanation_json(const struct explanation *explanation, const struct explain_question *question)
{
	char peer[NETADDR_TEXT_MAX];
	json_t *steps = json_array();

	for (size_t i = 0; steps != NULL && i < explanation->count; i++) {
		const struct explain_step *step = &explanation->steps[i];

		if (json_array_append_new(steps,
			    json_pack("{s:s, s:s, s:s, s:o, s:i}", "step", step->word, "says",
				    explain_says_word(step->says), "why", step->why, "file",
				    text_or_null(step->file), "line", (int)step->line)) < 0) {
			json_decref(steps);
			steps = NULL;
		}
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "service", question->service->name,
		"peer", netaddr_format(question->peer, peer), "by", type_word(question->type),
		"says", explain_says_word(explanation->says), "verdict",
		text_or_null(explanation->verdict != VERDICT_ADMIT
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
	const struct asked *asked;
	const struct explain_rules *rules;
	json_t *list; /* NULL: for people */
	size_t served;
	size_t count;
};

/* Connections that the service has now; -1: no daemon tells. */
static int64_t
ask_active(const struct control *control, const char *name)
{
	const struct shared *view = NULL;
	struct daemon_state state;
	int64_t active = -1;

	if (daemon_read_state(control->run_dir, &state) < 0)
		return -1;
	if (daemon_view_counters(control->run_dir, &view) == 0)
		for (size_t i = 0; i < state.port_count; i++)
			if (strcmp(state.ports[i].service, name) == 0)
				active = shared_active(view, state.ports[i].row);
	(void)shared_view_free(view);
	daemon_state_fini(&state);
	return active;
}

static int
explain_one(struct run *run, const struct service_config *service, int type)
{
	const struct asked *asked = run->asked;
	const struct explain_question question = {
		.service = service,
		.type = type,
		.peer = &asked->peer,
		.unix_peer = asked->has_user ? &asked->unix_peer : NULL,
		.proxy = asked->has_proxy && type != SOCK_DGRAM ? &asked->proxy : NULL,
		.way = asked->peer.family == AF_UNIX ? ACCESS_WAY_NONE : asked->way,
		.minute = asked->minute,
		.active = ask_active(run->control, service->name),
	};
	struct explanation explanation;
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

static bool
has_type(const struct service_config *service, int type)
{
	for (uint32_t i = 0; i < service->endpoint_count; i++)
		if (protocol_type(service->endpoints[i].protocol) == type)
			return true;
	return false;
}

/* Several lines of the table may have that name, and a line several kinds of sockets. */
static int
explain_all(struct run *run)
{
	static const int types[TYPES] = { SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM };
	const struct config *config = run->rules->config;
	int error = 0;

	for (uint32_t i = 0; i < config->service_count && error == 0; i++) {
		const struct service_config *service = &config->services[i];

		if (strcmp(service->name, run->asked->name) != 0)
			continue;
		for (size_t j = 0; j < TYPES && error == 0; j++)
			if (has_type(service, types[j]))
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
		nearest != NULL ? "\"?" : "");
	return EXIT_ASKED_WRONGLY;
}

static int
run_all(const struct control *control, const struct asked *asked, const struct explain_rules *rules)
{
	struct run run = { .control = control, .asked = asked, .rules = rules };
	int error;

	run.list = control->output.is_json ? json_array() : NULL;
	error = explain_all(&run);
	if (run.count == 0) {
		json_decref(run.list);
		return complain_service(rules->config, asked->name);
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
	struct asked asked = { .minute = 0 };
	struct explain_rules rules = { .access = NULL };
	struct config_host host;
	struct config *config = NULL;
	int error = complaints != NULL ? read_asked(control, &asked) : -ENOMEM;
	int status = EXIT_ASKED_WRONGLY;

	if (error == 0) {
		config_host_ask(&host);
		config = config_load_checked(&control->paths, &host, complaints);
		error = config != NULL ? explain_rules_make(&rules, config, complaints) : -EINVAL;
		status = error == 0 ? run_all(control, &asked, &rules)
				    : complain_all(complaints, error);
	}
	explain_rules_fini(&rules);
	(void)complaint_list_free(complaints);
	(void)config_free(config);
	return status;
}
