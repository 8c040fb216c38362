/* SPDX-License-Identifier: ISC */
/* The steps that a peer goes through. */
#include "control/explain.h"

#include "config/key_place.h"
#include "config/keys.h"
#include "config/meaning.h"
#include "config/value.h"
#include "control/show.h"
#include "model/proxies.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WHY_MAX 4096
#define DURATION_MAX 64

/* What all steps have at hand. */
struct inquiry {
	const struct explain_rules *rules;
	const struct explain_question *question;
	const struct service_keys *keys;
	struct explanation *to;
};

const char *
explain_says_word(enum explain_says says)
{
	static const char *const words[] = {
		[EXPLAIN_NOTE] = "-",
		[EXPLAIN_PASSES] = "yes",
		[EXPLAIN_WAITS] = "waits",
		[EXPLAIN_DEPENDS] = "depends",
		[EXPLAIN_REFUSES] = "no",
	};

	return words[says];
}

/* ---------------------------------------------------------------- steps */

static void add_step(const struct inquiry *inquiry, const char *word, enum explain_says says,
	const struct where *where, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The gravest of what was said is said all in all. */
static void
add_step(const struct inquiry *inquiry, const char *word, enum explain_says says,
	const struct where *where, const char *format, ...)
{
	struct explanation *to = inquiry->to;
	struct explain_step step = { .word = word, .says = says };
	va_list arguments;

	if (to->count == EXPLAIN_STEPS_MAX)
		return;
	va_start(arguments, format);
	if (vasprintf(&step.why, format, arguments) < 0)
		step.why = NULL;
	va_end(arguments);
	if (where != NULL && where->source != NULL) {
		step.file = strdup(where->source->name);
		step.line = where->line;
	}
	if (step.why == NULL || (where != NULL && where->source != NULL && step.file == NULL))
		to->error = -ENOMEM;
	if (says > to->says)
		to->says = says;
	to->steps[to->count++] = step;
}

static void
refuse(const struct inquiry *inquiry, enum verdict verdict)
{
	inquiry->to->verdict = verdict;
}

/* Where the key was set, if it was. */
static const struct where *
key_place(const struct inquiry *inquiry, size_t place)
{
	const struct service_config *service = inquiry->question->service;

	return key_place_is_set(service, place) ? key_place_where(service, place) : NULL;
}

/* "instances=20", as it would stand on a line. */
static void
add_key(const struct inquiry *inquiry, size_t place, struct textbuf *text)
{
	const struct key *key = keys_find_service(place);

	textbuf_addf(text, "%s%s=", text->length > 0 ? ", " : "", key->name);
	(void)key_write(key, inquiry->keys, 0, text);
}

/* ---------------------------------------------------------------- what is asked, in order */

static bool
is_loopback(const struct netaddr *address)
{
	if (address->family == AF_INET)
		return ntohl(address->ip.v4.s_addr) >> 24 == 127;
	return address->family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address->ip.v6);
}

static const struct endpoint *
find_endpoint(const struct inquiry *inquiry)
{
	const struct explain_question *question = inquiry->question;
	const struct netaddr *comes = question->proxy != NULL ? question->proxy : question->peer;

	for (uint32_t i = 0; i < question->service->endpoint_count; i++) {
		const struct endpoint *endpoint = &question->service->endpoints[i];
		int family = protocol_family(endpoint->protocol);

		if (protocol_type(endpoint->protocol) == question->type &&
			family == (int)comes->family &&
			(family == AF_UNIX || !is_loopback(&endpoint->address) ||
				is_loopback(comes)))
			return endpoint;
	}
	return NULL;
}

static const struct endpoint *
ask_socket(const struct inquiry *inquiry)
{
	const struct explain_question *question = inquiry->question;
	const struct service_config *service = question->service;
	const struct endpoint *endpoint = find_endpoint(inquiry);
	char text[NETADDR_TEXT_MAX];

	if (endpoint == NULL)
		add_step(inquiry, "socket", EXPLAIN_REFUSES, &service->wheres->port,
			"%s has no socket that it could come to", service->name);
	else if (endpoint->path != NULL)
		add_step(inquiry, "socket", EXPLAIN_PASSES, &service->wheres->port, "%s, mode %04o",
			endpoint->path, (unsigned)inquiry->keys->mode);
	else
		add_step(inquiry, "socket", EXPLAIN_PASSES, &service->wheres->port, "%s/%s",
			netaddr_format(&endpoint->address, text),
			protocol_word(endpoint->protocol));
	return endpoint;
}

