/* SPDX-License-Identifier: ISC */
/* What the programs of services that set the same have in common. */
#include "supervisor/outfits.h"

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
set_limits(const struct program_maker *maker, struct outfit *outfit)
{
	int error = world_limits(maker, outfit->keys, &outfit->limits, &outfit->world.limit_count);

	outfit->world.limits = outfit->limits;
	return error;
}

const struct outfit *
outfit_find(const struct program_maker *maker, const struct service_keys *keys,
	const struct account *account)
{
	struct outfit *outfit = map_find(maker->outfits, &keys, sizeof(keys));

	if (outfit != NULL)
		return outfit;
	outfit = calloc(1, sizeof(*outfit));
	if (outfit == NULL)
		return NULL;
	outfit->keys = keys;
	outfit->next = maker->set->outfits;
	maker->set->outfits = outfit;
	outfit->world.identity = account->identity;
	world_set(maker, &outfit->world, keys);
	if (set_environment(outfit, account) < 0 || set_limits(maker, outfit) < 0 ||
		map_add(maker->outfits, &outfit->keys, sizeof(outfit->keys), outfit) < 0)
		return NULL;
	return outfit;
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
