/* SPDX-License-Identifier: ISC */
/* Taking a configuration over. First everything that can fail, beside what serves; then the
 * exchange, which cannot. */
#include "config/meaning.h"
#include "base/shared_log.h"
#include "gate/carry.h"
#include "base/log.h"
#include "config/log_wishes.h"
#include "gate/conn.h"
#include "gate/datagrams.h"
#include "gate/hall.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/memory.h"
#include "gate/relay.h"
#include "gate/rules.h"
#include "gate/service.h"
#include "gate/setup.h"
#include "gate/tarpit.h"

#include <errno.h>
#include <string.h>

/* Descriptors that are neither clients' nor programs': loop, channel, log, and what comes with
 * a configuration. */
#define DESCRIPTORS_RESERVED 160

/* However tight it is, one client of a program at a time is served. */
#define DESCRIPTORS_LEAST 3

/* ---------------------------------------------------------------- what can fail */

/* The service that has the row now and runs the same built-in (or is a program still): one that
 * became another thing is a new service, and its old connections end with the old one. */
static struct service *
find_kept(struct service *const *by_row, uint32_t row, const struct service_config *config)
{
	struct service *service = by_row[row];
	const struct service_ops *ops = config->builtin ? service_find(config->builtin) : NULL;
	const struct service_ops *running =
		service && service->builtin ? service->builtin->ops : NULL;

	return service && running == ops ? service : NULL;
}

static int
make_service(struct gate *gate, struct setup *setup, uint32_t index, struct service *const *by_row)
{
	struct setup_service *staged = &setup->services[index];
	const struct service_config *config = &setup->generation->config->services[index];
	struct service *service = find_kept(by_row, staged->row, config);

	if (!service) {
		service = service_new(gate, setup->generation, config, staged->row);
		if (!service)
			return -ENOMEM;
		staged->is_new = true;
		if (service->builtin) {
			service->builtin->file = staged->file;
			service->builtin->file_length = staged->file_length;
			staged->file = NULL;
		}
	}
	staged->service = service;
	return staged->is_new ? service_start(service) : 0;
}

static int
make_services(struct gate *gate, struct setup *setup)
{
	uint32_t rows = shared_rows(setup->shared);
	auto_free struct service **by_row = calloc(rows, sizeof(struct service *));
	int result = 0;

	if (!by_row)
		return -ENOMEM;
	for (uint32_t i = 0; i < gate->service_count; i++)
		if (gate->services[i]->row < rows)
			by_row[gate->services[i]->row] = gate->services[i];
	for (uint32_t i = 0; i < setup->asked.service_count && result == 0; i++) {
		result = make_service(gate, setup, i, by_row);
		by_row[setup->services[i].row] = NULL; /* a row twice is not one service twice */
	}
	return result;
}

static int
make_listeners(struct setup *setup)
{
	const struct config *config = setup->generation->config;

	for (uint32_t i = 0; i < setup->listeners_known; i++) {
		struct setup_listener *staged = &setup->listeners[i];
		const struct service_config *service = &config->services[staged->row.service];

		if (staged->listener)
			continue;
		staged->listener = listener_new(&staged->row,
			service->endpoints[staged->row.endpoint].protocol,
			util_take_fd(&staged->listen_fd));
		if (!staged->listener)
			return -ENOMEM;
	}
	return 0;
}

static int
compare_listeners(const void *a, const void *b)
{
	const struct listener *const *first = a;
	const struct listener *const *second = b;

	return ((*first)->id > (*second)->id) - ((*first)->id < (*second)->id);
}

/* By their numbers, of which none may be there twice. */
static int
sort_listeners(const struct setup *setup, struct listener **ret_listeners)
{
	uint32_t count = setup->listeners_known;

	for (uint32_t i = 0; i < count; i++)
		ret_listeners[i] = setup->listeners[i].listener;
	qsort(ret_listeners, count, sizeof(struct listener *), compare_listeners);
	for (uint32_t i = 1; i < count; i++)
		if (ret_listeners[i]->id == ret_listeners[i - 1]->id)
			return -EPROTO;
	return 0;
}

static uint32_t
count_targets(const struct setup *setup)
{
	const struct config *config = setup->generation->config;
	uint32_t count = 0;

	for (uint32_t i = 0; i < config->service_count; i++)
		count += config->services[i].keys->tcpmux != CONFIG_TCPMUX_NO;
	return count;
}

static void
take_back(struct gate *gate, struct setup *setup)
{
	for (uint32_t i = 0; i < setup->listeners_known; i++)
		if (setup->listeners[i].row.has_fd != 0)
			listener_free(setup->listeners[i].listener, gate);
	for (uint32_t i = 0; i < setup->asked.service_count; i++)
		if (setup->services[i].is_new)
			service_return(setup->services[i].service);
}

/* ---------------------------------------------------------------- the exchange */

/* Both lists are sorted; what the new one lacks is closed. */
static void
close_gone_listeners(struct gate *gate, struct listener *const *kept, uint32_t kept_count)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < gate->listener_count; i++) {
		struct listener *listener = gate->listeners[i];

		while (next < kept_count && kept[next]->id < listener->id)
			next++;
		if (next < kept_count && kept[next] == listener)
			continue;
		datagrams_forget(gate->datagrams, listener);
		listener_free(listener, gate);
	}
}

static void
exchange_listeners(struct gate *gate, uint32_t count, struct listener **listeners)
{
	for (struct service *service = gate->first_service; service; service = service->next)
		service->listeners = NULL;
	close_gone_listeners(gate, listeners, count);
	free(gate->listeners);
	gate->listeners = listeners;
	gate->listener_count = count;
}

