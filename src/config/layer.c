/* SPDX-License-Identifier: ISC */
/* Settings, and the layers that they come in. */
#include "config/reader.h"

#include "config/clashes.h"
#include "config/meaning.h"
#include "config/value.h"
#include "config/value_kinds.h"

#include <errno.h>
#include <string.h>

/* Paths are kept absolute: the daemon's working directory is not the file's folder. */
static int
complete_path(struct reader *reader, const struct setting *setting, void *object)
{
	const char *folder = setting->where.source->folder, *joined;
	char **path = key_text(setting->key, object);

	if (**path == '/')
		return 0;
	if (folder == NULL) {
		complain(reader->complaints, &setting->where, setting->label,
			"\"%s\" is relative; an absolute path is wanted here", *path);
		return -EINVAL;
	}
	joined = source_join(reader->arena, folder, *path);
	*path = joined != NULL ? arena_intern(reader->arena, joined, strlen(joined)) : NULL;
	return *path != NULL ? 0 : -ENOMEM;
}

static uint32_t
count_elements(const struct key *key, const void *object)
{
	char *const *list = value_get_list(key, object);
	uint32_t count = 0;

	while (list != NULL && list[count] != NULL)
		count++;
	return count;
}

/* What the list has grown by stands there. The room doubles, for lists come word by word. */
static void
note_elements(struct reader *reader, struct element_wheres *elements, uint32_t count,
	const struct where *where)
{
	if (count > elements->room) {
		uint32_t room = count * 2;
		struct where *list = arena_take(reader->arena, room * sizeof(*list));

		if (list == NULL)
			return;
		if (elements->count > 0)
			memcpy(list, elements->list, elements->count * sizeof(*list));
		elements->list = list;
		elements->room = room;
	}
	while (elements->count < count)
		elements->list[elements->count++] = *where;
}

struct target
layer_target(struct layer *layer)
{
	return (struct target){ &layer->keys, layer->where, layer->elements };
}

void
setting_apply(struct reader *reader, const struct setting *setting, const struct target *target)
{
	const struct key *key = setting->key;
	struct where *where = &target->wheres[key->place];
	struct textbuf problem = TEXTBUF_INIT(KEY_PROBLEM_MAX);

	if (where->source != NULL && !value_is_list(key->kind)) {
		complain(reader->complaints, &setting->where, setting->label, "is set twice");
		return;
	}
	if (key_read(key, target->object, setting->text, reader->arena, &problem) == -EINVAL) {
		complain(reader->complaints, &setting->where, setting->label, "%s",
			problem.text != NULL ? problem.text : "has a value that is not understood");
		/* What is checked afterwards finds a value that can be one. */
		if (key_is_service(key))
			key_copy(key, target->object, &reader->factory);
	} else if (key->kind == KEY_PATH && *key_text(key, target->object) != NULL)
		(void)complete_path(reader, setting,
			target->object); /* complains; the arena knows */
	*where = setting->where;
	if (reader->keeps_places && target->elements != NULL && value_is_list(key->kind))
		note_elements(reader, &target->elements[key->place],
			count_elements(key, target->object), where);
	textbuf_fini(&problem);
}

const char *
setting_nearest(const char *name, enum key_scope wanted, const char *also)
{
	const char *names[KEY_PLACES_DAEMON + KEY_PLACES_SERVICE + 2];
	size_t count, kept = 0;
	const struct key *keys = keys_all(&count);

	for (size_t i = 0; i < count; i++)
		if (key_is_daemon(&keys[i]) == (wanted == KEY_DAEMON))
			names[kept++] = keys[i].name;
	names[kept++] = also;
	names[kept] = NULL;
	return complaint_nearest(name, names);
}

void
setting_complain_unknown(struct reader *reader, const char *name, const char *label,
	const struct where *where, enum key_scope wanted)
{
	const struct key *elsewhere = keys_find(name);
	const char *nearest = setting_nearest(name, wanted, NULL);

	if (elsewhere != NULL && key_is_daemon(elsewhere))
		complain(reader->complaints, where, label,
			"is a key of the daemon; it belongs into the daemon block of reeve.conf");
	else if (elsewhere != NULL)
		complain(reader->complaints, where, label,
			"is a key of services; it belongs into defaults, a service block or a line "
			"of the table");
	else if (nearest != NULL)
		complain(reader->complaints, where, label,
			"there is no such key; did you mean \"%s\"?", nearest);
	else
		complain(reader->complaints, where, label, "there is no such key");
}

static bool
is_socket_file(const struct service_config *service)
{
	return service->endpoint_count > 0 && service->endpoints[0].path != NULL;
}

static bool
is_builtin(const struct service_config *service, const char *name)
{
	return service->builtin != NULL && strcmp(service->builtin, name) == 0;
}

