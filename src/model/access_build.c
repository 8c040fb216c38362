/* SPDX-License-Identifier: ISC */
/* From the rules of services to an image. */
#include "model/access_build.h"

#include "config/access_rule.h"
#include "config/key_place.h"
#include "config/keys.h"
#include "config/map.h"
#include "model/access_layout.h"

#include <errno.h>
#include <string.h>

/* What two services have in common when they share a set: the lists, and where they stand. */
struct shape {
	char *const *lists[3];
	const struct where *elements[3];
	const struct source *sources[4];
	uint64_t lines[4];
	const char *wrap;
};

/* The image grows, so that all is addressed by offset, and a pointer into it holds until the next
 * step only. */
struct build {
	const struct access_lookup *lookup;
	char *bytes;
	size_t length;
	size_t room;
	int error;
	struct map *texts; /* by text: the offset */
	struct map *files; /* by path: the offset of its prefixes */
	struct access_file *file_list;
	uint32_t file_count;
	struct map *sets; /* by shape: the number and one */
	uint32_t set_count;
};

static uint32_t
take(struct build *build, size_t size)
{
	size_t offset =
		(build->length + PREFIXES_ALIGNMENT - 1) / PREFIXES_ALIGNMENT * PREFIXES_ALIGNMENT;

	if (build->error == 0 && offset + size > ACCESS_SIZE_MAX)
		build->error = -EFBIG;
	if (build->error == 0 && offset + size > build->room) {
		size_t room = (offset + size) * 2;
		char *bytes = realloc(build->bytes, room);

		if (bytes == NULL) {
			build->error = -ENOMEM;
		} else {
			build->bytes = bytes;
			build->room = room;
		}
	}
	if (build->error < 0)
		return 0;
	memset(build->bytes + build->length, 0, offset + size - build->length);
	build->length = offset + size;
	return (uint32_t)offset;
}

static uint32_t
add_bytes(struct build *build, const void *bytes, size_t size)
{
	uint32_t offset = take(build, size);

	if (build->error == 0 && size > 0)
		memcpy(build->bytes + offset, bytes, size);
	return offset;
}

static void
note(struct build *build, struct map *map, const void *key, size_t length, uintptr_t value)
{
	if (build->error == 0 && map_add(map, key, length, (void *)value) < 0)
		build->error = -ENOMEM;
}

static uint32_t
add_text(struct build *build, const char *text)
{
	size_t length = strlen(text);
	uintptr_t offset = (uintptr_t)map_find(build->texts, text, length);

	if (offset == 0) {
		offset = add_bytes(build, text, length + 1);
		note(build, build->texts, text, length, offset);
	}
	return (uint32_t)offset;
}

static struct written
add_place(struct build *build, const struct where *where)
{
	struct written place = { .line = where->line };

	if (where->source != NULL)
		place.file = add_text(build, where->source->name);
	return place;
}

static void
note_file(struct build *build, uint32_t path, uint32_t prefixes)
{
	struct access_file *list =
		reallocarray(build->file_list, build->file_count + 1, sizeof(*list));

	if (list == NULL) {
		build->error = -ENOMEM;
		return;
	}
	list[build->file_count++] = (struct access_file){ .path = path, .prefixes = prefixes };
	build->file_list = list;
}

static struct access_table
add_file(struct build *build, const char *path)
{
	struct access_table table = { .file = add_text(build, path) };
	uintptr_t offset = (uintptr_t)map_find(build->files, path, strlen(path));
	const struct prefixes *prefixes;

	if (offset == 0) {
		prefixes = build->lookup->find_list(build->lookup->owner, path);
		if (prefixes == NULL) {
			build->error = -ENOENT;
			return table;
		}
		offset = add_bytes(build, prefixes, prefixes_size(prefixes));
		note(build, build->files, path, strlen(path), offset);
		note_file(build, table.file, (uint32_t)offset);
	}
	table.prefixes = (uint32_t)offset;
	return table;
}

/* One side while its rules are gathered; each has room for all of them. */
struct side {
	struct prefix *prefixes; /* numbered by place */
	size_t prefix_count;
	struct written *places;
	struct access_table *tables;
	struct access_unit *units;
	struct access_way *ways;
	struct access_domain *domains;
	size_t rule_count;
	bool is_deny;
	struct access_side image;
};

static void
add_unit(struct build *build, struct side *side, const struct access_rule *rule,
	const struct written *place)
{
	struct access_unit unit = { .kind = ACCESS_UNIT_ALL, .place = *place };

	if (rule->kind != ACCESS_RULE_ALL) {
		bool is_group = rule->kind == ACCESS_RULE_GROUP;
		int error = build->lookup->find_id(build->lookup->owner, rule->name, is_group,
			&unit.id);

		unit.kind = is_group ? ACCESS_UNIT_GROUP : ACCESS_UNIT_USER;
		if (error < 0 && build->error == 0)
			build->error = error;
	}
	side->units[side->image.unit_count++] = unit;
}

