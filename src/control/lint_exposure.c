/* SPDX-License-Identifier: ISC */
/* Who is let at what. */
#include "control/lint_room.h"

#include "base/prefix.h"
#include "config/access_rule.h"
#include "config/meaning.h"

#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define WIDEST_NAMED4 8 /* a shorter prefix is everybody, or nearly */
#define WIDEST_NAMED6 16
#define WIDEST_PROXIES4 24 /* a longer one may well be somebody's proxies */
#define WIDEST_PROXIES6 48
#define BUDGET_LARGE 16384 /* bytes that a forged sender may cost its victim at once */
#define BUDGET_RATE_LARGE 4096

/* ---------------------------------------------------------------- reach */

static const struct {
	const char *text;
	enum lint_reach reach;
} special[] = {
	{ "127.0.0.0/8", LINT_REACH_HOST },
	{ "::1/128", LINT_REACH_HOST },
	{ "10.0.0.0/8", LINT_REACH_NAMED },
	{ "172.16.0.0/12", LINT_REACH_NAMED },
	{ "192.168.0.0/16", LINT_REACH_NAMED },
	{ "169.254.0.0/16", LINT_REACH_NAMED },
	{ "100.64.0.0/10", LINT_REACH_NAMED },
	{ "fc00::/7", LINT_REACH_NAMED },
	{ "fe80::/10", LINT_REACH_NAMED },
};

/* This host, a private network, or anything else. */
static enum lint_reach
reach_of_prefix(const struct prefix *prefix)
{
	struct prefix around;

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (prefix_parse(&around, special[i].text, strlen(special[i].text), PREFIX_EXACT) ==
				NULL &&
			prefix_contains(&around, prefix))
			return special[i].reach;
	return LINT_REACH_ANYBODY;
}

static bool
denies_all(const struct service_keys *keys)
{
	char *const *word = keys->no_access;

	for (; word != NULL && *word != NULL; word++)
		if (access_rule_of(*word).kind == ACCESS_RULE_ALL)
			return true;
	return false;
}

/* Whom only_from names is known, and be it half of a continent; nearly everybody is not. */
static enum lint_reach
reach_of_rule(const struct access_rule *rule, bool is_all_denied)
{
	int widest = rule->prefix.is_v4 ? WIDEST_NAMED4 : WIDEST_NAMED6;
	enum lint_reach reach;

	if (rule->kind == ACCESS_RULE_USER || rule->kind == ACCESS_RULE_GROUP)
		return LINT_REACH_HOST;
	if (rule->kind == ACCESS_RULE_ALL)
		return is_all_denied ? LINT_REACH_NOBODY : LINT_REACH_ANYBODY;
	if (rule->kind != ACCESS_RULE_PREFIX)
		return LINT_REACH_NAMED;
	if (rule->prefix.length == 0 && is_all_denied)
		return LINT_REACH_NOBODY;
	/* Private networks of IPv6 are wider than what anybody else has. */
	reach = reach_of_prefix(&rule->prefix);
	if (reach == LINT_REACH_ANYBODY && rule->prefix.length >= widest)
		return LINT_REACH_NAMED;
	return reach;
}

static enum lint_reach
reach_of_rules(const struct service_keys *keys)
{
	bool is_all_denied = denies_all(keys);
	enum lint_reach reach = LINT_REACH_NOBODY;

	if (keys->only_from == NULL)
		return is_all_denied ? LINT_REACH_NOBODY : LINT_REACH_ANYBODY;
	for (char *const *word = keys->only_from; *word != NULL; word++) {
		const struct access_rule rule = access_rule_of(*word);
		enum lint_reach one = reach_of_rule(&rule, is_all_denied);

		if (one > reach)
			reach = one;
	}
	return reach;
}

/* A proxy speaks for clients from anywhere, wherever it is itself. */
static enum lint_reach
reach_of_endpoint(const struct service_config *service, const struct endpoint *endpoint)
{
	struct prefix alone;

	if (service->keys->proxy_from != NULL)
		return LINT_REACH_ANYBODY;
	if (protocol_family(endpoint->protocol) == AF_UNIX)
		return LINT_REACH_HOST;
	alone = prefix_of_address(&endpoint->address);
	return reach_of_prefix(&alone);
}