/* What holds for everybody alike; a stream's client may wait for it in the kernel's queue. */
static void
ask_places(const struct inquiry *inquiry)
{
	const struct explain_question *question = inquiry->question;
	const struct service_keys *keys = inquiry->keys;
	bool may_wait = keys->queue > 0 || keys->at_limit == CONFIG_AT_LIMIT_QUEUE;
	enum verdict wait = keys->queue > 0 ? VERDICT_wait_queue : VERDICT_wait_instances;
	enum explain_says says = EXPLAIN_PASSES;
	struct textbuf text = TEXTBUF_INIT(WHY_MAX);

	add_key(inquiry, KEY_PLACE_instances, &text);
	if (question->active >= 0)
		textbuf_addf(&text, " (%lld taken now)", (long long)question->active);
	if (question->active >= keys->instances) {
		says = may_wait ? EXPLAIN_WAITS : EXPLAIN_REFUSES;
		refuse(inquiry, may_wait ? wait : VERDICT_refuse_instances);
	}
	if (keys->queue != 0)
		add_key(inquiry, KEY_PLACE_queue, &text);
	if (keys->cps != 0)
		add_key(inquiry, KEY_PLACE_cps, &text);
	if (keys->max_load != 0)
		add_key(inquiry, KEY_PLACE_max_load, &text);
	if (keys->cps != 0 || keys->max_load != 0 || says != EXPLAIN_PASSES)
		add_key(inquiry, KEY_PLACE_at_limit, &text);
	add_step(inquiry, "places", says, key_place(inquiry, KEY_PLACE_instances), "%s",
		text.text != NULL ? text.text : "");
	textbuf_fini(&text);
}

static bool
ask_proxy(const struct inquiry *inquiry)
{
	const struct explain_question *question = inquiry->question;
	const struct netaddr *comes = question->proxy != NULL ? question->proxy : question->peer;
	const struct where *where = key_place(inquiry, KEY_PLACE_proxy_from);
	struct proxies *proxies;
	char text[NETADDR_TEXT_MAX];
	bool is_proxy;

	if (inquiry->keys->proxy_from == NULL || question->type == SOCK_DGRAM)
		return true;
	proxies = proxies_new(inquiry->keys->proxy_from);
	is_proxy = proxies_has(proxies, comes);
	(void)proxies_free(proxies);
	(void)netaddr_format_ip(comes, text);
	if (!is_proxy) {
		refuse(inquiry, VERDICT_refuse_proxy);
		add_step(inquiry, "proxy", EXPLAIN_REFUSES, where, "%s is no proxy of %s", text,
			question->service->name);
		return false;
	}
	if (question->proxy != NULL) {
		add_step(inquiry, "proxy", EXPLAIN_PASSES, where, "%s may speak for others", text);
		return true;
	}
	add_step(inquiry, "proxy", EXPLAIN_DEPENDS, where,
		"%s is a proxy: whom its header names is judged; ask for that one with --via %s",
		text, text);
	return false;
}

/* Whoever reaches a socket that is bound to all addresses has asked one of them. */
static struct netaddr
asked_address(const struct endpoint *endpoint)
{
	static const struct in6_addr loopback6 = IN6ADDR_LOOPBACK_INIT;
	struct netaddr asked = endpoint->address;

	if (asked.family == AF_INET && asked.ip.v4.s_addr == htonl(INADDR_ANY))
		asked.ip.v4.s_addr = htonl(INADDR_LOOPBACK);
	else if (asked.family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&asked.ip.v6))
		asked.ip.v6 = loopback6;
	return asked;
}

static struct policy_answer
ask_policy(const struct inquiry *inquiry, const struct endpoint *endpoint)
{
	const struct explain_question *question = inquiry->question;
	const struct explain_rules *rules = inquiry->rules;
	const struct netaddr local = asked_address(endpoint);
	size_t index = (size_t)(question->service - rules->config.services);
	struct policy_question asked = { .peer = question->peer,
		.unix_peer = question->unix_peer,
		.way = question->way,
		.naming = question->naming,
		.names = question->names,
		.minute = question->minute };

	if (question->type == SOCK_DGRAM) {
		asked.local = &local;
		asked.ports = &rules->ports;
	}
	if (rules->access != NULL) {
		asked.access_set = access_set_of(rules->access, (uint32_t)index);
		if (asked.access_set != ACCESS_NO_SET)
			asked.access = rules->access;
	}
	return policy_judge(&asked);
}

