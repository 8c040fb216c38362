/* SPDX-License-Identifier: ISC */
/* What the programs of services that set the same have in common. */
#include "supervisor/outfits.h"

#include "config/key_place.h"
#include "config/keys.h"
#include "supervisor/accounts.h"
#include "supervisor/error_files.h"
#include "supervisor/world.h"

#include <errno.h>
#include <string.h>

/* Who has a terminal is at the other end of a network: nobody knows what his can do. */
#define HANDLER_TERM "TERM=dumb"
#define HANDLER_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static size_t
list_length(char *const *list)
{
	size_t length = 0;

	while (list != NULL && list[length] != NULL)
		length++;
	return length;
}

/* NAME=VALUE as it stands in our own environment; NULL if it is not set. */
static char *
find_own_variable(const char *name)
{
	size_t length = strlen(name);

	for (char **variable = environ; *variable != NULL; variable++)
		if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
			return *variable;
	return NULL;
}

/* A later value of a name takes the place of the earlier one: getenv(3) takes the first. */
static void
add_variable(struct outfit *outfit, char *variable)
{
	size_t length = strcspn(variable, "=") + 1;

	for (size_t i = 0; i < outfit->environment_count; i++)
		if (strncmp(outfit->environment[i], variable, length) == 0) {
			outfit->environment[i] = variable;
			return;
		}
	outfit->environment[outfit->environment_count++] = variable;
}

/* The strings are the account's, the configuration's and our own environment's. */
static int
set_environment(struct outfit *outfit, const struct account *account)
{
	const struct service_keys *keys = outfit->keys;
	size_t room = 2 + account->variable_count + list_length(keys->env) +
		list_length(keys->passenv) + HANDLER_VARIABLES_MAX + 1;

	outfit->environment = calloc(room, sizeof(char *));
	if (outfit->environment == NULL)
		return -ENOMEM;
	/* execve(2) takes the strings as they are; nobody writes to them. */
	add_variable(outfit, (char *)(uintptr_t)HANDLER_PATH);
	for (size_t i = 0; i < account->variable_count; i++)
		add_variable(outfit, account->variables[i]);
	if (keys->stdio == CONFIG_STDIO_PTY)
		add_variable(outfit, (char *)(uintptr_t)HANDLER_TERM);
	for (char **name = keys->passenv; name != NULL && *name != NULL; name++) {
		char *variable = find_own_variable(*name);

		if (variable != NULL)
			add_variable(outfit, variable);
	}
	for (char **variable = keys->env; variable != NULL && *variable != NULL; variable++)
		add_variable(outfit, *variable);
	return 0;
}

static int
set_world(const struct program_maker *maker, struct outfit *outfit, const struct account *account)
{
	struct spawn_world *world = &outfit->world;
	int error = world_limits(maker, outfit->keys, &outfit->limits, &world->limit_count);

	world->limits = outfit->limits;
	world->identity = account->identity;
	world_set(maker, world, outfit->keys);
	return error;
}

static const char *
why_no_file(int error)
{
	if (error == -EINVAL)
		return "it is no regular file";
	if (error == -EMLINK)
		return "it has further names, so it may be another's";
	return strerror(-error);
}

static int
set_error_output(const struct program_maker *maker, struct outfit *outfit,
	const struct service_config *service)
{
	const char *text = service->keys->stderr;

	outfit->error_fd = ERROR_TO_LOG;
	/* Programs write their prompts there, and look there for a terminal. */
	if (strcmp(text, "client") == 0 ||
		(service->keys->stdio == CONFIG_STDIO_PTY && strcmp(text, "log") == 0))
		outfit->error_fd = ERROR_TO_CLIENT;
	else if (strcmp(text, "null") == 0)
		outfit->error_fd = maker->supervisor->null_fd;
	else if (*text == '/')
		outfit->error_fd = error_file_find(&maker->set->error_files, text);
	else
		return 0;
	if (*text != '/' || outfit->error_fd >= 0)
		return 0;
	complain(maker->complaints, key_place_where(service, KEY_PLACE_stderr), "stderr",
		"the file %.200s cannot be appended to: %s", text, why_no_file(outfit->error_fd));
	return outfit->error_fd;
}

static const struct account *
find_account(const struct program_maker *maker, const struct service_config *service,
	int *ret_error)
{
	const struct identity *gate = &maker->supervisor->gate_identity;
	const struct account *account =
		account_find(&maker->set->accounts, service->keys, ret_error);

	if (account == NULL)
		return NULL;
	/* Whoever shares a uid may stop the other for good with one signal. */
	if (account->identity.is_set && gate->is_set && account->identity.uid == gate->uid) {
		complain(maker->complaints, key_place_where(service, KEY_PLACE_user), "user",
			"a program is to run as the user of the gates, which it could stop: choose "
			"another, or set daemon.gate_user");
		*ret_error = -EUSERS;
		return NULL;
	}
	return account;
}

static int
fill(const struct program_maker *maker, struct outfit *outfit, const struct service_config *service)
{
	int error = 0;
	const struct account *account = find_account(maker, service, &error);

	if (account == NULL)
		return error;
	error = set_world(maker, outfit, account);
	if (error == 0)
		error = set_environment(outfit, account);
	return error < 0 ? error : set_error_output(maker, outfit, service);
}

int
outfit_find(const struct program_maker *maker, const struct service_config *service,
	const struct outfit **ret_outfit)
{
	const struct service_keys *keys = service->keys;
	struct outfit *outfit = map_find(maker->outfits, &keys, sizeof(keys));
	int error = 0;

	if (outfit == NULL) {
		outfit = calloc(1, sizeof(*outfit));
		if (outfit == NULL)
			return -ENOMEM;
		outfit->keys = keys;
		outfit->next = maker->set->outfits;
		maker->set->outfits = outfit;
		error = fill(maker, outfit, service);
		if (error == 0)
			error = map_add(maker->outfits, &outfit->keys, sizeof(keys), outfit);
	}
	if (error == 0)
		*ret_outfit = outfit;
	return error;
}

struct outfit *
outfits_free(struct outfit *outfits)
{
	while (outfits != NULL) {
		struct outfit *next = outfits->next;

		free(outfits->environment);
		free(outfits->limits);
		free(outfits);
		outfits = next;
	}
	return NULL;
}
