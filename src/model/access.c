/* SPDX-License-Identifier: ISC */
/* Who is admitted: asked of an image. */
#include "model/access.h"

#include "model/access_layout.h"
#include "model/prefixes.h"

#include <string.h>

static const void *
look(const struct access *access, uint32_t offset)
{
	return (const char *)access + offset;
}

static const struct access_set *
find_set(const struct access *access, uint32_t set)
{
	return (const struct access_set *)look(access, access->sets) + set;
}

bool
access_is_image(const void *bytes, size_t size, uint32_t generation, uint32_t service_count)
{
	const struct access *access = bytes;

	return size >= sizeof(*access) && access->magic == ACCESS_MAGIC && access->size == size &&
		access->generation == generation && access->service_count == service_count;
}

const struct prefixes *
access_find_file(const struct access *access, const char *path)
{
	const struct access_file *file = look(access, access->files);

	for (uint32_t i = 0; i < access->file_count; i++, file++)
		if (strcmp(look(access, file->path), path) == 0)
			return look(access, file->prefixes);
	return NULL;
}

uint32_t
access_set_of(const struct access *access, uint32_t service)
{
	return ((const uint32_t *)look(access, access->services))[service];
}

bool
access_asks_who(const struct access *access, uint32_t set)
{
	const struct access_set *rules = find_set(access, set);

	return rules->allow.unit_count > 0 || rules->deny.unit_count > 0;
}

bool
access_asks_way(const struct access *access, uint32_t set)
{
	const struct access_set *rules = find_set(access, set);

	return rules->allow.way_count > 0 || rules->deny.way_count > 0;
}

bool
access_asks_names(const struct access *access, uint32_t set)
{
	const struct access_set *rules = find_set(access, set);

	return rules->allow.domain_count > 0 || rules->deny.domain_count > 0;
}

bool
access_asks_when(const struct access *access, uint32_t set)
{
	return find_set(access, set)->has_hours != 0;
}

/* The rule of one side that is the most specific one around a peer. */
struct found {
	int length; /* how specific; -1: none */
	struct written place;
};

static struct found
find_prefix(const struct access *access, const struct access_side *side, const struct netaddr *peer)
{
	const struct access_table *table = look(access, side->tables);
	struct found found = { .length = -1 };

	for (uint32_t i = 0; i < side->table_count; i++, table++) {
		const struct prefixes *prefixes = look(access, table->prefixes);
		struct prefixes_match match = prefixes_find(prefixes, peer);
		const struct written *places = look(access, table->places);

		if (match.length <= found.length)
			continue;
		found.length = match.length;
		found.place = table->file != 0 ? (struct written){ table->file, match.number }
					       : places[match.number];
	}
	return found;
}

static bool
is_in_group(const struct access_peer *peer, uint32_t group)
{
	for (uint32_t i = 0; i < peer->group_count; i++)
		if (peer->groups[i] == group)
			return true;
	return false;
}

/* `if_unknown`: what is said of a peer of whom that is not known. */
static bool
fits(const struct access_unit *unit, const struct access_peer *peer, bool if_unknown)
{
	bool is_known = peer && peer->is_known;

	switch ((enum access_unit_kind)unit->kind) {
	case ACCESS_UNIT_ALL:
		return true;
	case ACCESS_UNIT_GROUP:
		if (is_known && is_in_group(peer, unit->id))
			return true;
		return (!is_known || peer->has_more_groups) && if_unknown;
	case ACCESS_UNIT_USER:
		return is_known ? peer->user == unit->id : if_unknown;
	}
	return if_unknown;
}

static struct found
find_unit(const struct access *access, const struct access_side *side,
	const struct access_peer *peer, bool if_unknown)
{
	const struct access_unit *unit = look(access, side->units);
	struct found found = { .length = -1 };

	for (uint32_t i = 0; i < side->unit_count; i++, unit++)
		if ((int)unit->kind > found.length && fits(unit, peer, if_unknown))
			found = (struct found){ .length = (int)unit->kind, .place = unit->place };
	return found;
}

static bool
is_within(const struct access_hours *span, uint16_t minute)
{
	if (span->from <= span->to)
		return minute >= span->from && minute <= span->to;
	return minute >= span->from || minute <= span->to;
}

static bool
is_open(const struct access *access, const struct access_set *set, uint16_t minute)
{
	const struct access_hours *hours = look(access, set->hours);

	if (set->has_hours == 0)
		return true;
	for (uint32_t i = 0; i < set->hours_count; i++)
		if (is_within(&hours[i], minute))
			return true;
	return false;
}

static void
set_place(const struct access *access, const struct written *place, struct access_place *ret_place)
{
	ret_place->file = place->file != 0 ? look(access, place->file) : NULL;
	ret_place->line = place->line;
}

/* Whoever came by nobody knows which came by none that only_from names, and by all that no_access
 * does. */
static const struct access_way *
find_way(const struct access *access, const struct access_side *side, uint32_t asked,
	bool if_unknown)
{
	const struct access_way *way = look(access, side->ways);

	if (asked == ACCESS_WAY_NONE)
		return NULL;
	for (uint32_t i = 0; i < side->way_count; i++, way++)
		if (asked == ACCESS_WAY_UNKNOWN ? if_unknown : way->interface == asked)
			return way;
	return NULL;
}

