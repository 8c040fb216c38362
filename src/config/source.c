/* SPDX-License-Identifier: ISC */
/* Files of a configuration, read whole. */
#include "config/source.h"

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define BAD_LINES_MAX 10

static const char byte_order_mark[] = "\xef\xbb\xbf";

/* The first byte of a line that is no text: a NUL, a control byte but tab, half a character. */
static size_t
find_bad_byte(const char *line, size_t length)
{
	size_t plain = 0, end;

	while (plain < length && line[plain] >= ' ' && line[plain] < 0x7f)
		plain++;
	if (plain == length)
		return length;
	end = utf8_check(line, length);

	if (end > 0 && end == length && line[end - 1] == '\r')
		end--;
	for (size_t i = plain; i < end; i++) {
		unsigned char byte = (unsigned char)line[i];

		if (byte < ' ' ? byte != '\t' : byte == 0x7f)
			return i;
	}
	return end < length && line[end] != '\r' ? end : length;
}

bool
source_is_bad_line(const struct source_file *file, const char *line, size_t length)
{
	return file->has_bad_lines &&
		(length > file->line_max || find_bad_byte(line, length) < length);
}

static void
complain_of_byte(const struct where *where, unsigned char byte, struct complaint_list *complaints)
{
	if (byte == '\0')
		complain(complaints, where, NULL, "a NUL byte; this is no text");
	else if (byte >= 0x80)
		complain(complaints, where, NULL,
			"the byte %02x is not UTF-8; save the file in that encoding",
			(unsigned int)byte);
	else
		complain(complaints, where, NULL, "the control byte %02x", (unsigned int)byte);
}

/* Complain about every line that is too long or no text, and remember that there are some. */
static void
find_bad_lines(struct source_file *file, struct complaint_list *complaints)
{
	const char *line = file->source.text, *end = line + file->source.length, *line_end;
	struct where where = { .source = &file->source, .line = 1, .length = 1 };
	uint32_t found = 0;

	for (; line < end && found < BAD_LINES_MAX; line = line_end + 1, where.line++) {
		size_t length, bad;

		line_end = memchr(line, '\n', (size_t)(end - line));
		if (line_end == NULL)
			line_end = end;
		length = (size_t)(line_end - line);
		bad = find_bad_byte(line, length);
		if (length <= file->line_max && bad == length)
			continue;
		found++;
		where.column =
			length > file->line_max ? (uint32_t)file->line_max + 1 : (uint32_t)bad + 1;
		if (length > file->line_max)
			complain(complaints, &where, NULL,
				"the line is %zu bytes long; %zu are the most that is read", length,
				file->line_max);
		else
			complain_of_byte(&where, (unsigned char)line[bad], complaints);
	}
	file->has_bad_lines = found > 0;
}

