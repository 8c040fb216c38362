/* SPDX-License-Identifier: ISC */
/* What taking a configuration does, in words: which sockets stay, open, close, and what is retuned,
 * with the reason for each. */
#include "supervisor/control_describe.h"

#include "config/keys.h"
#include "config/map.h"
#include "config/value.h"
#include "supervisor/listeners.h"

#include <string.h>

#define CHANGES_MAX 4096
#define VALUE_SHOWN_MAX 120

/* The services before, by their names. */
struct comparison {
	const struct supervisor *supervisor;
	const struct config *config;
	struct map *before;
	struct textbuf *changes; /* of each service: what is different; empty: nothing */
	bool *is_new;
};

static void
add_value(struct textbuf *out, const struct key *key, const struct service_keys *keys)
{
	struct textbuf value = TEXTBUF_INIT(CHANGES_MAX);
	size_t length;

	for (size_t i = 0;; i++) {
		size_t before = value.length;

		if (i > 0)
			textbuf_add(&value, ",");
		if (!key_write(key, keys, i, &value)) {
			if (value.text != NULL)
				value.text[value.length = before] = '\0';
			break;
		}
		/* Only lists have a second element. */
		if (key->kind != KEY_LIST && key->kind != KEY_NAMES && key->kind != KEY_RULES &&
			key->kind != KEY_HOURS)
			break;
	}
	length = value.length < VALUE_SHOWN_MAX ? value.length : VALUE_SHOWN_MAX;
	if (length == 0)
		textbuf_add(out, "none");
	else
		textbuf_add_escaped(out, value.text, length);
	textbuf_add(out, length < value.length ? "..." : "");
	textbuf_fini(&value);
}

static void
compare_keys(struct textbuf *out, const struct service_keys *before, const struct service_keys *now)
{
	size_t count;
	const struct key *keys = keys_all(&count);

	for (const struct key *key = keys; key < keys + count; key++) {
		if (!key_is_service(key) || key_is_equal(key, before, now))
			continue;
		textbuf_addf(out, "%s%s ", out->length > 0 ? "; " : "", key->name);
		add_value(out, key, before);
		textbuf_add(out, " -> ");
		add_value(out, key, now);
	}
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
is_same_program(char *const *a, char *const *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	while (*a != NULL && *b != NULL && strcmp(*a, *b) == 0) {
		a++;
		b++;
	}
	return *a == *b;
}

static void
compare_services(struct textbuf *out, const struct service_config *before,
	const struct service_config *now)
{
	if (!is_same_text(before->builtin, now->builtin) ||
		!is_same_program(before->program, now->program))
		textbuf_add(out, "another handler");
	if (before->keys != now->keys)
		compare_keys(out, before->keys, now->keys);
}

/* 0, or -1 without memory. */
static int
compare_all(struct comparison *comparison)
{
	const struct config *old = comparison->supervisor->services.config;
	const struct config *config = comparison->config;

	for (uint32_t i = 0; i < old->service_count; i++)
		if (map_add(comparison->before, old->services[i].name,
			    strlen(old->services[i].name), &old->services[i]) < 0)
			return -1;
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct service_config *now = &config->services[i];
		const struct service_config *before =
			map_find(comparison->before, now->name, strlen(now->name));

		comparison->changes[i] = TEXTBUF_INIT(CHANGES_MAX);
		comparison->is_new[i] = before == NULL;
		if (before != NULL)
			compare_services(&comparison->changes[i], before, now);
	}
	return 0;
}

/* --- steps */

static json_t *
step_of(const char *action, const char *service, json_t *endpoint, const char *reason)
{
	json_t *step = json_pack("{s:s, s:o, s:o}", "action", action, "service",
		control_string(service), "reason", control_string(reason));

	(void)json_object_update_new(step, endpoint);
	return step;
}

static json_t *
endpoint_wanted(const struct endpoint *endpoint)
{
	char room[NETADDR_TEXT_MAX];

	return json_pack("{s:s, s:o}", "protocol", protocol_word(endpoint->protocol), "address",
		control_string(endpoint->path != NULL ? endpoint->path
						      : netaddr_format(&endpoint->address, room)));
}

