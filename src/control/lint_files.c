/* SPDX-License-Identifier: ISC */
/* Programs and files: who else may write them, or shares them. */
#include "control/lint_room.h"

#include "config/access_rule.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define HEAD_MAX 256 /* of a script; its interpreter stands in there */
#define NOBODY 65534

/* ---------------------------------------------------------------- who may write */

/* In a sticky folder nobody replaces what is another's. */
static bool
is_open_to_all(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0 || (status.st_mode & S_IWOTH) == 0)
		return false;
	return !S_ISDIR(status.st_mode) || (status.st_mode & S_ISVTX) == 0;
}

/* The path itself, or the nearest folder above it, that everybody may write. */
static bool
find_open(const char *path, char ret_open[static PATH_MAX])
{
	(void)snprintf(ret_open, PATH_MAX, "%s", path);
	while (!is_open_to_all(ret_open)) {
		char *slash = strrchr(ret_open, '/');

		if (slash == NULL || strcmp(ret_open, "/") == 0)
			return false;
		slash[slash == ret_open] = '\0';
	}
	return true;
}

/* The same for where its links lead. */
static bool
is_writable(const char *path, char ret_open[static PATH_MAX])
{
	auto_free char *real = realpath(path, NULL);

	return find_open(path, ret_open) || (real != NULL && find_open(real, ret_open));
}

/* ---------------------------------------------------------------- the rules */

static void
program_path(const struct service_config *service, char ret_path[static PATH_MAX])
{
	const char *root = service->keys->chroot;

	(void)snprintf(ret_path, PATH_MAX, "%s%s", root != NULL ? root : "", service->program[0]);
}

static void
judge_program(struct lint *lint, const struct service_config *service)
{
	char path[PATH_MAX], open_to_all[PATH_MAX];
	struct stat status;
	uint32_t uid;

	program_path(service, path);
	if (is_writable(path, open_to_all))
		lint_add(lint, LINT_program_writable, service, &service->wheres->handler,
			"everybody may write %s, and so change what \"%s\" runs", open_to_all,
			service->name);
	if (service->keys->user != NULL && lint_user(lint, service, &uid) && uid != 0 &&
		stat(path, &status) == 0 && status.st_uid == uid)
		lint_add(lint, LINT_program_own, service, &service->wheres->handler,
			"%s belongs to %s, whom \"%s\" runs it as", path, service->keys->user,
			service->name);
}

static bool
is_shell(const char *path, size_t length)
{
	static const char *const shells[] = { "sh", "ash", "bash", "csh", "dash", "fish", "ksh",
		"mksh", "tcsh", "zsh" };
	const char *name = path;

	for (size_t i = 0; i < length; i++)
		if (path[i] == '/')
			name = path + i + 1;
	length -= (size_t)(name - path);
	for (size_t i = 0; i < ARRAY_SIZE(shells); i++)
		if (strlen(shells[i]) == length && memcmp(shells[i], name, length) == 0)
			return true;
	return false;
}

/* A shell, or a script that names one behind its #!, by env or not. */
static bool
is_run_by_shell(const char *path)
{
	auto_close int file_fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	char head[HEAD_MAX] = "";
	const char *word;

	if (is_shell(path, strlen(path)))
		return true;
	if (file_fd < 0 || read(file_fd, head, sizeof(head) - 1) <= 2 || memcmp(head, "#!", 2) != 0)
		return false;
	word = head + 2 + strspn(head + 2, " \t");
	if (strncmp(word, "/usr/bin/env ", 13) == 0)
		word += 13 + strspn(word + 13, " \t");
	return is_shell(word, strcspn(word, " \t\r\n"));
}

static void
judge_stderr(struct lint *lint, const struct service_config *service)
{
	char path[PATH_MAX];

	program_path(service, path);
	if (strcmp(service->keys->stderr, "client") == 0 && is_run_by_shell(path))
		lint_add(lint, LINT_stderr_client, service,
			key_place_where(service, KEY_PLACE_stderr),
			"what the shell of \"%s\" complains of goes to its clients", service->name);
}

static void
judge_rule_files(struct lint *lint, const struct service_config *service, size_t place,
	char *const *rules)
{
	char open_to_all[PATH_MAX];

	for (uint32_t i = 0; rules != NULL && rules[i] != NULL; i++) {
		struct access_rule rule = access_rule_of(rules[i]);

		if (rule.kind == ACCESS_RULE_FILE && is_writable(rule.name, open_to_all))
			lint_add(lint, LINT_access_writable, service,
				key_place_element(service, place, i),
				"everybody may write %s, and so decide who gets into \"%s\"",
				open_to_all, service->name);
	}
}

void
lint_files(struct lint *lint, const struct service_config *service)
{
	judge_rule_files(lint, service, KEY_PLACE_only_from, service->keys->only_from);
	judge_rule_files(lint, service, KEY_PLACE_no_access, service->keys->no_access);
	if (service->program == NULL)
		return;
	judge_program(lint, service);
	judge_stderr(lint, service);
}

/* ---------------------------------------------------------------- all of them */

static bool
is_nobody(const struct lint *lint, const struct service_config *service)
{
	uint32_t uid;

	return service->program != NULL && service->keys->user != NULL &&
		lint_user(lint, service, &uid) && uid == NOBODY &&
		!lint_is_ignored(service, LINT_shared_nobody);
}

static void
judge_nobody(struct lint *lint)
{
	const struct service_config *first = NULL, *second = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < lint->config->service_count; i++) {
		const struct service_config *service = &lint->config->services[i];

		if (!is_nobody(lint, service))
			continue;
		if (first == NULL)
			first = service;
		else if (second == NULL)
			second = service;
		count++;
	}
	if (second != NULL)
		lint_add(lint, LINT_shared_nobody, second, key_place_where(second, KEY_PLACE_user),
			"%u services run programs as nobody, \"%s\" and \"%s\" among them", count,
			first->name, second->name);
}

void
lint_files_all(struct lint *lint)
{
	char open_to_all[PATH_MAX];

	judge_nobody(lint);
	for (uint32_t i = 0; i < lint->config->source_count; i++) {
		const struct where where = { .source = lint->config->sources[i] };
		auto_free char *path = NULL;

		if (where.source->folder == NULL)
			continue; /* no file */
		path = realpath(where.source->name, NULL);
		if (path != NULL && find_open(path, open_to_all))
			lint_add(lint, LINT_config_writable, NULL, &where,
				"everybody may write %s, and so decide what runs as whom",
				open_to_all);
	}
}