const char *
source_join(struct arena *arena, const char *folder, const char *path)
{
	char *joined;
	size_t size;

	if (*path == '/')
		return path;
	size = strlen(folder) + 1 + strlen(path) + 1;
	joined = arena_take(arena, size);
	if (joined != NULL)
		(void)snprintf(joined, size, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
	return joined;
}

const char *
source_folder(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t length = slash != NULL ? (size_t)(slash - path) : 0;
	char here[PATH_MAX];
	const char *folder;

	if (slash == path)
		return "/";
	folder = arena_copy(arena, path, length);
	if (folder == NULL || *folder == '/')
		return folder;
	if (getcwd(here, sizeof(here)) == NULL)
		return NULL;
	if (length == 0)
		return arena_copy(arena, here, strlen(here));
	return source_join(arena, arena_copy(arena, here, strlen(here)), folder);
}

static int
list_source(struct sources *sources, struct source *source)
{
	struct source **list;

	list = reallocarray(sources->list, sources->count + 1, sizeof(struct source *));
	if (list == NULL)
		return -ENOMEM;
	list[sources->count++] = source;
	sources->list = list;
	return 0;
}

static struct source_file *
add_file(struct sources *sources, const char *name, const char *text, size_t length,
	size_t line_max)
{
	struct source_file *file = arena_take(sources->arena, sizeof(*file));
	const char *own_name = arena_copy(sources->arena, name, strlen(name));

	if (file == NULL || own_name == NULL || text == NULL)
		return NULL;
	if (length >= strlen(byte_order_mark) &&
		memcmp(text, byte_order_mark, strlen(byte_order_mark)) == 0) {
		text += strlen(byte_order_mark);
		length -= strlen(byte_order_mark);
	}
	*file = (struct source_file){
		.source = { .name = own_name,
			.text = text,
			.length = length,
			.order = sources->next_order++ },
		.line_max = line_max,
	};
	if (list_source(sources, &file->source) < 0)
		return NULL;
	find_bad_lines(file, sources->complaints);
	return file;
}

void
sources_init(struct sources *sources, struct arena *arena, struct complaint_list *complaints)
{
	*sources = (struct sources){ .arena = arena, .complaints = complaints, .next_order = 1 };
}

void
sources_fini(struct sources *sources)
{
	free(sources->list);
	sources->list = NULL;
}

struct source_file *
source_copy(struct sources *sources, const char *name, const char *text, size_t length,
	size_t line_max)
{
	return add_file(sources, name, arena_copy(sources->arena, text, length), length, line_max);
}

/* Read `size` bytes, less if the file ends before. */
static int
read_whole(int file_fd, char *bytes, size_t size, size_t *ret_length)
{
	size_t length = 0;

	while (length < size) {
		ssize_t count = read(file_fd, bytes + length, size - length);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		length += (size_t)count;
	}
	*ret_length = length;
	return 0;
}

/* Open what has to be a regular file. Nothing else may be waited for: a fifo without a writer
 * would stop the whole daemon on a reload. */
static int
open_regular(const char *name, struct stat *ret_status, const char **ret_problem)
{
	auto_close int file_fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (file_fd < 0 || fstat(file_fd, ret_status) < 0)
		*ret_problem = strerror(errno);
	else if (S_ISDIR(ret_status->st_mode))
		*ret_problem = "it is a folder";
	else if (!S_ISREG(ret_status->st_mode))
		*ret_problem = "it is no regular file";
	else if (ret_status->st_size > (off_t)SOURCE_BYTES_MAX)
		*ret_problem = "it is larger than 64 MiB";
	else
		return util_take_fd(&file_fd);
	return -EINVAL;
}

static void
complain_unread(struct sources *sources, const char *name, const struct where *at,
	const char *problem)
{
	const struct source unread = { .name = name, .order = sources->next_order++ };
	const struct where whole = { .source = &unread };

	if (at != NULL)
		complain(sources->complaints, at, NULL, "cannot read \"%s\": %s", name, problem);
	else
		complain(sources->complaints, &whole, NULL, "cannot be read: %s", problem);
}

struct source_file *
source_read(struct sources *sources, const char *name, size_t line_max, const struct where *at)
{
	const char *problem = NULL;
	struct source_file *file;
	struct stat status;
	size_t length = 0;
	char *bytes;
	auto_close int file_fd = open_regular(name, &status, &problem);

	if (file_fd < 0) {
		complain_unread(sources, name, at, problem);
		return NULL;
	}
	bytes = arena_take(sources->arena, (size_t)status.st_size + 1);
	if (bytes == NULL)
		return NULL;
	if (read_whole(file_fd, bytes, (size_t)status.st_size, &length) < 0) {
		complain_unread(sources, name, at, strerror(errno));
		return NULL;
	}
	file = add_file(sources, name, bytes, length, line_max);
	if (file == NULL)
		return NULL;
	file->source.folder = source_folder(sources->arena, name);
	file->device = status.st_dev;
	file->inode = status.st_ino;
	return file;
}
