/* SPDX-License-Identifier: ISC */
/* What the daemon and its services are and do, for those who ask over the control socket. */
#include "base/shared_places.h"
#include "base/shared_view.h"
#include "supervisor/control_describe.h"
#include "supervisor/control_methods.h"

#include <string.h>

static const char *
daemon_state(const struct supervisor *supervisor)
{
	if (supervisor->is_stopping)
		return "stopping";
	if (!supervisor->is_ready)
		return "starting";
	return supervisor->is_reloading ? "reloading" : "serving";
}

/* Services that hold nine tenths of what they may. */
static json_t *
describe_near_limits(const struct supervisor *supervisor)
{
	const struct config *config = supervisor->services.config;
	json_t *names = json_array();

	for (uint32_t i = 0; config != NULL && i < config->service_count; i++) {
		const struct service_config *service = &config->services[i];
		int64_t active =
			shared_active(supervisor->shared, supervisor->services.served[i]->row);

		if (active > 0 &&
			active >= service->keys->instances - service->keys->instances / 10)
			(void)json_array_append_new(names, control_string(service->name));
	}
	return names;
}

static uint32_t
gates_serving(const struct supervisor *supervisor)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		count += supervisor->gates[i].phase == CHANNEL_SERVE;
	return count;
}

static json_t *
describe_daemon(const struct supervisor *supervisor)
{
	const struct config *config = supervisor->services.config;

	return json_pack("{s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
		"version", REEVE_VERSION, "pid", (json_int_t)getpid(), "uptime_ms",
		(json_int_t)(loop_now(supervisor->loop) - supervisor->control->opened), "state",
		daemon_state(supervisor), "generation", (json_int_t)supervisor->generation, "gates",
		(json_int_t)supervisor->gate_count, "gates_serving",
		(json_int_t)gates_serving(supervisor), "services",
		(json_int_t)(config != NULL ? config->service_count : 0), "ports",
		(json_int_t)supervisor->listeners.count, "programs",
		(json_int_t)supervisor->handlers.count, "attempts",
		(json_int_t)supervisor->attempts, "complaints", (json_int_t)supervisor->complaints,
		"near_limits", describe_near_limits(supervisor));
}

/* --- services */

static const char *
service_state(const struct supervisor *supervisor, const struct served *served, int64_t instances)
{
	switch (served->hold) {
	case HOLD_PAUSED:
		return "paused";
	case HOLD_DRAINING:
		return shared_active(supervisor->shared, served->row) > 0 ? "draining" : "drained";
	case HOLD_DRAINED:
		return "drained";
	case HOLD_NONE:
		break;
	}
	if (shared_ceiling(supervisor->shared, served->row) != SHARED_NO_CEILING)
		return "throttled";
	return shared_is_full(supervisor->shared, served->row, instances) ? "full" : "open";
}

/* Counters that are zero are left out: most are. */
static json_t *
describe_counters(const struct supervisor *supervisor, uint32_t row)
{
	static const char *const names[METRIC_COUNT] = {
#define METRIC(name, kind, help) [METRIC_##name] = #name,
#include "base/metrics.def"
#undef METRIC
	};
	json_t *counters = json_object();

	for (unsigned i = 0; i < METRIC_COUNT; i++) {
		uint64_t value = shared_read(supervisor->shared, row, (enum metric)i);

		if (value > 0)
			(void)json_object_set_new(counters, names[i],
				json_integer((json_int_t)value));
	}
	return counters;
}

static json_t *
describe_service(const struct supervisor *supervisor, uint32_t index, json_t *endpoints)
{
	const struct service_config *service = &supervisor->services.config->services[index];
	const struct served *served = supervisor->services.served[index];
	int64_t instances = service->keys->instances;

	return json_pack("{s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "name",
		control_string(service->name), "handler", control_handler(service), "state",
		service_state(supervisor, served, instances), "row", (json_int_t)served->row,
		"active", (json_int_t)shared_active(supervisor->shared, served->row), "instances",
		(json_int_t)instances, "programs", (json_int_t)served->handler_count, "endpoints",
		endpoints, "settings", control_describe_settings(supervisor, service->name),
		"counters", describe_counters(supervisor, served->row));
}

