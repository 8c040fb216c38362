/* SPDX-License-Identifier: ISC */
/* Settings by hand: each is a text of its own, so that a mistake has a place to be shown at. */
#include "config/override.h"

#include <errno.h>
#include <string.h>

#define SOURCE_NAME "reevectl set"

/* As a block of the service, but for which layer it is. */
static struct layer *
layer_of(struct reader *reader, const char *service)
{
	struct block *block = map_find(reader->overrides_by_name, service, strlen(service));

	if (block != NULL)
		return &block->layer;
	block = arena_take(reader->arena, sizeof(*block));
	if (block == NULL)
		return NULL;
	memset(block, 0, sizeof(*block));
	block->name = arena_copy(reader->arena, service, strlen(service));
	if (block->name == NULL ||
		map_add(reader->overrides_by_name, block->name, strlen(service), block) < 0)
		return NULL;
	return &block->layer;
}

static int
read_override(struct reader *reader, const struct config_override *override)
{
	size_t length = strlen(override->text);
	size_t name_length = strcspn(override->text, "=");
	const struct source_file *file = source_copy(&reader->sources, SOURCE_NAME, override->text,
		length, SOURCE_TABLE_LINE_MAX);
	char *name = arena_copy(reader->arena, override->text, name_length);
	struct layer *layer = layer_of(reader, override->service);
	struct where where = { .line = 1, .column = 1, .length = (uint32_t)name_length };
	const struct key *key;
	struct target target;

	if (file == NULL || name == NULL || layer == NULL)
		return -ENOMEM;
	where.source = &file->source;
	key = keys_find(name);
	if (file->has_bad_lines)
		return 0; /* that has been complained about */
	if (override->text[name_length] != '=' || strchr(override->text, '\n') != NULL)
		complain(reader->complaints, &where, NULL, "KEY=VALUE on one line is wanted");
	else if (key == NULL || key_is_daemon(key))
		setting_complain_unknown(reader, name, name, &where, KEY_SERVICE);
	else {
		where.length = (uint32_t)length;
		target = layer_target(layer);
		setting_apply(reader,
			&(struct setting){ .key = key,
				.text = override->text + name_length + 1,
				.label = key->name,
				.where = where },
			&target);
	}
	return 0;
}

int
overrides_read(struct reader *reader, const struct config_override *overrides, uint32_t count)
{
	int error = 0;

	if (count == 0)
		return 0;
	reader->overrides_by_name = map_new();
	if (reader->overrides_by_name == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count && error == 0; i++)
		error = read_override(reader, &overrides[i]);
	return error;
}