enum lint_reach
lint_reach_of(const struct service_config *service, int type)
{
	enum lint_reach by_rules = reach_of_rules(service->keys), widest = LINT_REACH_NOBODY;

	for (uint32_t i = 0; i < service->endpoint_count; i++) {
		const struct endpoint *endpoint = &service->endpoints[i];
		enum lint_reach reach = reach_of_endpoint(service, endpoint);

		if ((type == 0 || protocol_type(endpoint->protocol) == type) && reach > widest)
			widest = reach;
	}
	return by_rules < widest ? by_rules : widest;
}

/* ---------------------------------------------------------------- programs */

static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The last part of the program's path; what tcpd wraps is the program. NULL: a built-in. */
static const char *
program_of(const struct service_config *service)
{
	const char *name;

	if (service->program == NULL)
		return NULL;
	name = last_part(service->program[0]);
	if (strcmp(name, "tcpd") == 0 && service->program[1] != NULL)
		return last_part(service->program[1]);
	return name;
}

bool
lint_user(const struct lint *lint, const struct service_config *service, uint32_t *ret_uid)
{
	const char *user = service->keys->user;
	auto_free char *name = user != NULL ? strndup(user, strcspn(user, ":")) : NULL;
	const struct passwd *entry;
	char *end;

	*ret_uid = lint->host->uid;
	if (user == NULL)
		return true;
	if (name == NULL)
		return false;
	*ret_uid = (uint32_t)strtoul(name, &end, 10);
	if (*end == '\0' && end != name)
		return true;
	entry = getpwnam(name);
	if (entry != NULL)
		*ret_uid = entry->pw_uid;
	return entry != NULL;
}

static bool
is_among(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcasecmp(name, *names) == 0)
			return true;
	return false;
}

/* ---------------------------------------------------------------- the rules */

static void
judge_root(struct lint *lint, const struct service_config *service)
{
	const struct where *where = key_place_where(service, KEY_PLACE_user);
	enum lint_reach reach = lint_reach_of(service, 0);
	uint32_t uid;

	if (service->program == NULL || !lint_user(lint, service, &uid) || uid != 0)
		return;
	if (reach > LINT_REACH_HOST)
		lint_add(lint, LINT_root_public, service, where,
			"\"%s\" runs %s as root for %s; give it a user of its own", service->name,
			program_of(service),
			reach == LINT_REACH_ANYBODY ? "everybody"
						    : "clients from beyond this host");
	else if (reach == LINT_REACH_HOST && config_speaks_streams(service) &&
		(service->keys->mode & 02) != 0 && service->keys->only_from == NULL &&
		protocol_family(service->endpoints[0].protocol) == AF_UNIX)
		lint_add(lint, LINT_socket_open, service, key_place_where(service, KEY_PLACE_mode),
			"every user may connect to \"%s\", which runs %s as root; set mode=0660 "
			"and group, or only_from=user:NAME",
			service->name, program_of(service));
}

static void
judge_shell(struct lint *lint, const struct service_config *service)
{
	static const char *const shells[] = { "sh", "ash", "bash", "csh", "dash", "fish", "ksh",
		"mksh", "tcsh", "zsh", NULL };

	if (service->program == NULL || lint_reach_of(service, 0) <= LINT_REACH_HOST ||
		!is_among(program_of(service), shells))
		return;
	for (char *const *word = service->program + 1; *word != NULL; word++)
		if ((*word)[0] != '-' || strchr(*word, 'c') != NULL)
			return; /* a script, or a command */
	lint_add(lint, LINT_bare_shell, service, &service->wheres->handler,
		"\"%s\" gives a shell to whoever connects; name a script", service->name);
}

