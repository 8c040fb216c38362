/* SPDX-License-Identifier: ISC */
/* The packet filter's sets that bans go to: do their names name one? Whether they are there is for
 * nft(8) to say, for they may be made later. */
#include "config/check.h"

#include <ctype.h>
#include <string.h>

#define NAME_MOST 255

static bool
is_family(const char *word, size_t length)
{
	static const char *const families[] = { "ip", "ip6", "inet", "bridge", "netdev" };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (length == strlen(families[i]) && strncmp(word, families[i], length) == 0)
			return true;
	return false;
}

/* As nft takes it without quotes, and nothing that it could take for another command. */
static bool
is_name(const char *word, size_t length)
{
	if (length == 0 || length > NAME_MOST || !isascii(*word) || !isalpha((unsigned char)*word))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isascii(word[i]) ||
			(!isalnum((unsigned char)word[i]) && strchr("_-.", word[i]) == NULL))
			return false;
	return true;
}

static const char *
mistake_in_set(const char *text)
{
	size_t family = strcspn(text, " ");
	const char *table = text + family + strspn(text + family, " ");
	size_t table_length = strcspn(table, " ");
	const char *set = table + table_length + strspn(table + table_length, " ");

	if (!is_family(text, family))
		return "does not begin with one of ip, ip6, inet, bridge, netdev";
	if (!is_name(table, table_length))
		return "has no name of a table as its second word";
	if (!is_name(set, strlen(set)))
		return "has no name of a set as its third and last word";
	return NULL;
}

void
check_daemon_filter(struct check *check)
{
	const struct config_daemon *daemon = &check->config->daemon;
	const struct {
		const char *key;
		const char *text;
		size_t place;
	} sets[] = {
		{ "daemon.nft_set4", daemon->nft_set4, KEY_PLACE_nft_set4 },
		{ "daemon.nft_set6", daemon->nft_set6, KEY_PLACE_nft_set6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		const char *mistake = sets[i].text != NULL ? mistake_in_set(sets[i].text) : NULL;

		if (mistake != NULL)
			complain(check->complaints, &check->config->daemon_where[sets[i].place],
				sets[i].key,
				"\"%.60s\" %s; wanted: family, table and set, as \"inet filter "
				"banned\"",
				sets[i].text, mistake);
	}
}