static json_t *
describe_kept(const struct comparison *comparison, const struct plan_step *step)
{
	const struct listener *listener =
		comparison->supervisor->listeners.slots[step->listener].listener;
	const char *name = comparison->config->services[step->service].name;
	const struct textbuf *changes = &comparison->changes[step->service];
	const char *reason = "nothing has changed";
	const char *action = "keep";

	if (changes->length > 0) {
		reason = changes->text;
		action = "retune";
	} else if (strcmp(listener->service, name) != 0) {
		reason = "the port is another service's now";
		action = "retune";
	}
	return step_of(action, name, control_endpoint(listener), reason);
}

static json_t *
describe_opened(const struct comparison *comparison, const struct plan_step *step)
{
	const struct service_config *service = &comparison->config->services[step->service];

	return step_of("open", service->name, endpoint_wanted(&service->endpoints[step->endpoint]),
		comparison->is_new[step->service] ? "the service is new"
						  : "the service has a further port");
}

static json_t *
describe_closed(const struct comparison *comparison, const struct plan_step *step)
{
	const struct listener *listener =
		comparison->supervisor->listeners.slots[step->listener].listener;
	const struct config *config = comparison->config;
	const char *reason = "the service is not in the configuration any more";

	for (uint32_t i = 0; i < config->service_count; i++)
		if (strcmp(config->services[i].name, listener->service) == 0)
			reason = "the service has this port no longer";
	return step_of("close", listener->service, control_endpoint(listener), reason);
}

static json_t *
describe_steps(const struct comparison *comparison, const struct plan *plan)
{
	json_t *steps = json_array();

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];
		json_t *described = NULL;

		switch (step->action) {
		case PLAN_KEEP:
			described = describe_kept(comparison, step);
			break;
		case PLAN_OPEN:
			described = describe_opened(comparison, step);
			break;
		case PLAN_CLOSE:
			described = describe_closed(comparison, step);
			break;
		}
		if (json_array_append_new(steps, described) < 0) {
			json_decref(steps);
			return NULL;
		}
	}
	return steps;
}

/* --- the daemon's own keys */

static void
compare_daemon(const struct comparison *comparison, json_t *settings, json_t *needs_restart)
{
	const struct config_daemon *before = &comparison->supervisor->services.config->daemon;
	const struct config_daemon *now = &comparison->config->daemon;
	size_t count;
	const struct key *keys = keys_all(&count);

	for (const struct key *key = keys; key < keys + count; key++)
		if (key_is_daemon(key) && !key_is_equal(key, before, now))
			(void)json_array_append_new(key->reload == KEY_LIVE ? settings
									    : needs_restart,
				json_string(key->name));
}

static json_t *
describe(const struct comparison *comparison)
{
	json_t *settings = json_array();
	json_t *needs_restart = json_array();
	json_t *steps = NULL;
	struct plan plan;

	if (listeners_plan(comparison->supervisor, comparison->config, &plan) == 0) {
		steps = describe_steps(comparison, &plan);
		plan_fini(&plan);
	}
	compare_daemon(comparison, settings, needs_restart);
	return json_pack("{s:o, s:o, s:o}", "steps", steps, "settings", settings, "needs_restart",
		needs_restart);
}

json_t *
control_describe_plan(const struct supervisor *supervisor, const struct config *config)
{
	struct comparison comparison = {
		.supervisor = supervisor,
		.config = config,
		.before = map_new(),
		.changes = calloc((size_t)config->service_count + 1, sizeof(struct textbuf)),
		.is_new = calloc((size_t)config->service_count + 1, sizeof(bool)),
	};
	json_t *described = NULL;

	if (comparison.before != NULL && comparison.changes != NULL && comparison.is_new != NULL &&
		compare_all(&comparison) == 0)
		described = describe(&comparison);
	for (uint32_t i = 0; comparison.changes != NULL && i < config->service_count; i++)
		textbuf_fini(&comparison.changes[i]);
	free(comparison.changes);
	free(comparison.is_new);
	(void)map_free(comparison.before);
	return described;
}
