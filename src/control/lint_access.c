/* SPDX-License-Identifier: ISC */
/* Access rules that do not do what they look like. */
#include "control/lint_room.h"

#include "config/access_rule.h"
#include "config/meaning.h"

#include <string.h>
#include <sys/socket.h>

#define RULES_MAX 128 /* of a service that are compared with each other; long lists are files */

struct ruling {
	struct prefix prefix;
	const char *text; /* as it is kept: "10.0.0.0/8", or "ALL" */
	bool is_deny;
	uint32_t index; /* in its list */
};

struct rulings {
	struct ruling list[2 * RULES_MAX];
	uint32_t count;
	bool is_restricted; /* there is an only_from */
	bool has_others;    /* files and names, of which not everything is known */
};

/* The first address of a prefix. */
static struct prefix
start_of(const struct prefix *prefix)
{
	struct prefix point = *prefix;

	point.length = prefix->is_v4 ? 32 : 128;
	return point;
}

/* The first one behind it; false: there is none. */
static bool
behind(const struct prefix *prefix, struct prefix *ret_point)
{
	uint64_t step;

	*ret_point = start_of(prefix);
	if (prefix->length == 0)
		return false;
	if (prefix->length > 64) {
		step = UINT64_C(1) << (128 - prefix->length);
		ret_point->low += step;
		if (ret_point->low >= step)
			return true;
		ret_point->high++;
		return ret_point->high != 0;
	}
	step = UINT64_C(1) << (64 - prefix->length);
	ret_point->high += step;
	return ret_point->high >= step;
}

static void
add_ruling(struct rulings *rulings, const struct prefix *prefix, const char *text, bool is_deny,
	uint32_t index)
{
	rulings->list[rulings->count++] = (struct ruling){
		.prefix = *prefix, .text = text, .is_deny = is_deny, .index = index
	};
}

static void
gather(struct rulings *rulings, char *const *words, bool is_deny)
{
	static const struct prefix everything4 = { .is_v4 = true },
				   everything6 = { .is_v4 = false };

	for (uint32_t i = 0; words != NULL && words[i] != NULL; i++) {
		struct access_rule rule = access_rule_of(words[i]);

		if (rulings->count + 2 > ARRAY_SIZE(rulings->list)) {
			rulings->has_others = true;
			return;
		}
		if (rule.kind == ACCESS_RULE_PREFIX) {
			add_ruling(rulings, &rule.prefix, words[i], is_deny, i);
		} else if (rule.kind == ACCESS_RULE_ALL) {
			add_ruling(rulings, &everything4, words[i], is_deny, i);
			add_ruling(rulings, &everything6, words[i], is_deny, i);
		} else if (rule.kind != ACCESS_RULE_USER && rule.kind != ACCESS_RULE_GROUP)
			rulings->has_others = true;
	}
}

/* The ruling that decides on an address, without those of `left_out`'s word. NULL: none does. */
static const struct ruling *
decider(const struct rulings *rulings, const struct ruling *left_out, const struct prefix *point)
{
	const struct ruling *found = NULL;

	for (uint32_t i = 0; i < rulings->count; i++) {
		const struct ruling *ruling = &rulings->list[i];

		if (!prefix_contains(&ruling->prefix, point) ||
			(left_out != NULL && ruling->is_deny == left_out->is_deny &&
				ruling->index == left_out->index))
			continue;
		if (found == NULL || ruling->prefix.length > found->prefix.length ||
			(ruling->prefix.length == found->prefix.length && ruling->is_deny &&
				!found->is_deny))
			found = ruling;
	}
	return found;
}

static bool
admits(const struct rulings *rulings, const struct ruling *by)
{
	return by != NULL ? !by->is_deny : !rulings->is_restricted;
}

