/* SPDX-License-Identifier: ISC */
/* Hosts that access rules name: what is known of them. */
#include "supervisor/hosts.h"

#include "supervisor/gates.h"
#include "supervisor/rules.h"

#include <errno.h>
#include <string.h>

#define PATIENCE_MS 2000 /* with the first look-ups */

static const struct rule_host *
find(const struct rule_host *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

static void
host_free(struct rule_host *host)
{
	if (host != NULL)
		free(host->name);
	if (host != NULL)
		free(host->addresses);
	free(host);
}

static int
copy_known(struct rule_host *host, const struct rule_host *known)
{
	size_t size = known->address_count * sizeof(*host->addresses);

	host->is_cut = known->is_cut;
	host->is_known = known->is_known;
	host->is_failing = known->is_failing;
	host->is_stale = known->is_stale;
	host->fine = known->fine;
	if (size == 0)
		return 0;
	host->addresses = malloc(size);
	if (host->addresses == NULL)
		return -ENOMEM;
	memcpy(host->addresses, known->addresses, size);
	host->address_count = known->address_count;
	return 0;
}

int
hosts_add(struct rule_host **list, const struct rule_host *known, const char *name)
{
	const struct rule_host *before = find(known, name);
	struct rule_host *host;
	int error = 0;

	if (find(*list, name) != NULL)
		return 0;
	host = calloc(1, sizeof(*host));
	if (host == NULL)
		return -ENOMEM;
	host->name = strdup(name);
	if (host->name == NULL)
		error = -ENOMEM;
	else if (before != NULL)
		error = copy_known(host, before);
	if (error < 0) {
		host_free(host);
		return error;
	}
	host->number = *list != NULL ? (*list)->number + 1 : 0;
	host->next = *list;
	*list = host;
	return 0;
}

void
hosts_free(struct rule_host **list)
{
	while (*list != NULL) {
		struct rule_host *host = *list;

		*list = host->next;
		host_free(host);
	}
}

int
hosts_find(const struct rule_host *list, const char *name, bool is_deny,
	const struct netaddr **ret_addresses)
{
	const struct rule_host *host = find(list, name);

	if (host == NULL || !host->is_known || (host->is_cut && is_deny))
		return -1;
	*ret_addresses = host->addresses;
	return host->is_stale && !is_deny ? 0 : (int)host->address_count;
}

/* --- what is found */

static void
watch_age(struct supervisor *supervisor)
{
	msec keep = supervisor->services.config->daemon.names_keep;
	msec due = INT64_MAX;

	for (const struct rule_host *host = supervisor->rules.hosts; host != NULL;
		host = host->next)
		if (host->is_known && host->is_failing && !host->is_stale &&
			host->fine + keep < due)
			due = host->fine + keep;
	if (due == INT64_MAX)
		loop_stop_timer(supervisor->loop, &supervisor->host_timer);
	else
		(void)loop_set_timer(supervisor->loop, &supervisor->host_timer, due);
}

static void
hosts_age(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, host_timer);
	msec keep = supervisor->services.config->daemon.names_keep;

	for (struct rule_host *host = supervisor->rules.hosts; host != NULL; host = host->next) {
		if (!host->is_known || !host->is_failing || host->is_stale ||
			host->fine + keep > now)
			continue;
		host->is_stale = true;
		host->is_cut = false; /* it may have none by now; the last ones are what is known */
		LOG(host_stale, .host = host->name, .addresses = host->address_count);
		rules_ask_renewal(supervisor);
	}
	watch_age(supervisor);
}

static bool
is_same(const struct rule_host *host, const struct message *message)
{
	return host->address_count == message->row_count &&
		host->is_cut == (message->body.addresses.is_cut != 0) &&
		(message->row_count == 0 ||
			memcmp(host->addresses, message->rows,
				message->row_count * sizeof(struct netaddr)) == 0);
}

