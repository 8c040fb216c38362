/* SPDX-License-Identifier: ISC */
/* Who may speak for others. */
#include "model/proxies.h"

#include "model/prefixes.h"

#include <string.h>

struct proxies {
	struct prefixes *set;
	bool has_unix;
};

struct proxies *
proxies_new(char *const *words)
{
	struct proxies *proxies = calloc(1, sizeof(*proxies));
	auto_free struct prefix *list = NULL;
	size_t count = 0;

	for (char *const *word = words; word && *word; word++)
		count++;
	list = calloc(count + 1, sizeof(*list));
	if (!proxies || !list)
		return proxies_free(proxies);
	count = 0;
	for (char *const *word = words; word && *word; word++) {
		if (strcmp(*word, "unix") == 0)
			proxies->has_unix = true;
		else if (!prefix_parse(&list[count], *word, strlen(*word), PREFIX_EXACT))
			count++;
	}
	proxies->set = prefixes_new(list, count);
	return proxies->set ? proxies : proxies_free(proxies);
}

struct proxies *
proxies_free(struct proxies *proxies)
{
	if (!proxies)
		return NULL;
	free(proxies->set);
	free(proxies);
	return NULL;
}

bool
proxies_has(const struct proxies *proxies, const struct netaddr *peer)
{
	if (!proxies)
		return false;
	if (peer->family == AF_UNIX)
		return proxies->has_unix;
	return prefixes_find(proxies->set, peer).length >= 0;
}