/* A step of policy's, and the rule that has decided in it. */
static void
add_policy_step(const struct inquiry *inquiry, const char *word,
	const struct policy_answer *refusal, const struct access_place *rule, const char *why)
{
	struct explanation *to = inquiry->to;
	struct explain_step *step;

	add_step(inquiry, word, refusal != NULL ? EXPLAIN_REFUSES : EXPLAIN_PASSES, NULL, "%s",
		why);
	if (refusal != NULL)
		refuse(inquiry, refusal->verdict);
	if (to->count == 0 || rule == NULL || rule->file == NULL)
		return;
	step = &to->steps[to->count - 1];
	step->file = strdup(rule->file);
	step->line = rule->line;
	if (step->file == NULL)
		to->error = -ENOMEM;
}

/* What was not said counts against the peer, as it does in a gate that cannot find out. */
static const char *
why_not_admitted(const struct inquiry *inquiry)
{
	const struct explain_question *question = inquiry->question;
	const struct access *access = inquiry->rules->access;
	size_t index = (size_t)(question->service - inquiry->rules->config.services);
	uint32_t set = access_set_of(access, (uint32_t)index);

	if (question->peer->family == AF_UNIX && question->unix_peer == NULL &&
		access_asks_who(access, set))
		return "only_from and no_access do not admit it as long as nobody says, by --user, "
		       "who it is";
	if (question->way == ACCESS_WAY_UNKNOWN && access_asks_way(access, set))
		return "only_from and no_access do not admit it as long as nobody says, by "
		       "--interface, which way it comes";
	if (question->naming == ACCESS_NAMES_UNKNOWN && access_asks_names(access, set))
		return "only_from and no_access do not admit it, since its names could not be "
		       "looked up";
	return "only_from and no_access do not admit it";
}

static void
tell_names(const struct inquiry *inquiry)
{
	const struct client_names *names = inquiry->question->names;
	struct textbuf text = TEXTBUF_INIT(WHY_MAX);

	if (inquiry->question->naming != ACCESS_NAMES_KNOWN || names == NULL)
		return;
	for (uint32_t i = 0; i < names->count; i++)
		textbuf_addf(&text, "%s%s", i > 0 ? ", " : "", names->names[i]);
	add_step(inquiry, "names", EXPLAIN_NOTE, NULL, "%s",
		text.text != NULL ? text.text : "it has none that leads back to its address");
	textbuf_fini(&text);
}

/* tcp_wrappers' files are read by its library, in a process of the daemon's. */
static void
ask_wrap(const struct inquiry *inquiry)
{
	const struct explain_rules *rules = inquiry->rules;
	size_t index = (size_t)(inquiry->question->service - rules->config.services);
	uint32_t set = ACCESS_NO_SET;
	struct access_place place;

	if (rules->access != NULL)
		set = access_set_of(rules->access, (uint32_t)index);
	if (set != ACCESS_NO_SET && access_asks_wrap(rules->access, set, &place))
		add_step(inquiry, "wrap", EXPLAIN_DEPENDS, NULL,
			"the files of tcp_wrappers decide, too: see tcpdmatch(8)");
}

/* Who it is, and when. What the rules say of a datagram comes after who sent it. */
static bool
judge_policy(const struct inquiry *inquiry, const struct endpoint *endpoint)
{
	const struct policy_answer answer = ask_policy(inquiry, endpoint);
	const struct service_keys *keys = inquiry->keys;
	bool has_rules = keys->only_from != NULL || keys->no_access != NULL;

	if (answer.verdict == VERDICT_refuse_group || answer.verdict == VERDICT_refuse_loop) {
		add_policy_step(inquiry, "sender", &answer, NULL,
			answer.verdict == VERDICT_refuse_loop
				? "its port is that of a service that would answer the answer"
				: "it is no single host, and neither is who would be answered");
		return false;
	}
	tell_names(inquiry);
	if (inquiry->question->type == SOCK_DGRAM)
		add_policy_step(inquiry, "sender", NULL, NULL, "a single host, and no service");
	if (answer.verdict == VERDICT_refuse_access) {
		add_policy_step(inquiry, "access", &answer, &answer.rule,
			why_not_admitted(inquiry));
		return false;
	}
	add_policy_step(inquiry, "access", NULL,
		answer.verdict == VERDICT_ADMIT ? &answer.rule : NULL,
		has_rules ? "only_from and no_access admit it" : "there are no rules");
	if (answer.verdict == VERDICT_refuse_hours) {
		add_policy_step(inquiry, "times", &answer, &answer.rule,
			"it is outside of access_times");
		return false;
	}
	if (keys->access_times != NULL)
		add_policy_step(inquiry, "times", NULL, NULL, "it is within access_times");
	ask_wrap(inquiry);
	return true;
}