static int
take_addresses(struct rule_host *host, const struct message *message)
{
	size_t size = message->row_count * sizeof(struct netaddr);
	struct netaddr *addresses = malloc(size + 1);

	if (addresses == NULL)
		return -ENOMEM;
	memcpy(addresses, message->rows, size);
	free(host->addresses);
	host->addresses = addresses;
	host->address_count = message->row_count;
	host->is_cut = message->body.addresses.is_cut != 0;
	return 0;
}

static void
note_fine(struct supervisor *supervisor, struct rule_host *host, const struct message *message)
{
	bool is_new = !host->is_known || host->is_stale || !is_same(host, message);

	host->fine = loop_now(supervisor->loop);
	if (is_new && take_addresses(host, message) < 0)
		return; /* it is told again */
	if ((is_new || host->is_failing) && host->is_cut)
		LOG(host_cut, .host = host->name, .addresses = host->address_count);
	else if (is_new || host->is_failing)
		LOG(host_known, .host = host->name, .addresses = host->address_count);
	host->is_known = true;
	host->is_failing = host->is_stale = false;
	if (is_new)
		rules_ask_renewal(supervisor);
}

static void
note_failure(struct rule_host *host, uint32_t error)
{
	if (!host->is_failing)
		LOG(host_unknown, .host = host->name,
			.problem = error == NAMES_NONE
				? "there is no such host, or it has no address"
				: "no server answers",
			.addresses = host->address_count);
	host->is_failing = true;
}

/* --- the first ones */

static uint32_t
count_unasked(const struct supervisor *supervisor)
{
	uint32_t count = 0;

	for (const struct rule_host *host = supervisor->rules.hosts; host != NULL;
		host = host->next)
		count += !host->is_known && !host->is_failing;
	return count;
}

static void
start_gates(struct supervisor *supervisor)
{
	loop_stop_timer(supervisor->loop, &supervisor->first_hosts);
	if (supervisor->is_stopping)
		return;
	rules_renew(supervisor);
	gates_start(supervisor);
}

static void
patience_is_over(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, first_hosts);

	(void)now;
	LOG(hosts_late, .hosts = count_unasked(supervisor));
	start_gates(supervisor);
}

void
hosts_await(struct supervisor *supervisor)
{
	struct loop *loop = supervisor->loop;

	supervisor->first_hosts.expired = patience_is_over;
	if (count_unasked(supervisor) == 0 ||
		loop_set_timer(loop, &supervisor->first_hosts, loop_now(loop) + PATIENCE_MS) < 0)
		start_gates(supervisor);
}

/* --- what is told */

static struct rule_host *
find_number(struct rule_host *list, uint32_t number)
{
	while (list != NULL && list->number != number)
		list = list->next;
	return list;
}

static const char *
find_lie(const struct message *message)
{
	const struct message_addresses_row *rows = message->rows;

	for (uint32_t i = 0; i < message->row_count; i++)
		if (rows[i].address.family != AF_INET && rows[i].address.family != AF_INET6)
			return "it names an address of no family";
	return (message->body.addresses.error == NAMES_FINE) == (message->row_count > 0)
		? NULL
		: "it says that it has found what it has not";
}

const char *
hosts_take(struct supervisor *supervisor, const struct message *message)
{
	const struct message_addresses *said = &message->body.addresses;
	struct rule_host *host;
	const char *lie = find_lie(message);

	if (lie != NULL)
		return lie;
	if (said->generation != supervisor->rules.generation)
		return NULL; /* it was under way when the rules changed */
	host = find_number(supervisor->rules.hosts, said->host);
	if (host == NULL)
		return "it names no host";
	if (said->error == NAMES_FINE)
		note_fine(supervisor, host, message);
	else
		note_failure(host, said->error);
	watch_age(supervisor);
	if (supervisor->first_hosts.place != 0 && count_unasked(supervisor) == 0)
		start_gates(supervisor);
	return NULL;
}

void
hosts_swap(struct supervisor *supervisor)
{
	supervisor->host_timer.expired = hosts_age;
	watch_age(supervisor);
}

void
hosts_fini(struct supervisor *supervisor)
{
	loop_stop_timer(supervisor->loop, &supervisor->host_timer);
	loop_stop_timer(supervisor->loop, &supervisor->first_hosts);
}