static bool
has_name_of(const struct client_names *names, const char *domain)
{
	for (uint32_t i = 0; i < names->count; i++)
		if (hostname_is_of(names->names[i], domain))
			return true;
	return false;
}

/* What is supposed of names that are not known. */
enum supposed { SUPPOSED_NONE, SUPPOSED_ALL };

/* The longest one of which the client has a name. */
static const struct access_domain *
find_domain(const struct access *access, const struct access_side *side,
	const struct access_client *client, enum supposed supposed)
{
	const struct access_domain *domain = look(access, side->domains);
	const struct access_domain *found = NULL;

	for (uint32_t i = 0; i < side->domain_count; i++, domain++) {
		bool fits = supposed == SUPPOSED_ALL;

		if (client->naming == ACCESS_NAMES_KNOWN)
			fits = has_name_of(client->names, look(access, domain->name));
		if (fits && (!found || domain->length > found->length))
			found = domain;
	}
	return found;
}

/* What one side says of a client. */
struct says {
	struct found found; /* by who it is */
	const struct access_way *way;
	const struct access_domain *domain;
	const struct written *unknown_host;
	bool is_host; /* `found` is that address alone */
};

static struct says
ask_side(const struct access *access, const struct access_side *side,
	const struct access_client *client, bool if_unknown, enum supposed supposed)
{
	struct says says = { .way = NULL };

	if (client->address->family == AF_UNIX) {
		says.found = find_unit(access, side, client->unix_peer, if_unknown);
		return says;
	}
	says.found = find_prefix(access, side, client->address);
	says.is_host = says.found.length == (client->address->family == AF_INET ? 32 : 128);
	if (side->way_count > 0)
		says.way = find_way(access, side, client->way, if_unknown);
	if (side->domain_count > 0)
		says.domain = find_domain(access, side, client, supposed);
	if (side->lacks_hosts != 0)
		says.unknown_host = &side->unknown_host;
	return says;
}

/* The rule of no_access that no rule of only_from outdoes; NULL: there is none. A host that nobody
 * knows may be any. */
static const struct written *
find_refusal(const struct says *allowed, const struct says *denied)
{
	bool is_all = denied->found.length == 0;

	if (denied->way)
		return &denied->way->place;
	if (denied->domain && !allowed->is_host &&
		(!allowed->domain || allowed->domain->length <= denied->domain->length))
		return &denied->domain->place;
	if (denied->unknown_host)
		return denied->unknown_host;
	if (denied->found.length < 0 || denied->found.length < allowed->found.length)
		return NULL;
	return is_all && (allowed->way || allowed->domain) ? NULL : &denied->found.place;
}

static enum verdict
judge(const struct access *access, const struct access_set *set, const struct access_client *client,
	enum supposed allowed_names, struct access_place *ret_place)
{
	enum supposed denied_names = allowed_names == SUPPOSED_ALL ? SUPPOSED_NONE : SUPPOSED_ALL;
	struct says allowed = ask_side(access, &set->allow, client, false, allowed_names);
	struct says denied = ask_side(access, &set->deny, client, true, denied_names);
	const struct written *refusal = find_refusal(&allowed, &denied);

	if (!refusal && set->allow.is_set != 0 && allowed.found.length < 0 && !allowed.way &&
		!allowed.domain)
		refusal = &set->allow.place;
	if (refusal) {
		set_place(access, refusal, ret_place);
		return VERDICT_refuse_access;
	}
	if (!is_open(access, set, client->minute)) {
		set_place(access, &set->hours_place, ret_place);
		return VERDICT_refuse_hours;
	}
	if (allowed.found.length >= 0)
		set_place(access, &allowed.found.place, ret_place);
	else if (allowed.way)
		set_place(access, &allowed.way->place, ret_place);
	else if (allowed.domain)
		set_place(access, &allowed.domain->place, ret_place);
	return VERDICT_ADMIT;
}

bool
access_must_ask(const struct access *access, uint32_t set_number,
	const struct access_client *client)
{
	const struct access_set *set = find_set(access, set_number);
	struct access_place place;

	if (client->naming == ACCESS_NAMES_KNOWN || client->address->family == AF_UNIX ||
		!access_asks_names(access, set_number))
		return false;
	return judge(access, set, client, SUPPOSED_ALL, &place) == VERDICT_ADMIT &&
		judge(access, set, client, SUPPOSED_NONE, &place) != VERDICT_ADMIT;
}

bool
access_asks_wrap(const struct access *access, uint32_t set, struct access_place *ret_place)
{
	const struct access_set *rules = find_set(access, set);

	if (rules->has_wrap == 0)
		return false;
	set_place(access, &rules->wrap_place, ret_place);
	return true;
}

enum verdict
access_judge(const struct access *access, uint32_t set, const struct access_client *client,
	struct access_place *ret_place)
{
	return judge(access, find_set(access, set), client, SUPPOSED_NONE, ret_place);
}
