/* SPDX-License-Identifier: ISC */
/* Users and groups: do they exist, and may reeved act as them? */
#include "config/check.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

/* What the host says about a name. */
struct account {
	bool is_known;
	bool has_group; /* of a user: passwd says which group is its own */
	uint32_t id;
};

static bool
read_id(const char *text, uint32_t *ret_id)
{
	uint64_t id = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		id = id * 10 + (uint64_t)(*text - '0');
		if (id >= UINT32_MAX) /* the last means "leave it" to the kernel */
			return false;
	}
	*ret_id = (uint32_t)id;
	return true;
}

static void
look_up_user(const char *name, struct account *account)
{
	const struct passwd *entry;

	if (read_id(name, &account->id)) {
		account->is_known = true;
		account->has_group = getpwuid(account->id) != NULL;
		return;
	}
	entry = getpwnam(name);
	if (entry == NULL)
		return;
	*account = (struct account){ .is_known = true, .has_group = true, .id = entry->pw_uid };
}

static void
look_up_group(const char *name, struct account *account)
{
	const struct group *entry;

	if (read_id(name, &account->id)) {
		account->is_known = true;
		return;
	}
	entry = getgrnam(name);
	if (entry == NULL)
		return;
	*account = (struct account){ .is_known = true, .id = entry->gr_gid };
}

/* Asked once for each name. `kind` is 'u' or 'g'. */
static const struct account *
ask_account(struct check *check, char kind, const char *name, size_t length)
{
	static const struct account no_memory = { .is_known = true };
	char *question = arena_take(check->arena, length + 2);
	struct account *account;

	if (question == NULL)
		return &no_memory; /* the arena knows, and it is said at the end */
	question[0] = kind;
	memcpy(question + 1, name, length);
	account = map_find(check->answers, question, length + 1);
	if (account != NULL)
		return account;
	account = arena_take(check->arena, sizeof(*account));
	if (account == NULL)
		return &no_memory;
	if (kind == 'u')
		look_up_user(question + 1, account);
	else
		look_up_group(question + 1, account);
	(void)map_add(check->answers, question, length + 1, account); /* else it is asked again */
	return account;
}

static bool
is_member(gid_t group)
{
	gid_t groups[256];
	int count = getgroups((int)ARRAY_SIZE(groups), groups);

	for (int i = 0; i < count; i++)
		if (groups[i] == group)
			return true;
	return group == getegid();
}

static void
check_group(struct check *check, const struct where *where, const char *key, const char *name)
{
	const struct account *group = ask_account(check, 'g', name, strlen(name));

	if (!group->is_known)
		complain(check->complaints, where, key, "there is no group \"%.60s\"", name);
	else if (!check->host->is_root && !is_member(group->id))
		complain(check->complaints, where, key,
			"without root, only a group of reeved's own user can be taken, not "
			"\"%.60s\"",
			name);
}

/* USER or USER:GROUP. `other_group` may name the group instead. */
static void
check_user(struct check *check, const struct where *where, const char *key, const char *name,
	const char *other_group)
{
	size_t length = strcspn(name, ":");
	const char *group = name[length] == ':' ? name + length + 1 : other_group;
	const struct account *user = ask_account(check, 'u', name, length);

	if (!user->is_known)
		complain(check->complaints, where, key, "there is no user \"%.*s\"",
			(int)(length < 60 ? length : 60), name);
	else if (!check->host->is_root && user->id != check->host->uid)
		complain(check->complaints, where, key,
			"needs root: reeved runs as user %u and can start programs and own files "
			"as that one only",
			(unsigned int)check->host->uid);
	else if (group == NULL && !user->has_group)
		complain(check->complaints, where, key,
			"\"%.*s\" has no passwd entry, so its group is wanted: USER:GROUP",
			(int)(length < 60 ? length : 60), name);
	if (name[length] == ':')
		check_group(check, where, key, name + length + 1);
}

/* Whoever shares a uid with the gates may stop them for good with one signal. */
static void
check_not_gates(struct check *check, const struct service_config *service)
{
	const char *gates = check->config->daemon.gate_user, *name = service->keys->user;
	const struct account *user = ask_account(check, 'u', name, strcspn(name, ":"));
	const struct account *gate_user;

	if (gates == NULL)
		gates = "reeve";
	gate_user = ask_account(check, 'u', gates, strcspn(gates, ":"));
	if (check->host->is_root && user->is_known && gate_user->is_known &&
		user->id == gate_user->id)
		complain(check->complaints, key_place_where(service, KEY_PLACE_user), "user",
			"\"%.60s\" is the user of the gates, which a program of the same could "
			"stop: choose another, or set daemon.gate_user",
			name);
}

static void
check_groups(struct check *check, const struct service_config *service)
{
	const struct where *where = key_place_where(service, KEY_PLACE_groups);
	char *const *groups = service->keys->groups;

	if (groups == NULL || service->program == NULL)
		return;
	if (!check->host->is_root) {
		complain(check->complaints, where, "groups",
			"needs root: reeved is user %u and its programs have the groups that it "
			"has itself",
			(unsigned int)check->host->uid);
		return;
	}
	for (; *groups != NULL; groups++)
		check_group(check, where, "groups", *groups);
}

void
check_daemon_accounts(struct check *check)
{
	const struct config_daemon *daemon = &check->config->daemon;

	/* Without root the gates stay who they are, and the key waits for a start as root. */
	if (daemon->gate_user != NULL && check->host->is_root)
		check_user(check, &check->config->daemon_where[KEY_PLACE_gate_user],
			"daemon.gate_user", daemon->gate_user, NULL);
}

void
check_service_accounts(struct check *check, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;

	/* On a service that does not read them, the keys are a mistake of their own. */
	if (keys->user != NULL && service->program != NULL) {
		check_user(check, key_place_where(service, KEY_PLACE_user), "user", keys->user,
			keys->group);
		check_not_gates(check, service);
	} else if (check->host->is_root && service->program != NULL)
		complain(check->complaints, &service->wheres->handler, "user",
			"is missing: reeved is root, so say whom the program runs as, user=NAME "
			"(user=root if it must be)");
	if (keys->owner != NULL && service->endpoint_count > 0 &&
		service->endpoints[0].path != NULL)
		check_user(check, key_place_where(service, KEY_PLACE_owner), "owner", keys->owner,
			"");
	if (keys->group != NULL)
		check_group(check, key_place_where(service, KEY_PLACE_group), "group", keys->group);
	check_groups(check, service);
}

void
check_peer_account(struct check *check, const struct where *where, const char *key,
	const char *name, bool is_group)
{
	const struct account *account =
		ask_account(check, is_group ? 'g' : 'u', name, strlen(name));

	if (!account->is_known)
		complain(check->complaints, where, key, "there is no %s \"%.60s\"",
			is_group ? "group" : "user", name);
}
