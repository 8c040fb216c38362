/* SPDX-License-Identifier: ISC */
/* The rules of who is admitted: are the users, groups and files there that they name? */
#include "config/check.h"

#include "config/access_rule.h"
#include "config/prefix_list.h"

#include <string.h>

#define DAEMON_ROOM 64   /* MESSAGE_DAEMON_MAX */
#define SERVERS_MAX 1024 /* MESSAGE_SERVERS_MAX */

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
		const struct where *where = key_place_element(service, place, i);
		struct access_rule rule = access_rule_of(rules[i]);

		switch (rule.kind) {
		case ACCESS_RULE_ALL:
		case ACCESS_RULE_PREFIX:
		case ACCESS_RULE_INTERFACE: /* one that is not there yet may come */
		case ACCESS_RULE_HOST: /* the DNS is asked while it is served, again and again */
		case ACCESS_RULE_DOMAIN:
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

/* Who asks tcp_wrappers' files, and as whom. */
static void
check_wrap(struct check *check, const struct service_config *service)
{
	const char *wrap = access_rules_wrap(service);
	const struct where *where = key_place_where(service, KEY_PLACE_libwrap);

	if (wrap == NULL)
		return;
	if (!UTIL_HAS_LIBWRAP)
		complain(check->complaints, where, "libwrap",
			"this reeved was built without tcp_wrappers' library (make "
			"WITH_LIBWRAP=1)");
	else if (service->keys->wait != 0)
		complain(check->complaints, where, "libwrap",
			"cannot be kept for \"%s\", whose program accepts its clients itself "
			"(wait)",
			service->name);
	else if (strlen(wrap) >= DAEMON_ROOM || strpbrk(wrap, " \t:@,") != NULL)
		complain(check->complaints, where, "libwrap",
			"\"%.80s\" cannot be the name of a daemon in hosts.allow; wanted: yes, no, "
			"or "
			"up to %d bytes without blanks, ':', '@' and ','",
			wrap, DAEMON_ROOM - 1);
}

static bool
is_server(const char *text)
{
	char address[NETADDR_TEXT_MAX];
	struct netaddr ip;
	size_t length = strlen(text);
	const char *port = strrchr(text, ':');

	/* The library that asks them knows no interfaces. */
	if (length >= sizeof(address) || strchr(text, '%') != NULL)
		return false;
	memcpy(address, text, length + 1);
	if (netaddr_parse_ip(&ip, address) == 0)
		return true;
	if (port == NULL || port[1] == '\0' || strspn(port + 1, "0123456789") != strlen(port + 1) ||
		strlen(port + 1) > 5 || strtoul(port + 1, NULL, 10) > UINT16_MAX)
		return false;
	length = (size_t)(port - text);
	address[length] = '\0';
	if (address[0] != '[')
		return netaddr_parse_ip(&ip, address) == 0 && ip.family == AF_INET;
	if (address[length - 1] != ']')
		return false;
	address[length - 1] = '\0';
	return netaddr_parse_ip(&ip, address + 1) == 0 && ip.family == AF_INET6;
}

void
check_daemon_names(struct check *check)
{
	const struct where *where = &check->config->daemon_where[KEY_PLACE_names_servers];
	const struct element_wheres *elements =
		&check->config->daemon_elements[KEY_PLACE_names_servers];
	char *const *servers = check->config->daemon.names_servers;
	size_t length = 0;

	for (uint32_t i = 0; servers != NULL && servers[i] != NULL; i++) {
		length += strlen(servers[i]) + 1;
		if (!is_server(servers[i]))
			complain(check->complaints, &elements->list[i], "daemon.names_servers",
				"\"%.80s\" is no address of a server; wanted: ADDRESS, "
				"ADDRESS:PORT "
				"or [ADDRESS]:PORT",
				servers[i]);
	}
	if (length > SERVERS_MAX)
		complain(check->complaints, where, "daemon.names_servers",
			"has more servers than are ever asked");
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
	complain(check->complaints, key_place_where(service, place), keys_find_service(place)->name,
		"cannot be kept for \"%s\", whose program accepts its clients itself (wait)",
		service->name);
}

void
check_service_access(struct check *check, const struct service_config *service)
{
	check_rules(check, service, KEY_PLACE_only_from);
	check_rules(check, service, KEY_PLACE_no_access);
	check_wait(check, service);
	check_wrap(check, service);
}
