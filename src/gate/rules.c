/* SPDX-License-Identifier: ISC */
/* The access rules that this gate judges by. */
#include "gate/rules.h"

#include "config/access_rule.h"
#include "effects/sealed.h"
#include "gate/setup.h"

#include <errno.h>

void
rules_fini(struct rules *rules)
{
	sealed_unmap(rules->access, rules->size);
	*rules = (struct rules){ .access = NULL };
}

static void
replace(struct rules *rules, struct rules *by)
{
	rules_fini(rules);
	*rules = *by;
	*by = (struct rules){ .access = NULL };
}

int
rules_receive(struct gate *gate, const struct message *message, const char **ret_rule)
{
	const struct setup *setup = gate->setup;
	uint32_t generation = setup ? setup->asked.generation : gate->configuration;
	uint32_t service_count = setup ? setup->asked.service_count : gate->service_count;
	struct rules rules = { .access = NULL };
	const void *bytes;
	int result;

	if (message->body.access.generation != generation)
		return 0;
	result = sealed_map(message->fds[0], &bytes, &rules.size);
	if (result < 0) {
		*ret_rule = "no sealed memory";
		return result;
	}
	rules.access = bytes;
	if (!access_is_image(bytes, rules.size, generation, service_count)) {
		rules_fini(&rules);
		*ret_rule = "no image of this configuration's rules";
		return -EPROTO;
	}
	replace(setup ? &gate->setup->rules : &gate->rules, &rules);
	return 0;
}

bool
rules_are_complete(const struct setup *setup)
{
	const struct config *config = setup->generation->config;
	const struct access *access = setup->rules.access;

	for (uint32_t i = 0; i < config->service_count; i++) {
		if (!access_rules_are_set(&config->services[i]))
			continue;
		if (!access || access_set_of(access, i) == ACCESS_NO_SET)
			return false;
	}
	return true;
}

void
rules_commit(struct gate *gate, struct setup *setup)
{
	replace(&gate->rules, &setup->rules);
	gate->configuration = setup->asked.generation;
	for (uint32_t i = 0; i < gate->service_count; i++) {
		struct service *service = gate->services[i];
		const struct access *access = gate->rules.access;
		struct access_place place;

		service->access_set = access ? access_set_of(access, i) : ACCESS_NO_SET;
		service->may_ask = service->access_set != ACCESS_NO_SET &&
			(access_asks_names(access, service->access_set) ||
				access_asks_wrap(access, service->access_set, &place));
	}
}