/* A host is its addresses. The list of prefixes has room for two a rule, and gets it for more. */
static void
add_host(struct build *build, struct side *side, const char *name, uint32_t number)
{
	const struct netaddr *addresses = NULL;
	int count = build->lookup->find_host(build->lookup->owner, name, side->is_deny, &addresses);
	struct prefix *room;

	if (count < 0) {
		side->image.lacks_hosts = 1;
		side->image.unknown_host = side->places[number];
		return;
	}
	room = reallocarray(side->prefixes,
		side->prefix_count + (size_t)count + 2 * (side->rule_count - number),
		sizeof(*room));
	if (room == NULL) {
		build->error = -ENOMEM;
		return;
	}
	side->prefixes = room;
	for (int i = 0; i < count; i++) {
		struct prefix *prefix = &side->prefixes[side->prefix_count++];

		*prefix = prefix_of_address(&addresses[i]);
		prefix->number = number;
	}
}

static void
add_rule(struct build *build, struct side *side, const char *kept, uint32_t number)
{
	struct access_rule rule = access_rule_of(kept);

	rule.prefix.number = number;
	switch (rule.kind) {
	case ACCESS_RULE_ALL:
		add_unit(build, side, &rule, &side->places[number]);
		side->prefixes[side->prefix_count++] =
			(struct prefix){ .number = number, .is_v4 = true };
		side->prefixes[side->prefix_count++] = (struct prefix){ .number = number };
		break;
	case ACCESS_RULE_PREFIX:
		side->prefixes[side->prefix_count++] = rule.prefix;
		break;
	case ACCESS_RULE_USER:
	case ACCESS_RULE_GROUP:
		add_unit(build, side, &rule, &side->places[number]);
		break;
	case ACCESS_RULE_HOST:
		add_host(build, side, rule.name, number);
		break;
	case ACCESS_RULE_DOMAIN:
		side->domains[side->image.domain_count++] = (struct access_domain){
			.name = add_text(build, rule.name),
			.length = (uint32_t)strlen(rule.name),
			.place = side->places[number],
		};
		break;
	case ACCESS_RULE_INTERFACE:
		side->ways[side->image.way_count++] = (struct access_way){
			.interface = build->lookup->find_interface(build->lookup->owner, rule.name),
			.place = side->places[number],
		};
		break;
	case ACCESS_RULE_FILE:
		side->tables[side->image.table_count++] = add_file(build, rule.name);
		break;
	}
}

/* The side's own prefixes become one more table. */
static void
add_own_table(struct build *build, struct side *side, uint32_t rule_count)
{
	auto_free struct prefixes *prefixes = NULL;
	struct access_table table = { .file = 0 };

	if (side->prefix_count == 0)
		return;
	prefixes = prefixes_new(side->prefixes, side->prefix_count);
	if (prefixes == NULL) {
		build->error = -ENOMEM;
		return;
	}
	table.prefixes = add_bytes(build, prefixes, prefixes_size(prefixes));
	table.places = add_bytes(build, side->places, rule_count * sizeof(*side->places));
	side->tables[side->image.table_count++] = table;
}

static void
fill_side(struct build *build, struct side *side, char *const *rules, const struct where *elements,
	const struct where *where)
{
	uint32_t count = 0;

	for (; rules[count] != NULL; count++) {
		side->places[count] = add_place(build, elements != NULL ? &elements[count] : where);
		add_rule(build, side, rules[count], count);
	}
	add_own_table(build, side, count);
	side->image.is_set = 1;
	side->image.place = add_place(build, where);
	side->image.tables =
		add_bytes(build, side->tables, side->image.table_count * sizeof(*side->tables));
	side->image.units =
		add_bytes(build, side->units, side->image.unit_count * sizeof(*side->units));
	side->image.domains =
		add_bytes(build, side->domains, side->image.domain_count * sizeof(*side->domains));
	side->image.ways =
		add_bytes(build, side->ways, side->image.way_count * sizeof(*side->ways));
}

static struct access_side
make_side(struct build *build, const struct shape *shape, const struct where *where, bool is_deny)
{
	char *const *rules = shape->lists[is_deny];
	const struct where *elements = shape->elements[is_deny];
	struct side side = { .is_deny = is_deny };
	size_t count = 1;

	if (rules == NULL)
		return side.image;
	while (rules[count - 1] != NULL)
		count++;
	side.prefixes = reallocarray(NULL, 2 * count, sizeof(*side.prefixes)); /* as it grows */
	side.places = calloc(count, sizeof(*side.places));
	side.tables = calloc(count, sizeof(*side.tables));
	side.units = calloc(count, sizeof(*side.units));
	side.ways = calloc(count, sizeof(*side.ways));
	side.domains = calloc(count, sizeof(*side.domains));
	side.rule_count = count;
	if (side.prefixes != NULL && side.places != NULL && side.tables != NULL &&
		side.units != NULL && side.ways != NULL && side.domains != NULL)
		fill_side(build, &side, rules, elements, where);
	else
		build->error = -ENOMEM;
	free(side.prefixes);
	free(side.places);
	free(side.tables);
	free(side.units);
	free(side.ways);
	free(side.domains);
	return side.image;
}

