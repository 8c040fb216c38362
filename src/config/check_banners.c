/* SPDX-License-Identifier: ISC */
/* What clients are told: are the files there, and is there a text where one is to be sent? */
#include "config/check.h"

#include "config/banner.h"

#include <string.h>

/* Read once for each path; what is wrong is said at each place that names it. */
static const char *
try_file(struct check *check, const char *path)
{
	size_t length = strlen(path) + 1;
	char *question = arena_take(check->arena, length + 1);
	struct textbuf text = TEXTBUF_INIT(BANNER_FILE_MAX);
	const char *problem;

	if (question == NULL)
		return NULL; /* the arena knows, and it is said at the end */
	question[0] = 'b';
	memcpy(question + 1, path, length);
	problem = map_find(check->answers, question, length);
	if (problem == NULL) {
		problem = banner_read_file(path, &text);
		textbuf_fini(&text);
		if (problem == NULL)
			problem = "";
		problem = arena_intern(check->arena, problem, strlen(problem));
		if (problem != NULL)
			(void)map_add(check->answers, question, length, (void *)(uintptr_t)problem);
	}
	return problem != NULL && *problem != '\0' ? problem : NULL;
}

static void
check_file_of(struct check *check, const struct service_config *service, size_t place,
	const char *value)
{
	const char *path = value != NULL ? banner_path(value) : NULL;
	const char *problem = path != NULL ? try_file(check, path) : NULL;

	if (problem != NULL)
		complain(check->complaints, key_place_where(service, place),
			keys_find_service(place)->name, "cannot read \"%s\": %s", path, problem);
}

static bool
is_silent(const char *value)
{
	return value == NULL || *value == '\0';
}

/* Whoever chooses to tell clients must say what. */
static void
check_answer(struct check *check, const struct service_config *service, size_t place)
{
	complain(check->complaints, key_place_where(service, place), keys_find_service(place)->name,
		"sends banner_fail, and \"%s\" has none", service->name);
}

void
check_service_banners(struct check *check, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;

	check_file_of(check, service, KEY_PLACE_banner, keys->banner);
	check_file_of(check, service, KEY_PLACE_banner_success, keys->banner_success);
	check_file_of(check, service, KEY_PLACE_banner_fail, keys->banner_fail);
	check_file_of(check, service, KEY_PLACE_banner_queue, keys->banner_queue);
	if (keys->at_limit == CONFIG_AT_LIMIT_BANNER && is_silent(keys->banner_fail))
		check_answer(check, service, KEY_PLACE_at_limit);
	if (keys->refuse_with == CONFIG_REFUSE_BANNER && is_silent(keys->banner_fail))
		check_answer(check, service, KEY_PLACE_refuse_with);
}
