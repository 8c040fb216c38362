/* SPDX-License-Identifier: ISC */
/* What the readers share: made before the first file, finished after the last. */
#include "config/reader.h"

#include <string.h>

#define SUGGESTIONS_MAX 10

struct reader *
reader_new(struct complaint_list *complaints, bool keeps_places)
{
	struct reader *reader = calloc(1, sizeof(*reader));

	if (reader == NULL)
		return NULL;
	reader->complaints = complaints;
	reader->keeps_places = keeps_places;
	reader->blocks_end = &reader->blocks;
	reader->arena = arena_new();
	reader->source_arena = keeps_places ? reader->arena : arena_new();
	reader->blocks_by_name = map_new();
	reader->config = calloc(1, sizeof(*reader->config));
	if (reader->arena == NULL || reader->source_arena == NULL ||
		reader->blocks_by_name == NULL || reader->config == NULL) {
		free(reader->config);
		(void)map_free(reader->blocks_by_name);
		(void)map_free(reader->overrides_by_name);
		if (!keeps_places)
			(void)arena_free(reader->source_arena);
		(void)arena_free(reader->arena);
		free(reader);
		return NULL;
	}
	reader->config->arena = reader->arena;
	reader->config->daemon_where = arena_take(reader->arena,
		KEY_PLACES_DAEMON * sizeof(*reader->config->daemon_where));
	reader->config->daemon_elements = arena_take(reader->arena,
		KEY_PLACES_DAEMON * sizeof(*reader->config->daemon_elements));
	sources_init(&reader->sources, reader->source_arena, complaints);
	keys_set_daemon_defaults(&reader->config->daemon, reader->arena);
	keys_set_service_defaults(&reader->factory, reader->arena);
	return reader;
}

static const char *
nearest_service(const struct config *config, const char *name)
{
	auto_free const char **names = calloc(config->service_count + 1, sizeof(*names));

	for (uint32_t i = 0; names != NULL && i < config->service_count; i++)
		names[i] = config->services[i].name;
	return names != NULL ? complaint_nearest(name, names) : NULL;
}

/* Blocks whose service is nowhere. Names may be misspelt, but thousands hardly are. */
static void
complain_of_unused_blocks(const struct reader *reader)
{
	uint32_t suggestions = 0;

	for (const struct block *block = reader->blocks; block != NULL; block = block->next) {
		const char *nearest = NULL;

		if (block->is_used)
			continue;
		if (suggestions++ < SUGGESTIONS_MAX)
			nearest = nearest_service(reader->config, block->name);
		if (nearest != NULL)
			complain(reader->complaints, &block->where, block->name,
				"no service of the table has that name; did you mean \"%s\"?",
				nearest);
		else
			complain(reader->complaints, &block->where, block->name,
				"no service of the table has that name");
	}
}

/* Give back what was kept for more services. */
static void
trim_services(struct config *config)
{
	struct service_config *services = NULL;

	if (config->service_count > 0)
		services = reallocarray(config->services, config->service_count, sizeof(*services));
	if (services != NULL)
		config->services = services;
}

/* The texts are needed only by who quotes from them, and are as large as all the rest. */
static void
forget_places(struct reader *reader)
{
	sources_fini(&reader->sources);
	reader->sources.count = 0;
	reader->source_arena = arena_free(reader->source_arena);
	reader->config->daemon_where = NULL;
	reader->config->daemon_elements = NULL;
}

struct config *
reader_finish(struct reader *reader, int error)
{
	struct config *config = reader->config;

	if (error == 0 && !reader->has_unread_lines)
		complain_of_unused_blocks(reader);
	if (error == 0)
		error = arena_error(reader->arena);
	if (error == 0)
		error = arena_error(reader->source_arena);
	if (!reader->keeps_places)
		forget_places(reader);
	trim_services(config);
	config->sources = reader->sources.list;
	config->source_count = reader->sources.count;
	(void)map_free(reader->blocks_by_name);
	(void)map_free(reader->overrides_by_name);
	arena_stop_interning(reader->arena);
	free(reader);
	return error < 0 ? config_free(config) : config;
}