static bool
is_known_for_logins(const struct service_config *service)
{
	static const uint16_t ports[] = { 21, 23, 109, 110, 143, 512, 513, 514 };
	static const char *const programs[] = { "ftpd", "ftpd.real", "imapd", "in.ftpd",
		"in.rexecd", "in.rlogind", "in.rshd", "in.telnetd", "ipop3d", "popa3d", "proftpd",
		"pure-ftpd", "pure-ftpd-wrapper", "rexecd", "rlogind", "rshd", "telnetd",
		"utelnetd", "vsftpd", NULL };
	static const char *const wrappers[] = { "stunnel", "stunnel3", "stunnel4", NULL };
	const char *name = program_of(service);

	if (name == NULL || is_among(name, wrappers))
		return false;
	if (is_among(name, programs))
		return true;
	for (uint32_t i = 0; i < service->endpoint_count; i++)
		for (size_t j = 0; j < ARRAY_SIZE(ports); j++)
			if (protocol_type(service->endpoints[i].protocol) == SOCK_STREAM &&
				service->endpoints[i].address.port == ports[j])
				return true;
	return false;
}

static void
judge_logins(struct lint *lint, const struct service_config *service)
{
	if (is_known_for_logins(service) && service->keys->proxy_from == NULL &&
		lint_reach_of(service, SOCK_STREAM) == LINT_REACH_ANYBODY)
		lint_add(lint, LINT_plaintext_login, service, &service->wheres->port,
			"\"%s\" takes log-ins from everybody, unencrypted as far as can be seen",
			service->name);
}

static void
judge_proxies(struct lint *lint, const struct service_config *service)
{
	for (char **word = service->keys->proxy_from; word != NULL && *word != NULL; word++) {
		struct prefix prefix;

		if (prefix_parse(&prefix, *word, strlen(*word), PREFIX_EXACT) != NULL ||
			reach_of_prefix(&prefix) != LINT_REACH_ANYBODY ||
			prefix.length >= (prefix.is_v4 ? WIDEST_PROXIES4 : WIDEST_PROXIES6))
			continue;
		lint_add(lint, LINT_proxy_public, service,
			key_place_where(service, KEY_PLACE_proxy_from),
			"everybody in %s may say who a client of \"%s\" is", *word, service->name);
	}
}

static void
judge_datagrams(struct lint *lint, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	bool is_amplifier = service->builtin != NULL &&
		(strcmp(service->builtin, "chargen") == 0 || strcmp(service->builtin, "qotd") == 0);

	if (lint_reach_of(service, SOCK_DGRAM) != LINT_REACH_ANYBODY)
		return;
	if (is_amplifier)
		lint_add(lint, LINT_amplifier, service, &service->wheres->port,
			"\"%s\" answers everybody's datagrams with more than they were",
			service->name);
	if (keys->loop_guard == 0 && keys->wait == 0)
		lint_add(lint, LINT_loop_guard, service,
			key_place_where(service, KEY_PLACE_loop_guard),
			"\"%s\" and another such service would answer each other without end",
			service->name);
	if (keys->wait == 0 &&
		(keys->reply_budget > BUDGET_LARGE || keys->reply_budget_rate > BUDGET_RATE_LARGE))
		lint_add(lint, LINT_reply_budget, service,
			key_place_where(service,
				keys->reply_budget > BUDGET_LARGE ? KEY_PLACE_reply_budget
								  : KEY_PLACE_reply_budget_rate),
			"forged senders can make \"%s\" send %lld bytes at once, and %lld a "
			"second, "
			"to each victim",
			service->name, (long long)keys->reply_budget,
			(long long)keys->reply_budget_rate);
}

void
lint_exposure(struct lint *lint, const struct service_config *service)
{
	judge_proxies(lint, service);
	judge_datagrams(lint, service);
	if (service->keys->sensor != 0)
		return; /* it serves nobody */
	judge_root(lint, service);
	judge_shell(lint, service);
	judge_logins(lint, service);
	if (service->program != NULL && service->keys->no_new_privs == CONFIG_NO &&
		lint_reach_of(service, 0) == LINT_REACH_ANYBODY)
		lint_add(lint, LINT_set_uid, service,
			key_place_where(service, KEY_PLACE_no_new_privs),
			"the program of \"%s\" may become others by set-uid files", service->name);
}