/* Would that address be judged otherwise without the rule? Who decides then. */
static bool
matters_at(const struct rulings *rulings, const struct ruling *ruling, const struct prefix *point,
	const struct ruling **ret_other)
{
	const struct ruling *with = decider(rulings, NULL, point);
	const struct ruling *without = decider(rulings, ruling, point);

	if (*ret_other == NULL)
		*ret_other = without;
	return admits(rulings, with) != admits(rulings, without);
}

/* Between its beginning and the ends of those inside of it, everybody is judged alike. */
static bool
matters(const struct rulings *rulings, const struct ruling *ruling, const struct ruling **ret_other)
{
	struct prefix point = start_of(&ruling->prefix);

	if (matters_at(rulings, ruling, &point, ret_other))
		return true;
	for (uint32_t i = 0; i < rulings->count; i++) {
		const struct prefix *inner = &rulings->list[i].prefix;

		point = start_of(inner);
		if (prefix_contains(&ruling->prefix, &point) &&
			matters_at(rulings, ruling, &point, ret_other))
			return true;
		if (behind(inner, &point) && prefix_contains(&ruling->prefix, &point) &&
			matters_at(rulings, ruling, &point, ret_other))
			return true;
	}
	return false;
}

/* Of two that say the same the first one stays. */
static bool
is_kept_for_its_twin(const struct rulings *rulings, const struct ruling *ruling)
{
	for (uint32_t i = 0; i < rulings->count; i++) {
		const struct ruling *other = &rulings->list[i];

		if (other->is_deny == ruling->is_deny && other->index != ruling->index &&
			strcmp(other->text, ruling->text) == 0)
			return ruling->index < other->index;
	}
	return false;
}

static void
tell_idle(struct lint *lint, const struct service_config *service, const struct ruling *ruling,
	const struct ruling *other)
{
	size_t place = ruling->is_deny ? KEY_PLACE_no_access : KEY_PLACE_only_from;
	const struct where *where = key_place_element(service, place, ruling->index);

	if (other == NULL)
		lint_add(lint, LINT_idle_rule, service, where,
			"%s %s makes no difference: only_from admits nobody there",
			keys_find_service(place)->name, ruling->text);
	else
		lint_add(lint, LINT_idle_rule, service, where,
			"%s %s makes no difference: %s %s decides there, too",
			keys_find_service(place)->name, ruling->text,
			other->is_deny ? "no_access" : "only_from", other->text);
}

/* A word may be two rulings, ALL is; the only one of its list keeps the list from being empty. */
static void
judge_rulings(struct lint *lint, const struct service_config *service,
	const struct rulings *rulings)
{
	for (uint32_t i = 0; i < rulings->count; i++) {
		const struct ruling *ruling = &rulings->list[i], *other = NULL;
		bool is_pair = i + 1 < rulings->count &&
			rulings->list[i + 1].index == ruling->index &&
			rulings->list[i + 1].is_deny == ruling->is_deny;
		bool does_matter = matters(rulings, ruling, &other);

		if (is_pair)
			does_matter |= matters(rulings, &rulings->list[++i], &other);
		/* no_access=ALL beside an only_from says aloud what goes without saying. */
		if (!does_matter && !(is_pair && ruling->is_deny) &&
			!is_kept_for_its_twin(rulings, ruling))
			tell_idle(lint, service, ruling, other);
	}
}

/* ---------------------------------------------------------------- only_from as a whole */

static bool
admits_everybody_of(const struct rulings *rulings, bool is_v4, bool *ret_admits_some)
{
	bool has_all = false;

	*ret_admits_some = rulings->has_others;
	for (uint32_t i = 0; i < rulings->count; i++) {
		const struct ruling *ruling = &rulings->list[i];

		if (ruling->is_deny || ruling->prefix.is_v4 != is_v4)
			continue;
		*ret_admits_some = true;
		has_all |= ruling->prefix.length == 0;
	}
	return has_all;
}

static bool
has_family(const struct service_config *service, int family)
{
	for (uint32_t i = 0; i < service->endpoint_count; i++)
		if (protocol_family(service->endpoints[i].protocol) == family)
			return true;
	return false;
}

