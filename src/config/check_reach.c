/* SPDX-License-Identifier: ISC */
/* Can a program's user reach its file and its folder? Root, who reads the configuration, can
 * reach everything, and would see the mistake when the first client does. The permissions that
 * everybody can see are compared; where an access list says more, the start has the word. */
#include "config/check.h"

#include "config/meaning.h"

#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#define GROUPS_MAX 1024
#define WHO_MAX 8192

struct visitor {
	bool is_known;
	uid_t uid;
	gid_t groups[GROUPS_MAX]; /* its own is the first */
	int group_count;
};

static bool
read_group(const char *name, gid_t *ret_gid)
{
	const struct group *entry = getgrnam(name);
	char *end;
	unsigned long number = strtoul(name, &end, 10);

	if (*end == '\0' && end != name && number < UINT32_MAX)
		*ret_gid = (gid_t)number;
	else if (entry != NULL)
		*ret_gid = entry->gr_gid;
	else
		return false;
	return true;
}

/* As the supervisor will have it: `user` may be USER:GROUP. */
static void
look_up_visitor(const struct service_keys *keys, struct visitor *who)
{
	char user[LINE_MAX];
	const char *own = strchr(keys->user, ':');
	const struct passwd *entry;
	char *end;
	unsigned long number;

	(void)snprintf(user, sizeof(user), "%.*s", (int)strcspn(keys->user, ":"), keys->user);
	number = strtoul(user, &end, 10);
	entry = *end == '\0' && end != user ? getpwuid((uid_t)number) : getpwnam(user);
	who->uid = entry != NULL ? entry->pw_uid : (uid_t)number;
	if (entry == NULL && (*end != '\0' || own == NULL))
		return; /* a complaint of its own */
	own = own != NULL ? own + 1 : keys->group;
	if (own == NULL && entry != NULL)
		who->groups[0] = entry->pw_gid;
	else if (own == NULL || !read_group(own, &who->groups[0]))
		return;
	who->group_count = 1;
	if (keys->groups == NULL && entry != NULL) {
		gid_t first = who->groups[0];

		who->group_count = GROUPS_MAX;
		if (getgrouplist(entry->pw_name, first, who->groups, &who->group_count) < 0)
			return;
	}
	for (char **name = keys->groups; name != NULL && *name != NULL; name++)
		if (who->group_count == GROUPS_MAX ||
			!read_group(*name, &who->groups[who->group_count++]))
			return;
	who->is_known = true;
}

static bool
may_run(const struct visitor *who, const char *path, const struct stat *status)
{
	if (getxattr(path, "system.posix_acl_access", NULL, 0) > 0)
		return true;
	if (status->st_uid == who->uid)
		return (status->st_mode & S_IXUSR) != 0;
	for (int i = 0; i < who->group_count; i++)
		if (status->st_gid == who->groups[i])
			return (status->st_mode & S_IXGRP) != 0;
	return (status->st_mode & S_IXOTH) != 0;
}

/* Where a name leads to, links followed, as the host sees it. */
static bool
find_place(const char *root, const char *path, char place[static PATH_MAX])
{
	auto_close int file_fd = check_open(root, path, O_PATH);
	char link[64];
	ssize_t length;

	if (file_fd < 0)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", file_fd);
	length = readlink(link, place, PATH_MAX - 1);
	if (length <= 0 || *place != '/')
		return false;
	place[length] = '\0';
	return true;
}

/* The first thing on the way that the visitor may not pass; an empty text: there is none. */
static const char *
find_barrier(const struct visitor *who, const char *root, const char *path, char *room)
{
	char place[PATH_MAX], top[PATH_MAX] = "/";
	struct stat status;
	size_t at;

	if (!who->is_known || who->uid == 0 || !find_place(root, path, place) ||
		(root != NULL && !find_place(NULL, root, top)))
		return "";
	at = strlen(top);
	if (strncmp(place, top, at) != 0)
		return "";
	for (;; at += 1 + strcspn(place + at + 1, "/")) {
		(void)snprintf(room, PATH_MAX, "%.*s", at > 0 ? (int)at : 1, place);
		if (stat(room, &status) < 0)
			return "";
		if (!may_run(who, room, &status))
			return room;
		if (at >= strlen(place))
			return "";
		if (strcmp(top, "/") == 0 && at == 1)
			at = 0;
	}
}

/* Who the program will be, as a text: the visitors of ten thousand services are few. */
static const struct visitor *
find_visitor(struct check *check, const struct service_keys *keys)
{
	struct textbuf question = TEXTBUF_INIT(WHO_MAX);
	struct visitor *who = NULL;
	char *kept;

	textbuf_addf(&question, "visitor\n%s\n%s", keys->user,
		keys->group != NULL ? keys->group : "");
	for (char **name = keys->groups; name != NULL; name++) {
		textbuf_addf(&question, "\n%s", *name != NULL ? *name : "");
		if (*name == NULL)
			break;
	}
	if (textbuf_error(&question) == 0)
		who = map_find(check->answers, question.text, question.length);
	if (textbuf_error(&question) == 0 && who == NULL) {
		who = arena_take(check->arena, sizeof(*who));
		kept = arena_copy(check->arena, question.text, question.length);
		if (who != NULL)
			look_up_visitor(keys, who);
		if (who != NULL && kept != NULL) /* or it is looked up again */
			(void)map_add(check->answers, kept, question.length, who);
	}
	textbuf_fini(&question);
	return who;
}

const char *
check_barrier(struct check *check, const struct service_keys *keys, const char *path)
{
	struct textbuf question = TEXTBUF_INIT(4 * PATH_MAX);
	const struct visitor *who;
	char room[PATH_MAX], *answer = NULL, *kept;
	const char *barrier;

	if (!check->host->is_root || keys->user == NULL)
		return NULL;
	for (char **name = keys->capabilities; name != NULL && *name != NULL; name++)
		if (config_capability(*name) == CAP_DAC_OVERRIDE ||
			config_capability(*name) == CAP_DAC_READ_SEARCH)
			return NULL;
	who = find_visitor(check, keys);
	if (who == NULL)
		return NULL;
	textbuf_addf(&question, "reach\n%p\n%s\n%s", (const void *)who,
		keys->chroot != NULL ? keys->chroot : "", path);
	if (textbuf_error(&question) == 0)
		answer = map_find(check->answers, question.text, question.length);
	if (textbuf_error(&question) == 0 && answer == NULL) {
		barrier = find_barrier(who, keys->chroot, path, room);
		answer = arena_copy(check->arena, barrier, strlen(barrier));
		kept = arena_copy(check->arena, question.text, question.length);
		if (answer != NULL && kept != NULL) /* or it is looked at again */
			(void)map_add(check->answers, kept, question.length, answer);
	}
	textbuf_fini(&question);
	return answer != NULL && *answer != '\0' ? answer : NULL;
}