static bool
ask_sensor(const struct inquiry *inquiry)
{
	struct textbuf text = TEXTBUF_INIT(WHY_MAX);

	if (inquiry->keys->sensor == 0)
		return true;
	add_key(inquiry, KEY_PLACE_ban_time, &text);
	refuse(inquiry, VERDICT_refuse_sensor);
	add_step(inquiry, "sensor", EXPLAIN_REFUSES, key_place(inquiry, KEY_PLACE_sensor),
		"it is banned from all services: %s", text.text != NULL ? text.text : "");
	textbuf_fini(&text);
	return false;
}

static bool
ask_bans(const struct inquiry *inquiry)
{
	const struct explain_ban *ban = inquiry->question->ban;
	char left[DURATION_MAX];

	if (!inquiry->question->are_bans_known)
		return true;
	if (ban == NULL) {
		add_step(inquiry, "ban", EXPLAIN_PASSES, NULL, "none holds for it");
		return true;
	}
	show_duration(ban->left_ms, left, sizeof(left));
	refuse(inquiry, VERDICT_refuse_ban);
	add_step(inquiry, "ban", EXPLAIN_REFUSES, NULL, "%s is banned from %s for %s more (%s)",
		ban->source, ban->is_of_all ? "all services" : "this service", left, ban->cause);
	return false;
}

/* How much of it one source may have: what it had lately only the daemon knows. */
static void
ask_source(const struct inquiry *inquiry)
{
	static const struct {
		size_t place;
		int type; /* 0: of any socket */
	} limits[] = {
		{ KEY_PLACE_per_source, SOCK_STREAM },
		{ KEY_PLACE_cps_per_source, SOCK_STREAM },
		{ KEY_PLACE_pps_per_source, SOCK_DGRAM },
	};
	const int64_t values[] = { inquiry->keys->per_source, inquiry->keys->cps_per_source,
		inquiry->keys->pps_per_source };
	bool is_datagram = inquiry->question->type == SOCK_DGRAM;
	struct textbuf text = TEXTBUF_INIT(WHY_MAX);

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		if (values[i] != 0 && (limits[i].type == SOCK_DGRAM) == is_datagram)
			add_key(inquiry, limits[i].place, &text);
	if (text.length > 0)
		add_step(inquiry, "source", EXPLAIN_NOTE, NULL, "as long as it keeps to %s",
			text.text);
	textbuf_fini(&text);
}

static void
ask_handler(const struct inquiry *inquiry)
{
	const struct service_config *service = inquiry->question->service;
	struct textbuf text = TEXTBUF_INIT(WHY_MAX);

	if (service->builtin != NULL) {
		add_step(inquiry, "answers", EXPLAIN_PASSES, &service->wheres->handler,
			"the built-in %s", service->builtin);
		return;
	}
	for (char *const *word = service->program; *word != NULL; word++)
		textbuf_addf(&text, "%s%s", text.length > 0 ? " " : "", *word);
	add_step(inquiry, "answers", EXPLAIN_PASSES, &service->wheres->handler, "%s, as %s",
		text.text != NULL ? text.text : "",
		inquiry->keys->user != NULL ? inquiry->keys->user : "the user of reeved");
	textbuf_fini(&text);
}

/* A program that has the socket itself sees to all of it. */
static void
ask_all(const struct inquiry *inquiry)
{
	const struct endpoint *endpoint = ask_socket(inquiry);

	if (endpoint == NULL)
		return;
	if (inquiry->keys->wait != 0) {
		add_step(inquiry, "wait", EXPLAIN_DEPENDS, key_place(inquiry, KEY_PLACE_wait),
			"the program has the socket and lets in whom it likes");
		ask_handler(inquiry);
		return;
	}
	/* Datagrams that we answer ourselves need no place. */
	if (inquiry->question->type != SOCK_DGRAM || inquiry->question->service->program != NULL)
		ask_places(inquiry);
	if (inquiry->to->says == EXPLAIN_REFUSES || !ask_proxy(inquiry) ||
		!judge_policy(inquiry, endpoint) || !ask_sensor(inquiry) || !ask_bans(inquiry))
		return;
	ask_source(inquiry);
	ask_handler(inquiry);
}

int
explain_peer(struct explanation *ret_explanation, const struct explain_rules *rules,
	const struct explain_question *question)
{
	const struct inquiry inquiry = { rules, question, question->service->keys,
		ret_explanation };

	*ret_explanation = (struct explanation){ .says = EXPLAIN_NOTE };
	ask_all(&inquiry);
	return ret_explanation->error;
}

void
explanation_fini(struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->count; i++) {
		free(explanation->steps[i].why);
		free(explanation->steps[i].file);
	}
	*explanation = (struct explanation){ .count = 0 };
}