bool
layer_fits(const struct key *key, const struct service_config *service)
{
	switch (key->reader) {
	case KEY_READER_ANY:
		return true;
	case KEY_READER_PROGRAM:
		return service->program != NULL;
	case KEY_READER_REPLIER:
		return service->builtin != NULL || config_speaks_datagrams(service);
	case KEY_READER_STREAMS:
		return config_speaks_streams(service);
	case KEY_READER_DATAGRAMS:
		return config_speaks_datagrams(service);
	case KEY_READER_SOCKET_FILE:
		return is_socket_file(service);
#define BUILTIN(name, speaks, gates, help) \
	case KEY_READER_##name:            \
		return is_builtin(service, #name);
#include "services/services.def"
#undef BUILTIN
	}
	return false;
}

static const struct layer *
choose_layer(const struct reader *reader, const struct key *key, const struct block *override,
	const struct layer *line, const struct block *block, const struct service_config *service)
{
	if (override != NULL && override->layer.where[key->place].source != NULL)
		return &override->layer;
	if (line->where[key->place].source != NULL)
		return line;
	if (block != NULL && block->layer.where[key->place].source != NULL)
		return &block->layer;
	if (reader->defaults.where[key->place].source != NULL && layer_fits(key, service))
		return &reader->defaults;
	return NULL;
}

/* A default that would clash on this service's line is not for it. */
static void
leave_clashes_out(const struct reader *reader, const struct service_config *service,
	const struct layer **layers, struct service_keys *merged)
{
	size_t count;
	const struct clash *clashes = clashes_all(&count);

	if (service->program == NULL || service->endpoint_count == 0)
		return;
	for (const struct clash *clash = clashes; clash < clashes + count; clash++)
		if (layers[clash->place] == &reader->defaults && clash->is_there(service, merged)) {
			key_copy(keys_find_service(clash->place), merged, &reader->factory);
			layers[clash->place] = NULL;
		}
}

/* Gather where the keys were set by the line, or elsewhere. Lists are compared as bytes, so there
 * is nothing but zeroes between their values. */
static uint32_t
gather_wheres(const struct layer *const *layers, const struct layer *line, bool is_own,
	struct key_where *ret_list)
{
	uint32_t count = 0;

	memset(ret_list, 0, KEY_PLACES_SERVICE * sizeof(*ret_list));
	for (uint32_t place = 0; place < KEY_PLACES_SERVICE; place++) {
		const struct layer *layer = layers[place];

		if (layer == NULL || (layer == line) != is_own)
			continue;
		ret_list[count].place = place;
		ret_list[count].where.source = layer->where[place].source;
		ret_list[count].where.line = layer->where[place].line;
		ret_list[count].where.column = layer->where[place].column;
		ret_list[count].where.length = layer->where[place].length;
		ret_list[count++].elements = layer->elements[place].list;
	}
	return count;
}

/* Keep where the keys were set. No two lines stand at the same place, but what many take from
 * elsewhere does. */
static void
keep_wheres(struct reader *reader, const struct layer *const *layers, const struct layer *line,
	struct service_wheres *ret_wheres)
{
	struct key_where list[KEY_PLACES_SERVICE];
	uint32_t count = gather_wheres(layers, line, true, list);
	struct key_where *own = count > 0 ? arena_take(reader->arena, count * sizeof(*list)) : NULL;

	if (own != NULL) {
		memcpy(own, list, count * sizeof(*list));
		ret_wheres->own = (struct key_wheres){ own, count };
	}
	count = gather_wheres(layers, line, false, list);
	if (count > 0)
		ret_wheres->common = (struct key_wheres){
			arena_intern_object(reader->arena, list, count * sizeof(*list)), count
		};
}

void
layer_merge(struct reader *reader, const struct layer *line, struct service_config *service,
	struct service_wheres *wheres)
{
	struct block *block =
		map_find(reader->blocks_by_name, service->name, strlen(service->name));
	const struct block *override = reader->overrides_by_name != NULL
		? map_find(reader->overrides_by_name, service->name, strlen(service->name))
		: NULL;
	const struct layer *layers[KEY_PLACES_SERVICE] = { NULL }; /* where each key comes from */
	struct service_keys merged;
	size_t count;
	const struct key *keys = keys_all(&count);

	if (block != NULL)
		block->is_used = true;
	memcpy(&merged, &reader->factory, sizeof(merged));
	for (const struct key *key = keys; key < keys + count; key++) {
		const struct layer *layer = NULL;

		if (key_is_service(key))
			layer = choose_layer(reader, key, override, line, block, service);
		if (layer == NULL)
			continue;
		key_copy(key, &merged, &layer->keys);
		layers[key->place] = layer;
	}
	leave_clashes_out(reader, service, layers, &merged);
	if (reader->keeps_places)
		keep_wheres(reader, layers, line, wheres);
	/* Most services set the same as many others. */
	service->keys = arena_intern_object(reader->arena, &merged, sizeof(merged));
}
