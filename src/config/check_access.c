/* SPDX-License-Identifier: ISC */
/* The rules of who is admitted: are the users, groups and files there that they name? */
#include "config/check.h"

#include "config/access_rule.h"
#include "config/prefix_list.h"

#include <string.h>

/* Read once for each path, whatever came of it. */
static void
check_list(struct check *check, const struct where *where, const char *key, const char *path)
{
	size_t length = strlen(path) + 1;
	char *question = arena_take(check->arena, length + 1);
	struct prefix_list list;

	if (question == NULL)
		return; /* the arena knows, and it is said at the end */
	question[0] = 'p';
	memcpy(question + 1, path, length);
	if (map_find(check->answers, question, length) != NULL)
		return;
	prefix_list_read(&list, path, check->complaints, where, key);
	prefix_list_fini(&list);
	(void)map_add(check->answers, question, length, question); /* else it is read again */
}

static void
check_rules(struct check *check, const struct service_config *service, size_t place)
{
	const struct key *key = keys_find_service(place);
	char *const *rules =
		place == KEY_PLACE_only_from ? service->keys->only_from : service->keys->no_access;

	for (uint32_t i = 0; rules != NULL && rules[i] != NULL; i++) {
		const struct where *where = check_element_where(service, place, i);
		struct access_rule rule = access_rule_of(rules[i]);

		switch (rule.kind) {
		case ACCESS_RULE_ALL:
		case ACCESS_RULE_PREFIX:
		case ACCESS_RULE_INTERFACE: /* one that is not there yet may come */
			break;
		case ACCESS_RULE_USER:
		case ACCESS_RULE_GROUP:
			check_peer_account(check, where, key->name, rule.name,
				rule.kind == ACCESS_RULE_GROUP);
			break;
		case ACCESS_RULE_FILE:
			check_list(check, where, key->name, rule.name);
			break;
		}
	}
}

static bool
is_just(char *const *list, const char *word)
{
	return list[0] != NULL && list[1] == NULL && strcmp(list[0], word) == 0;
}

/* A program that takes the listening socket accepts its clients itself: that rules did not hold
 * there would be found out too late. */
static void
check_wait(struct check *check, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	char *const *only = keys->only_from;
	bool is_open = only == NULL || is_just(only, "ALL");
	size_t place = KEY_PLACE_only_from;

	if (keys->wait == 0)
		return;
	if (is_open && keys->no_access != NULL && keys->no_access[0] != NULL)
		place = KEY_PLACE_no_access;
	else if (is_open && keys->access_times != NULL &&
		!is_just(keys->access_times, "00:00-24:00"))
		place = KEY_PLACE_access_times;
	else if (is_open)
		return;
	complain(check->complaints, check_key_where(service, place), keys_find_service(place)->name,
		"cannot be kept for \"%s\", whose program accepts its clients itself (wait)",
		service->name);
}

void
check_service_access(struct check *check, const struct service_config *service)
{
	check_rules(check, service, KEY_PLACE_only_from);
	check_rules(check, service, KEY_PLACE_no_access);
	check_wait(check, service);
}
