/* SPDX-License-Identifier: ISC */
/* Which files a configuration is read from: reeve.conf, and the tables that the caller names, or
 * reeve.conf does, or that stand beside it. */
#include "config/conf.h"
#include "config/override.h"
#include "config/reader.h"
#include "config/table.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/stat.h>

static int
find_port(const char *service, const char *transport)
{
	struct servent entry, *found = NULL;
	char room[4096];

	if (getservbyname_r(service, transport, &entry, room, sizeof(room), &found) != 0 ||
		found == NULL)
		return -1;
	return ntohs((uint16_t)found->s_port);
}

static bool
exists(const char *path)
{
	struct stat status;

	/* What cannot be looked at is there: reading it says why it cannot be read. */
	return stat(path, &status) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

static int
read_table(struct reader *reader, const char *path, const struct where *at)
{
	const struct source_file *file =
		source_read(&reader->sources, path, SOURCE_TABLE_LINE_MAX, at);

	if (file != NULL)
		return table_read(reader, file);
	reader->has_unread_lines = true;
	return arena_error(reader->arena);
}

/* Editors' and packagers' leftovers begin with a dot or end in a tilde. */
static int
counts(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[length - 1] != '~';
}

static int
compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool
is_regular(const char *path)
{
	struct stat status;

	/* What cannot be looked at is left to the reader, which says why. */
	return stat(path, &status) < 0 || S_ISREG(status.st_mode);
}

/* A folder of tables, in the order of their names' bytes. */
static int
read_folder(struct reader *reader, const char *path, const struct where *at)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, counts, compare_names);
	int error = count < 0 && errno == ENOMEM ? -ENOMEM : 0;

	if (count < 0) {
		complain(reader->complaints, at, NULL, "cannot read the folder \"%s\": %s", path,
			strerror(errno));
		reader->has_unread_lines = true;
	}
	for (int i = 0; i < count; i++) {
		const char *name = source_join(reader->arena, path, entries[i]->d_name);

		if (error == 0 && name == NULL)
			error = -ENOMEM;
		if (error == 0 && is_regular(name))
			error = read_table(reader, name, NULL);
		free(entries[i]);
	}
	free(entries);
	return error;
}

/* The tables that reeve.conf names or holds, else those beside it. */
static int
read_own_tables(struct reader *reader, const char *conf)
{
	const struct config *config = reader->config;
	const struct config_daemon *daemon = &config->daemon;
	const char *folder = source_folder(reader->arena, conf);
	const char *beside = NULL, *beside_dir = NULL;
	int error = 0;

	if (folder != NULL) {
		beside = source_join(reader->arena, folder, "services");
		beside_dir = source_join(reader->arena, folder, "services.d");
	}
	if (reader->table_text != NULL)
		error = table_read(reader, reader->table_text);
	if (error == 0 && daemon->services != NULL)
		error = read_table(reader, daemon->services,
			&config->daemon_where[KEY_PLACE_services]);
	else if (error == 0 && reader->table_text == NULL && beside != NULL && exists(beside))
		error = read_table(reader, beside, NULL);
	if (error == 0 && daemon->services_dir != NULL)
		error = read_folder(reader, daemon->services_dir,
			&config->daemon_where[KEY_PLACE_services_dir]);
	else if (error == 0 && reader->table_text == NULL && beside_dir != NULL &&
		exists(beside_dir))
		error = read_folder(reader, beside_dir, NULL);
	return error;
}

struct config *
config_load(const struct config_paths *paths, struct complaint_list *complaints)
{
	struct reader *reader = reader_new(complaints, true);
	const struct source_file *conf = NULL;
	int error = 0;

	if (reader == NULL)
		return NULL;
	reader->find_port = find_port;
	error = overrides_read(reader, paths->overrides, paths->override_count);
	if (error == 0 && paths->conf != NULL && (paths->is_conf_required || exists(paths->conf))) {
		conf = source_read(&reader->sources, paths->conf, SOURCE_CONF_LINE_MAX, NULL);
		error = conf != NULL ? conf_read(reader, conf) : arena_error(reader->arena);
	}
	if (error == 0 && paths->tables == NULL && paths->conf != NULL)
		error = read_own_tables(reader, paths->conf);
	for (size_t i = 0; error == 0 && paths->tables != NULL && paths->tables[i] != NULL; i++)
		error = read_table(reader, paths->tables[i], NULL);
	return reader_finish(reader, error);
}
