/* SPDX-License-Identifier: ISC */
/* From keys to policies. */
#include "config/log_wishes.h"

#include "base/log.h"

#include <string.h>

static unsigned int
read_words(enum log_list list, char *const *word)
{
	unsigned int words = 0;

	if (word == NULL)
		return log_policy_all(list);
	for (; *word != NULL; word++) {
		int number = log_policy_word(list, *word);

		words |= number >= 0 ? 1u << number : 0;
	}
	return words;
}

static bool
has_wishes(const struct service_keys *keys)
{
	return keys->log_events != CONFIG_LOG_EVENTS_ALL || keys->log_on_success != NULL ||
		keys->log_on_failure != NULL;
}

static int
level_of(int64_t events)
{
	static const int levels[] = {
		[CONFIG_LOG_EVENTS_NONE] = 0,
		[CONFIG_LOG_EVENTS_ERR] = LOG_LEVEL_ERR,
		[CONFIG_LOG_EVENTS_WARNING] = LOG_LEVEL_WARNING,
		[CONFIG_LOG_EVENTS_NOTICE] = LOG_LEVEL_NOTICE,
		[CONFIG_LOG_EVENTS_INFO] = LOG_LEVEL_INFO,
		[CONFIG_LOG_EVENTS_ALL] = LOG_LEVEL_DEBUG,
	};

	return levels[events];
}

struct log_policy *
log_wishes_read(const struct config *config, size_t *ret_count)
{
	struct log_policy *policies = NULL;
	size_t wishing = 0;
	size_t count = 0;

	/* One of a name that has none wants all, which goes for the others of that name. */
	for (uint32_t i = 0; i < config->service_count; i++)
		wishing += has_wishes(config->services[i].keys);
	if (wishing > 0)
		policies = calloc(config->service_count, sizeof(*policies));
	for (uint32_t i = 0; policies != NULL && i < config->service_count; i++) {
		const struct service_keys *keys = config->services[i].keys;
		struct log_policy *policy = &policies[count++];

		(void)strncpy(policy->service, config->services[i].name,
			sizeof(policy->service) - 1);
		policy->level = level_of(keys->log_events);
		policy->success = read_words(LOG_LIST_SUCCESS, keys->log_on_success);
		policy->failure = read_words(LOG_LIST_FAILURE, keys->log_on_failure);
	}
	*ret_count = log_policy_settle(policies, count);
	return policies;
}