/* The sockets lie in the order of the services. */
static json_t *
describe_services(const struct supervisor *supervisor, const char *only)
{
	const struct listener_set *set = &supervisor->listeners;
	const struct config *config = supervisor->services.config;
	json_t *services = json_array();
	size_t slot = 0;

	for (uint32_t i = 0; config != NULL && i < config->service_count; i++) {
		json_t *endpoints = json_array();

		for (; slot < set->count && set->slots[slot].service == i; slot++)
			(void)json_array_append_new(endpoints,
				control_endpoint(set->slots[slot].listener));
		if (only == NULL || strcmp(config->services[i].name, only) == 0)
			(void)json_array_append_new(services,
				describe_service(supervisor, i, endpoints));
		else
			json_decref(endpoints);
	}
	return services;
}

void
control_do_status(struct control_peer *peer)
{
	const char *only = control_text(peer, "service");
	struct supervisor *supervisor = peer->supervisor;

	if (only != NULL && control_find_service(peer, only) == NULL)
		return;
	control_answer(peer,
		json_pack("{s:o, s:o}", "daemon", describe_daemon(supervisor), "services",
			describe_services(supervisor, only)));
}

/* --- ports */

static json_t *
describe_port(const struct supervisor *supervisor, const struct listener_slot *slot)
{
	const struct service_config *service =
		&supervisor->services.config->services[slot->service];
	const struct served *served = supervisor->services.served[slot->service];
	json_t *port = control_endpoint(slot->listener);
	uint32_t row = served->row;
	const struct shared *shared = supervisor->shared;

	(void)json_object_update_new(port,
		json_pack("{s:o, s:o, s:s, s:I, s:I, s:I, s:I, s:I}", "service",
			control_string(service->name), "handler", control_handler(service), "state",
			service_state(supervisor, served, service->keys->instances), "row",
			(json_int_t)row, "active", (json_int_t)shared_active(shared, row),
			"connections", (json_int_t)shared_read(shared, row, METRIC_connections),
			"handlers", (json_int_t)shared_read(shared, row, METRIC_handlers),
			"datagrams",
			(json_int_t)shared_read(shared, row, METRIC_received_datagrams)));
	return port;
}

void
control_do_list(struct control_peer *peer)
{
	const struct listener_set *set = &peer->supervisor->listeners;
	json_t *ports = json_array();

	for (size_t i = 0; i < set->count; i++)
		(void)json_array_append_new(ports, describe_port(peer->supervisor, &set->slots[i]));
	control_answer(peer, json_pack("{s:o}", "ports", ports));
}

/* --- counters */

void
control_do_counters(struct control_peer *peer)
{
	const struct supervisor *supervisor = peer->supervisor;
	json_t *rows = json_array();
	int view_fd = shared_open_view(supervisor->shared_fd);

	if (view_fd < 0) {
		json_decref(rows);
		control_fail_reason(peer, "the shared memory cannot be opened for reading");
		return;
	}
	for (uint32_t row = 0; row < supervisor->row_count; row++)
		if (supervisor->rows[row] != NULL)
			(void)json_array_append_new(rows,
				json_pack("{s:o, s:I}", "service",
					control_string(supervisor->rows[row]->name), "row",
					(json_int_t)row));
	control_answer_with(peer, json_pack("{s:o}", "rows", rows), view_fd);
}

/* --- the end */

void
control_do_stop(struct control_peer *peer)
{
	struct supervisor *supervisor = peer->supervisor;

	control_answer(peer, json_pack("{s:I}", "pid", (json_int_t)getpid()));
	supervisor_stop(supervisor, "reevectl", supervisor->services.config->daemon.grace);
}
