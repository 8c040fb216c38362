/* SPDX-License-Identifier: ISC */
/* What a program is started with: its file and folders, its environment, where its errors go,
 * and keys that clash. */
#include "config/check.h"

#include "config/clashes.h"
#include "config/value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* One complaint for each key: the next clash of it often follows from the first. Nor is there
 * any for a default that is written out. */
static void
check_clashes(struct check *check, const struct service_config *service)
{
	size_t count;
	const struct clash *clashes = clashes_all(&count);
	size_t last = SIZE_MAX;

	if (service->endpoint_count == 0)
		return;
	for (const struct clash *clash = clashes; clash < clashes + count; clash++) {
		const struct key *key = keys_find_service(clash->place);

		if (clash->place == last || !key_place_is_set(service, clash->place) ||
			key_is_equal(key, service->keys, &check->defaults) ||
			!clash->is_there(service, service->keys))
			continue;
		last = clash->place;
		complain(check->complaints, key_place_where(service, clash->place), key->name, "%s",
			clash->text);
	}
}

static bool
is_name(const char *text, size_t length)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";

	return length > 0 && strspn(text, letters) >= length && (*text < '0' || *text > '9');
}

static void
check_environment(struct check *check, const struct service_config *service)
{
	for (char **entry = service->keys->env; entry != NULL && *entry != NULL; entry++)
		if (strchr(*entry, '=') == NULL || !is_name(*entry, strcspn(*entry, "=")))
			complain(check->complaints, key_place_where(service, KEY_PLACE_env), "env",
				"\"%.60s\" is not NAME=VALUE", *entry);
	for (char **entry = service->keys->passenv; entry != NULL && *entry != NULL; entry++)
		if (!is_name(*entry, strlen(*entry)))
			complain(check->complaints, key_place_where(service, KEY_PLACE_passenv),
				"passenv", "\"%.60s\" is no name of a variable", *entry);
}

/* True: there was a complaint. */
static bool
check_folder(struct check *check, const struct service_config *service, size_t place,
	const char *root, const char *path)
{
	const char *problem = check_file(check, CHECK_ENTER, root, path);

	if (problem != NULL)
		complain(check->complaints, key_place_where(service, place),
			keys_find_service(place)->name, "\"%s\"%s%s: %s", path,
			root != NULL ? " inside of " : "", root != NULL ? root : "", problem);
	return problem != NULL;
}

static void
check_reach(struct check *check, const struct service_config *service, const struct where *where,
	const char *key, const char *path)
{
	const char *barrier = check_barrier(check, service->keys, path);

	if (barrier != NULL)
		complain(check->complaints, where, key,
			"the user \"%.*s\" cannot reach \"%s\": x is missing on %s",
			(int)strcspn(service->keys->user, ":"), service->keys->user, path, barrier);
}

/* The program's own file, and the folders that it is started in. */
static void
check_paths(struct check *check, const struct service_config *service)
{
	const struct service_keys *keys = service->keys;
	const char *root = keys->chroot, *problem;

	/* What is inside of a root that is not there, nobody knows. */
	if (root != NULL && check_folder(check, service, KEY_PLACE_chroot, NULL, root))
		return;
	if (keys->cwd != NULL && !check_folder(check, service, KEY_PLACE_cwd, root, keys->cwd))
		check_reach(check, service, key_place_where(service, KEY_PLACE_cwd), "cwd",
			keys->cwd);
	problem = check_file(check, CHECK_RUN, root, service->program[0]);
	if (problem != NULL)
		complain(check->complaints, &service->wheres->handler, NULL,
			"cannot start \"%s\"%s%s: %s", service->program[0],
			root != NULL ? " inside of " : "", root != NULL ? root : "", problem);
	else
		check_reach(check, service, &service->wheres->handler, NULL, service->program[0]);
}

/* Why reeved could not append to that file; an empty text if it can. */
static const char *
look_at_error_file(const struct check *check, const char *path, const char *folder)
{
	struct stat status;

	if (path[strlen(path) - 1] == '/')
		return "it is a folder";
	if (lstat(path, &status) < 0 && errno != ENOENT)
		return strerror(errno);
	if (lstat(path, &status) < 0) {
		if (stat(folder, &status) < 0)
			return "its folder is not there";
		if (!S_ISDIR(status.st_mode))
			return "its folder is no folder";
		return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0
			? "reeved may not make a file in its folder"
			: "";
	}
	if (S_ISLNK(status.st_mode))
		return "it is a link, and the file itself is wanted";
	if (strcmp(path, "/dev/null") == 0)
		return "it is no regular file; null alone is wanted";
	if (!S_ISREG(status.st_mode))
		return "it is no regular file";
	if (check->host->is_root && status.st_nlink != 1)
		return "it has further names, so it may be another's";
	return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? strerror(errno) : "";
}

static void
check_error_output(struct check *check, const struct service_config *service)
{
	static const char *const words[] = { "log", "client", "null", NULL };
	const struct where *where = key_place_where(service, KEY_PLACE_stderr);
	const char *text = service->keys->stderr, *nearest, *folder, *problem;

	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(text, words[i]) == 0)
			return;
	if (*text != '/') {
		nearest = complaint_nearest(text, words);
		complain(check->complaints, where, "stderr",
			"\"%.60s\" is none of log, client, null, nor the absolute path of a "
			"file%s%s%s",
			text, nearest != NULL ? "; did you mean \"" : "",
			nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
		return;
	}
	folder = arena_copy(check->arena, text, (size_t)(strrchr(text, '/') - text) + 1);
	if (folder == NULL)
		return;
	problem = look_at_error_file(check, text, folder);
	if (*problem != '\0')
		complain(check->complaints, where, "stderr", "cannot append to \"%s\": %s", text,
			problem);
}

static void
check_terminal(struct check *check, const struct service_config *service)
{
	if (service->keys->stdio == CONFIG_STDIO_PTY &&
		faccessat(AT_FDCWD, "/dev/ptmx", R_OK | W_OK, AT_EACCESS) < 0)
		complain(check->complaints, key_place_where(service, KEY_PLACE_stdio), "stdio",
			"there are no terminals here: /dev/ptmx: %s", strerror(errno));
}

void
check_service_program(struct check *check, const struct service_config *service)
{
	check_paths(check, service);
	check_environment(check, service);
	check_error_output(check, service);
	check_terminal(check, service);
	check_clashes(check, service);
}