/* `targets` has room for all of them. */
static void
exchange_targets(struct gate *gate, struct service **targets)
{
	free(gate->targets);
	gate->targets = targets;
	gate->target_count = 0;
	for (uint32_t i = 0; i < gate->service_count; i++)
		if (gate->services[i]->config->keys->tcpmux != CONFIG_TCPMUX_NO)
			targets[gate->target_count++] = gate->services[i];
}

static void
exchange_services(struct gate *gate, struct setup *setup, struct service **services)
{
	struct service **old_services = gate->services;
	uint32_t old_count = gate->service_count;
	const struct config *config = setup->generation->config;

	gate->services = services;
	gate->service_count = setup->asked.service_count;
	for (uint32_t i = 0; i < gate->service_count; i++) {
		struct setup_service *staged = &setup->services[i];

		services[i] = staged->service;
		services[i]->is_held = staged->is_held;
		if (staged->is_new)
			continue;
		service_borrow(staged->service); /* for this list; the old one's is returned */
		service_retune(staged->service, setup->generation, &config->services[i],
			staged->file, staged->file_length);
		staged->file = NULL;
	}
	for (uint32_t i = 0; i < old_count; i++)
		service_return(old_services[i]);
	free(old_services);
}

/* Ports that datagrams of this configuration are answered on. */
static void
note_own_ports(struct gate *gate, const struct setup *setup)
{
	const struct config *config = setup->generation->config;

	policy_ports_init(&gate->own_ports);
	policy_ports_add_config(&gate->own_ports, config);
	/* Those whose port the kernel picked. */
	for (uint32_t i = 0; i < setup->listeners_known; i++) {
		const struct setup_listener *staged = &setup->listeners[i];

		if (config_answers_datagrams(&config->services[staged->row.service],
			    staged->listener->protocol))
			policy_ports_add(&gate->own_ports, staged->listener->address.port);
	}
}

static void
exchange_rest(struct gate *gate, struct setup *setup)
{
	const struct message_config *asked = &setup->asked;
	struct shared *old_shared = gate->shared;
	struct shared_sources *old_sources = gate->sources;
	uint32_t reserved = DESCRIPTORS_RESERVED + asked->listener_count;

	gate->shared = setup->shared;
	setup->shared = old_shared;
	gate->sources = setup->sources;
	setup->sources = old_sources;
	memory_fini(&gate->memory);
	gate->memory = setup->memory;
	memory_init(&setup->memory);
	gate->number = asked->gate;
	gate->gate_count = asked->gate_count;
	gate->writer = asked->writer;
	gate->instance = asked->instance;
	log_keep(log_ring_add, shared_log(gate->shared, gate->writer));
	gate->descriptors_max = asked->descriptors > reserved + DESCRIPTORS_LEAST
		? asked->descriptors - reserved
		: DESCRIPTORS_LEAST;
	generation_return(gate->generation);
	gate->generation = setup->generation;
	gate->generation->users++;
}

static void
serve(struct gate *gate, const struct setup *setup)
{
	gate->has_sensors = false;
	for (uint32_t i = 0; i < gate->service_count; i++) {
		gate->has_sensors |= gate->services[i]->config->keys->sensor != 0;
		limits_retuned(gate->services[i]);
	}
	for (uint32_t i = 0; i < setup->listeners_known; i++) {
		const struct setup_listener *staged = &setup->listeners[i];

		listener_serve(staged->listener, gate->services[staged->row.service]);
	}
	for (uint32_t i = 0; i < gate->service_count; i++) {
		if (gate->services[i]->builtin)
			conn_restart_idle(gate->services[i]->builtin);
		if (gate->services[i]->is_full) /* there may be more places now */
			listener_resume_service(gate->services[i]);
	}
	hall_forget_gone(gate);
	tarpits_forget_gone(gate);
	carry_forget_gone(gate);
	carry_restart_idle(gate);
	relays_restart_timers(gate);
}

/* All that the exchange takes, made before it. */
struct exchange {
	struct service **services;
	struct service **targets;
	struct listener **listeners;
};

static int
prepare(struct gate *gate, struct setup *setup, struct exchange *exchange)
{
	uint32_t count = setup->asked.service_count;
	int result;

	exchange->services = calloc((size_t)count + 1, sizeof(struct service *));
	exchange->targets = calloc((size_t)count_targets(setup) + 1, sizeof(struct service *));
	exchange->listeners = calloc((size_t)setup->listeners_known + 1, sizeof(struct listener *));
	if (!exchange->services || !exchange->targets || !exchange->listeners)
		return -ENOMEM;
	result = make_services(gate, setup);
	if (result == 0)
		result = make_listeners(setup);
	return result < 0 ? result : sort_listeners(setup, exchange->listeners);
}

static void
take_log_wishes(const struct gate *gate)
{
	size_t count = 0;
	struct log_policy *policies = log_wishes_read(gate->generation->config, &count);

	log_set_policies(policies, count);
}

int
setup_commit(struct gate *gate)
{
	struct setup *setup = gate->setup;
	struct exchange exchange = { .services = NULL };
	int result = prepare(gate, setup, &exchange);

	if (result == 0) {
		note_own_ports(gate, setup);
		exchange_rest(gate, setup);
		take_log_wishes(gate);
		exchange_listeners(gate, setup->listeners_known, exchange.listeners);
		exchange_services(gate, setup, exchange.services);
		exchange_targets(gate, exchange.targets);
		rules_commit(gate, setup);
		serve(gate, setup);
	} else {
		take_back(gate, setup);
		free(exchange.services);
		free(exchange.targets);
		free(exchange.listeners);
	}
	gate->setup = setup_free(setup);
	return result;
}
