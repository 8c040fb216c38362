/* SPDX-License-Identifier: ISC */
/* Accounts: whom programs run as, looked up once for all services that name the same. */
#include "supervisor/accounts.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

static bool
is_same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static char *
variable_new(const char *name, const char *value)
{
	char *text = NULL;

	return asprintf(&text, "%s=%s", name, value) < 0 ? NULL : text;
}

static int
set_variables(struct account *account, const char *name, const char *home, const char *shell)
{
	const char *const pairs[4][2] = {
		{ "HOME", home },
		{ "USER", name },
		{ "LOGNAME", name },
		{ "SHELL", shell },
	};

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		account->variables[i] = variable_new(pairs[i][0], pairs[i][1]);
		if (account->variables[i] == NULL)
			return -ENOMEM;
		account->variable_count = i + 1;
	}
	return 0;
}

/* A uid without an entry has no name to give; its programs live in the root folder. */
static int
set_variables_of_identity(struct account *account)
{
	const struct identity *who = &account->identity;

	if (who->name == NULL) {
		account->variables[0] = variable_new("HOME", "/");
		account->variable_count = account->variables[0] != NULL ? 1 : 0;
		return account->variables[0] != NULL ? 0 : -ENOMEM;
	}
	return set_variables(account, who->name, who->home, who->shell);
}

static int
set_variables_of_ourselves(struct account *account)
{
	const struct passwd *entry = getpwuid(geteuid());

	if (entry == NULL)
		return set_variables_of_identity(account);
	return set_variables(account, entry->pw_name, entry->pw_dir,
		entry->pw_shell[0] != '\0' ? entry->pw_shell : "/bin/sh");
}

static bool
are_same_names(char *const *a, char *const *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	for (; *a != NULL && *b != NULL; a++, b++)
		if (strcmp(*a, *b) != 0)
			return false;
	return *a == *b;
}

static bool
is_account_of(const struct account *account, const struct service_keys *keys)
{
	if (account->keys == NULL || keys->user == NULL)
		return account->keys == NULL && keys->user == NULL;
	return is_same_text(account->keys->user, keys->user) &&
		is_same_text(account->keys->group, keys->group) &&
		are_same_names(account->keys->groups, keys->groups);
}

static int
account_fill(struct account *account, const struct service_keys *keys)
{
	int error;

	if (keys->user == NULL)
		return set_variables_of_ourselves(account);
	account->keys = keys;
	error = priv_look_up(&account->identity, keys->user, keys->group, keys->groups);
	if (error < 0)
		return error;
	/* Without root the only user is the one we are: nothing has to be set. */
	if (!priv_is_root())
		account->identity.is_set = false;
	return set_variables_of_identity(account);
}

struct account *
account_find(struct account **accounts, const struct service_keys *keys, int *ret_error)
{
	struct account *account;

	for (account = *accounts; account != NULL; account = account->next)
		if (is_account_of(account, keys))
			return account;
	account = calloc(1, sizeof(*account));
	if (account == NULL) {
		*ret_error = -ENOMEM;
		return NULL;
	}
	*ret_error = account_fill(account, keys);
	if (*ret_error < 0) {
		(void)accounts_free(account);
		return NULL;
	}
	account->next = *accounts;
	*accounts = account;
	return account;
}

struct account *
accounts_free(struct account *accounts)
{
	while (accounts != NULL) {
		struct account *next = accounts->next;

		priv_identity_fini(&accounts->identity);
		for (size_t i = 0; i < accounts->variable_count; i++)
			free(accounts->variables[i]);
		free(accounts);
		accounts = next;
	}
	return NULL;
}