static void
add_hours(struct build *build, struct access_set *set, char *const *spans,
	const struct where *where)
{
	uint32_t count = 0;

	if (spans == NULL)
		return;
	while (spans[count] != NULL)
		count++;
	set->has_hours = 1;
	set->hours_count = count;
	set->hours_place = add_place(build, where);
	set->hours = take(build, count * sizeof(struct access_hours));
	for (uint32_t i = 0; build->error == 0 && i < count; i++) {
		struct access_hours span;

		access_hours_of(spans[i], &span.from, &span.to);
		memcpy(build->bytes + set->hours + i * sizeof(span), &span, sizeof(span));
	}
}

static const size_t places[] = { KEY_PLACE_only_from, KEY_PLACE_no_access, KEY_PLACE_access_times,
	KEY_PLACE_libwrap };

static struct access_set
make_set(struct build *build, const struct service_config *service, const struct shape *shape)
{
	struct access_set set = { .has_hours = 0 };
	const struct where *wheres[ARRAY_SIZE(places)];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		wheres[i] = key_place_where(service, places[i]);
	set.allow = make_side(build, shape, wheres[0], false);
	set.deny = make_side(build, shape, wheres[1], true);
	add_hours(build, &set, shape->lists[2], wheres[2]);
	set.has_wrap = shape->wrap != NULL;
	set.wrap_place = add_place(build, wheres[3]);
	return set;
}

/* A new set joins those that there are; there is room for one for each service. */
static uint32_t
set_number(struct build *build, const struct service_config *service, struct shape *shape,
	struct access_set *sets)
{
	uintptr_t known;

	*shape = (struct shape){
		.lists = { service->keys->only_from, service->keys->no_access,
			service->keys->access_times },
	};
	if (!access_rules_are_set(service))
		return ACCESS_NO_SET;
	shape->wrap = access_rules_wrap(service);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const struct key_where *where = key_place_find(service, places[i]);

		if (where == NULL)
			continue;
		if (i < ARRAY_SIZE(shape->elements))
			shape->elements[i] = where->elements;
		shape->sources[i] = where->where.source;
		shape->lines[i] = where->where.line;
	}
	known = (uintptr_t)map_find(build->sets, shape, sizeof(*shape));
	if (known == 0) {
		sets[build->set_count] = make_set(build, service, shape);
		known = ++build->set_count;
		note(build, build->sets, shape, sizeof(*shape), known);
	}
	return (uint32_t)(known - 1);
}

static void
build_all(struct build *build, const struct config *config, uint32_t generation)
{
	size_t count = config->service_count;
	auto_free struct shape *shapes = calloc(count + 1, sizeof(*shapes));
	auto_free struct access_set *sets = calloc(count + 1, sizeof(*sets));
	auto_free uint32_t *numbers = calloc(count + 1, sizeof(*numbers));
	struct access header = {
		.magic = ACCESS_MAGIC,
		.generation = generation,
		.service_count = config->service_count,
	};

	if (shapes == NULL || sets == NULL || numbers == NULL) {
		build->error = -ENOMEM;
		return;
	}
	(void)take(build, sizeof(header));
	for (size_t i = 0; i < count && build->error == 0; i++)
		numbers[i] = set_number(build, &config->services[i], &shapes[i], sets);
	header.set_count = build->set_count;
	header.services = add_bytes(build, numbers, count * sizeof(*numbers));
	header.sets = add_bytes(build, sets, build->set_count * sizeof(*sets));
	header.file_count = build->file_count;
	header.files =
		add_bytes(build, build->file_list, build->file_count * sizeof(*build->file_list));
	header.size = build->length;
	if (build->error == 0)
		memcpy(build->bytes, &header, sizeof(header));
}

static bool
is_needed(const struct config *config)
{
	for (uint32_t i = 0; i < config->service_count; i++)
		if (access_rules_are_set(&config->services[i]))
			return true;
	return false;
}

int
access_build(const struct config *config, uint32_t generation, const struct access_lookup *lookup,
	struct access **ret_access, size_t *ret_size)
{
	struct build build = { .lookup = lookup };

	*ret_access = NULL;
	*ret_size = 0;
	if (!is_needed(config))
		return 0;
	build.texts = map_new();
	build.files = map_new();
	build.sets = map_new();
	if (build.texts != NULL && build.files != NULL && build.sets != NULL)
		build_all(&build, config, generation);
	else
		build.error = -ENOMEM;
	(void)map_free(build.texts);
	(void)map_free(build.files);
	(void)map_free(build.sets);
	free(build.file_list);
	if (build.error < 0) {
		free(build.bytes);
		return build.error;
	}
	*ret_access = (struct access *)(void *)build.bytes;
	*ret_size = build.length;
	return 0;
}