/* Does a service have its rules from `defaults`? Then those that have their own may need to. */
static bool
has_inherited_rules(const struct config *config)
{
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct service_config *service = &config->services[i];
		const struct where *where = key_place_where(service, KEY_PLACE_only_from);

		if (service->keys->only_from != NULL &&
			(where->source != service->wheres->name.source ||
				where->line != service->wheres->name.line))
			return true;
	}
	return false;
}

static void
judge_whole(struct lint *lint, const struct service_config *service, const struct rulings *rulings)
{
	const struct where *where = key_place_where(service, KEY_PLACE_only_from);
	bool some4, some6;
	bool all4 = admits_everybody_of(rulings, true, &some4);
	bool all6 = admits_everybody_of(rulings, false, &some6);

	if (all4 && all6 && service->keys->wait == 0 && !has_inherited_rules(lint->config))
		lint_add(lint, LINT_only_from_all, service, where,
			"\"%s\" would admit everybody without it, too", service->name);
	if (has_family(service, AF_INET) && has_family(service, AF_INET6) &&
		((all4 && !some6) || (all6 && !some4)))
		lint_add(lint, LINT_half_open, service, where,
			"\"%s\" admits everybody by %s and nobody by %s", service->name,
			all4 ? "IPv4" : "IPv6", all4 ? "IPv6" : "IPv4");
}

static bool
is_empty(char *const *list)
{
	return list != NULL && list[0] == NULL;
}

static void
judge_nobody(struct lint *lint, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	size_t place = KEY_PLACE_only_from;

	if (keys->sensor != 0)
		return;
	if (is_empty(keys->access_times))
		place = KEY_PLACE_access_times;
	else if (!is_empty(keys->only_from) && lint_reach_of(service, 0) == LINT_REACH_NOBODY &&
		service->endpoint_count > 0)
		place = KEY_PLACE_no_access;
	else if (!is_empty(keys->only_from))
		return;
	lint_add(lint, LINT_nobody_admitted, service, key_place_where(service, place),
		"nobody ever gets into \"%s\"", service->name);
}

void
lint_access(struct lint *lint, const struct service_config *service)
{
	struct rulings rulings = { .is_restricted = service->keys->only_from != NULL };

	judge_nobody(lint, service);
	gather(&rulings, service->keys->only_from, false);
	gather(&rulings, service->keys->no_access, true);
	if (rulings.count == 0)
		return;
	if (rulings.is_restricted)
		judge_whole(lint, service, &rulings);
	/* Next to rules of which not everything is known, any may be of use. */
	if (!rulings.has_others && rulings.count <= RULES_MAX)
		judge_rulings(lint, service, &rulings);
}

/* ---------------------------------------------------------------- sensors */

static bool
has_port(const struct service_config *service, uint16_t port)
{
	for (uint32_t i = 0; i < service->endpoint_count; i++)
		if (port != 0 && service->endpoints[i].address.port == port &&
			protocol_family(service->endpoints[i].protocol) != AF_UNIX)
			return true;
	return false;
}

static void
judge_sensor(struct lint *lint, const struct service_config *sensor)
{
	for (uint32_t i = 0; i < lint->config->service_count; i++) {
		const struct service_config *service = &lint->config->services[i];

		if (service->keys->sensor != 0)
			continue;
		for (uint32_t j = 0; j < sensor->endpoint_count; j++) {
			uint16_t port = sensor->endpoints[j].address.port;

			if (!has_port(service, port))
				continue;
			lint_add(lint, LINT_sensor_port, sensor, &sensor->wheres->port,
				"port %u of the sensor \"%s\" is that of \"%s\", too", port,
				sensor->name, service->name);
			return;
		}
	}
}

void
lint_access_all(struct lint *lint)
{
	for (uint32_t i = 0; i < lint->config->service_count; i++)
		if (lint->config->services[i].keys->sensor != 0)
			judge_sensor(lint, &lint->config->services[i]);
}
