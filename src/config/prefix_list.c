/* SPDX-License-Identifier: ISC */
/* Files of prefixes, a million lines in a fraction of a second. */
#include "config/prefix_list.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define COMPLAINTS_MAX 10 /* of one file */

struct reading {
	struct prefix_list *list;
	struct source source;
	struct complaint_list *complaints;
	const char *key;
	size_t room;
	unsigned mistakes;
};

static int
read_whole(int list_fd, struct source *source, char **ret_text, struct stat *status)
{
	auto_free char *text = NULL;
	size_t length = 0;
	ssize_t got = 1;

	if (fstat(list_fd, status) < 0)
		return -errno;
	if (!S_ISREG(status->st_mode))
		return -EISDIR;
	if (status->st_size > PREFIX_LIST_BYTES_MAX)
		return -EFBIG;
	text = malloc((size_t)status->st_size + 1);
	if (text == NULL)
		return -ENOMEM;
	while (got > 0 && length < (size_t)status->st_size) {
		got = read(list_fd, text + length, (size_t)status->st_size - length);
		if (got < 0)
			return -errno;
		length += (size_t)got;
	}
	text[length] = '\0';
	source->text = text;
	source->length = length;
	*ret_text = text;
	text = NULL;
	return 0;
}

static void
complain_of_line(struct reading *reading, uint32_t number, const char *line, const char *word,
	size_t length, const char *what)
{
	const struct where where = {
		.source = &reading->source,
		.line = number,
		.column = (uint32_t)(word - line) + 1,
		.length = (uint32_t)length,
	};

	if (++reading->mistakes > COMPLAINTS_MAX)
		return;
	complain(reading->complaints, &where, reading->key, "\"%.*s\" %s",
		(int)(length < 60 ? length : 60), word, what);
	if (reading->mistakes == COMPLAINTS_MAX)
		complain(reading->complaints, &where, reading->key,
			"further mistakes of this file are not shown");
}

static int
add_prefix(struct reading *reading, const struct prefix *prefix, uint32_t number)
{
	struct prefix_list *list = reading->list;

	if (list->count == PREFIX_LIST_MAX)
		return -E2BIG;
	if (list->count == reading->room) {
		size_t room = reading->room > 0 ? reading->room * 2 : 64;
		struct prefix *prefixes = reallocarray(list->prefixes, room, sizeof(*prefixes));

		if (prefixes == NULL)
			return -ENOMEM;
		list->prefixes = prefixes;
		reading->room = room;
	}
	list->prefixes[list->count] = *prefix;
	list->prefixes[list->count++].number = number;
	return 0;
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r';
}

static int
read_line(struct reading *reading, const char *line, size_t length, uint32_t number)
{
	const char *word = line, *end = line + length;
	struct prefix prefix;
	const char *what;

	while (word < end && is_blank(*word))
		word++;
	length = 0;
	while (word + length < end && word[length] != '#' && word[length] != ';')
		length++;
	while (length > 0 && is_blank(word[length - 1]))
		length--;
	if (length == 0)
		return 0;
	what = prefix_parse(&prefix, word, length, PREFIX_EXACT);
	if (what == NULL)
		return add_prefix(reading, &prefix, number);
	complain_of_line(reading, number, line, word, length, what);
	return 0;
}

static int
read_lines(struct reading *reading)
{
	const char *line = reading->source.text, *end = line + reading->source.length;
	int error = 0;

	for (uint32_t number = 1; line < end && error == 0; number++) {
		const char *feed = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((feed != NULL ? feed : end) - line);

		error = number > PREFIX_LIST_LINES_MAX ? -E2BIG
						       : read_line(reading, line, length, number);
		line += length + 1;
	}
	return error;
}

static const char *
explain(int error)
{
	if (error == -EISDIR)
		return "it is no regular file";
	if (error == -E2BIG)
		return "it has more than 4000000 prefixes, or 16 million lines";
	return strerror(-error);
}

void
prefix_list_read(struct prefix_list *ret_list, const char *path, struct complaint_list *complaints,
	const struct where *at, const char *key)
{
	struct reading reading = {
		.list = ret_list,
		.source = { .name = path, .order = UINT32_MAX },
		.complaints = complaints,
		.key = key,
	};
	auto_close int list_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	auto_free char *text = NULL;
	int error = list_fd < 0 ? -errno : 0;

	*ret_list = (struct prefix_list){ .count = 0 };
	if (error == 0)
		error = read_whole(list_fd, &reading.source, &text, &ret_list->status);
	if (error == 0)
		error = read_lines(&reading);
	if (error < 0)
		complain(complaints, at, key, "cannot use \"%s\": %s", path, explain(error));
}

void
prefix_list_fini(struct prefix_list *list)
{
	free(list->prefixes);
	*list = (struct prefix_list){ .count = 0 };
}

bool
prefix_list_is_same(const struct stat *then, const struct stat *now)
{
	return then->st_dev == now->st_dev && then->st_ino == now->st_ino &&
		then->st_size == now->st_size && then->st_mtim.tv_sec == now->st_mtim.tv_sec &&
		then->st_mtim.tv_nsec == now->st_mtim.tv_nsec &&
		then->st_ctim.tv_sec == now->st_ctim.tv_sec &&
		then->st_ctim.tv_nsec == now->st_ctim.tv_nsec;
}
