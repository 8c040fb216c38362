/* SPDX-License-Identifier: ISC */
/* Files of banners: read into one piece of memory, found in it. */
#include "config/banner_files.h"

#include <errno.h>
#include <string.h>

#define KEYS_OF_BANNERS 4

/* The image: this, so many entries sorted by their path, then paths (with their NUL) and texts. */
struct head {
	uint32_t count;
};

struct entry {
	uint32_t path_at; /* from the image's start */
	uint32_t text_at;
	uint32_t text_length;
};

struct paths {
	const char **list;
	size_t count;
	size_t room;
};

static int
add_path(struct paths *paths, const char *value)
{
	const char *path = value != NULL ? banner_path(value) : NULL;

	if (path == NULL)
		return 0;
	if (paths->count == paths->room) {
		size_t room = paths->room > 0 ? paths->room * 2 : 16;
		const char **list = reallocarray(paths->list, room, sizeof(*list));

		if (list == NULL)
			return -ENOMEM;
		paths->list = list;
		paths->room = room;
	}
	paths->list[paths->count++] = path;
	return 0;
}

static int
compare_paths(const void *a, const void *b)
{
	const char *const *first = a;
	const char *const *second = b;

	return strcmp(*first, *second);
}

/* Sorted, each once. */
static int
collect(const struct config *config, struct paths *ret_paths)
{
	const struct service_keys *last = NULL;
	size_t kept = 0;
	int error = 0;

	for (uint32_t i = 0; i < config->service_count && error == 0; i++) {
		const struct service_keys *keys = config->services[i].keys;
		const char *values[KEYS_OF_BANNERS] = { keys->banner, keys->banner_success,
			keys->banner_fail, keys->banner_queue };

		if (keys == last) /* most services have the keys of the one before */
			continue;
		last = keys;
		for (size_t j = 0; j < KEYS_OF_BANNERS && error == 0; j++)
			error = add_path(ret_paths, values[j]);
	}
	if (ret_paths->count > 0)
		qsort(ret_paths->list, ret_paths->count, sizeof(*ret_paths->list), compare_paths);
	for (size_t i = 0; i < ret_paths->count; i++)
		if (kept == 0 || strcmp(ret_paths->list[kept - 1], ret_paths->list[i]) != 0)
			ret_paths->list[kept++] = ret_paths->list[i];
	ret_paths->count = kept;
	return error;
}

static uint32_t
add_file(const char *path, struct complaint_list *complaints, struct textbuf *bytes)
{
	size_t start = bytes->length;
	const char *problem = banner_read_file(path, bytes);

	if (problem != NULL)
		complain(complaints, NULL, NULL, "cannot read \"%s\": %s", path, problem);
	return (uint32_t)(bytes->length - start);
}

static int
write_image(const struct paths *paths, struct complaint_list *complaints, struct textbuf *ret_image)
{
	struct head head = { .count = (uint32_t)paths->count };
	size_t bytes_at = sizeof(head) + paths->count * sizeof(struct entry);
	auto_free struct entry *entries = calloc(paths->count, sizeof(*entries));
	struct textbuf bytes = TEXTBUF_INIT(BANNER_FILES_MAX);
	int error = entries != NULL ? 0 : -ENOMEM;

	for (size_t i = 0; i < paths->count && error == 0; i++) {
		entries[i].path_at = (uint32_t)(bytes_at + bytes.length);
		textbuf_add_bytes(&bytes, paths->list[i], strlen(paths->list[i]) + 1);
		entries[i].text_at = (uint32_t)(bytes_at + bytes.length);
		entries[i].text_length = add_file(paths->list[i], complaints, &bytes);
		error = textbuf_error(&bytes);
	}
	if (error == 0) {
		textbuf_add_bytes(ret_image, (const char *)&head, sizeof(head));
		textbuf_add_bytes(ret_image, (const char *)entries,
			paths->count * sizeof(*entries));
		textbuf_add_bytes(ret_image, bytes.text, bytes.length);
		error = textbuf_error(ret_image);
	}
	textbuf_fini(&bytes);
	return error;
}

int
banner_files_make(const struct config *config, struct complaint_list *complaints,
	struct textbuf *ret_image)
{
	struct paths paths = { .list = NULL };
	int error = collect(config, &paths);

	if (error == 0 && paths.count > 0)
		error = write_image(&paths, complaints, ret_image);
	free(paths.list);
	return error;
}

static const struct entry *
entries_of(const void *image)
{
	return (const struct entry *)((const struct head *)image + 1);
}

bool
banner_files_are_whole(const void *image, size_t size)
{
	const struct head *head = image;
	const char *bytes = image;

	if (size < sizeof(*head) || head->count > (size - sizeof(*head)) / sizeof(struct entry))
		return false;
	for (uint32_t i = 0; i < head->count; i++) {
		const struct entry *entry = &entries_of(image)[i];

		if (entry->path_at >= size || entry->text_at > size ||
			entry->text_length > size - entry->text_at ||
			memchr(bytes + entry->path_at, '\0', size - entry->path_at) == NULL)
			return false;
	}
	return true;
}

bool
banner_find(const void *image, const char *value, struct banner_text *ret_text)
{
	const char *path = banner_path(value);
	uint32_t low = 0;
	uint32_t high = path != NULL && image != NULL ? ((const struct head *)image)->count : 0;

	if (path == NULL) {
		*ret_text = (struct banner_text){ .bytes = value, .length = strlen(value) };
		return true;
	}
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct entry *entry = &entries_of(image)[middle];
		int order = strcmp(path, (const char *)image + entry->path_at);

		if (order == 0) {
			*ret_text =
				(struct banner_text){ .bytes = (const char *)image + entry->text_at,
					.length = entry->text_length,
					.is_file = true };
			return true;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}
