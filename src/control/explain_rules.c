/* SPDX-License-Identifier: ISC */
/* The rules of a configuration, made ready to judge by: as the supervisor makes them for gates. */
#include "control/explain.h"

#include "config/prefix_list.h"
#include "model/access_build.h"

#include <errno.h>
#include <grp.h>
#include <net/if.h>
#include <pwd.h>
#include <string.h>

/* A file of prefixes that was read; kept until the image is made. */
struct list {
	struct list *next;
	char *path;
	struct prefixes *prefixes;
};

/* A host that was looked up. */
struct host {
	struct host *next;
	struct host_addresses addresses;
};

struct lists {
	struct list *first;
	struct host *hosts;
	struct complaint_list *complaints;
};

static int
find_id(void *owner, const char *name, bool is_group, uint32_t *ret_id)
{
	const struct passwd *user;
	const struct group *group;
	char *end;

	(void)owner;
	*ret_id = (uint32_t)strtoul(name, &end, 10);
	if (*end == '\0' && end != name)
		return 0;
	if (is_group) {
		group = getgrnam(name);
		if (group == NULL)
			return -ENOENT;
		*ret_id = group->gr_gid;
		return 0;
	}
	user = getpwnam(name);
	if (user == NULL)
		return -ENOENT;
	*ret_id = user->pw_uid;
	return 0;
}

static uint32_t
find_interface(void *owner, const char *name)
{
	(void)owner;
	return if_nametoindex(name);
}

static int
find_host(void *owner, const char *name, bool is_deny, const struct netaddr **ret_addresses)
{
	struct lists *lists = owner;
	struct host *host = calloc(1, sizeof(*host));

	if (host == NULL)
		return -1;
	host->next = lists->hosts;
	lists->hosts = host;
	explain_look_up(name, &host->addresses);
	/* A host that is not there is one that is not known yet: who says so may be mistaken. */
	if (host->addresses.count == 0 || (host->addresses.is_cut && is_deny))
		return -1;
	*ret_addresses = host->addresses.list;
	return (int)host->addresses.count;
}

static struct prefixes *
read_list(struct lists *lists, const char *path)
{
	struct prefixes *prefixes = NULL;
	struct prefix_list read;
	size_t before = complaint_count(lists->complaints);

	prefix_list_read(&read, path, lists->complaints, NULL, NULL);
	if (complaint_count(lists->complaints) == before)
		prefixes = prefixes_new(read.prefixes, read.count);
	prefix_list_fini(&read);
	return prefixes;
}

static const struct prefixes *
find_list(void *owner, const char *path)
{
	struct lists *lists = owner;
	struct list *list = lists->first;

	while (list != NULL && strcmp(list->path, path) != 0)
		list = list->next;
	if (list != NULL)
		return list->prefixes;
	list = calloc(1, sizeof(*list));
	if (list == NULL)
		return NULL;
	list->next = lists->first;
	lists->first = list;
	list->path = strdup(path);
	if (list->path != NULL)
		list->prefixes = read_list(lists, path);
	return list->prefixes;
}

static void
forget_lists(struct lists *lists)
{
	while (lists->first != NULL) {
		struct list *list = lists->first;

		lists->first = list->next;
		free(list->prefixes);
		free(list->path);
		free(list);
	}
	while (lists->hosts != NULL) {
		struct host *host = lists->hosts;

		lists->hosts = host->next;
		free(host);
	}
}

static int
take_services(struct config *to, const struct config *config, const char *name)
{
	*to = *config;
	to->service_count = 0;
	to->services = calloc((size_t)config->service_count + 1, sizeof(*to->services));
	if (to->services == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < config->service_count; i++)
		if (strcmp(config->services[i].name, name) == 0)
			to->services[to->service_count++] = config->services[i];
	return 0;
}

int
explain_rules_make(struct explain_rules *ret_rules, const struct config *config, const char *name,
	struct complaint_list *complaints)
{
	struct lists lists = { .complaints = complaints };
	const struct access_lookup lookup = { .owner = &lists,
		.find_id = find_id,
		.find_interface = find_interface,
		.find_host = find_host,
		.find_list = find_list };
	size_t size;
	int error;

	*ret_rules = (struct explain_rules){ .access = NULL };
	policy_ports_init(&ret_rules->ports);
	policy_ports_add_config(&ret_rules->ports, config);
	error = take_services(&ret_rules->config, config, name);
	if (error == 0)
		error = access_build(&ret_rules->config, 1, &lookup, &ret_rules->access, &size);
	forget_lists(&lists);
	return error;
}

void
explain_rules_fini(struct explain_rules *rules)
{
	free(rules->access);
	free(rules->config.services);
	*rules = (struct explain_rules){ .access = NULL };
}
