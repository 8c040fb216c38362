/* SPDX-License-Identifier: ISC */
/* A configuration out of one text, and the end of every configuration. */
#include "config/config.h"

#include "config/conf.h"
#include "config/reader.h"
#include "config/table.h"

#include <errno.h>

struct config *
config_free(struct config *config)
{
	if (config == NULL)
		return NULL;
	(void)arena_free(config->arena);
	free(config->services);
	free(config->sources);
	free(config);
	return NULL;
}

static struct config *
read_text(struct reader *reader, const char *name, const char *text, size_t length)
{
	struct source_file *file;
	int error = -ENOMEM;

	if (reader == NULL)
		return NULL;
	file = source_copy(&reader->sources, name, text, length, SOURCE_CONF_LINE_MAX);
	if (file != NULL)
		error = conf_read(reader, file);
	if (error == 0 && reader->table_text != NULL)
		error = table_read(reader, reader->table_text);
	return reader_finish(reader, error);
}

struct config *
config_load_text(const char *name, const char *text, size_t length,
	struct complaint_list *complaints)
{
	return read_text(reader_new(complaints, true), name, text, length);
}

struct config *
config_load_bare(const char *name, const char *text, size_t length,
	struct complaint_list *complaints)
{
	return read_text(reader_new(complaints, false), name, text, length);
}
