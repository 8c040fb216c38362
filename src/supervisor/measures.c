/* SPDX-License-Identifier: ISC */
/* Measures of the whole, told where they change. */
#include "supervisor/measures.h"

#include <time.h>

static void
tell(const struct supervisor *supervisor, enum process_metric metric, uint64_t value)
{
	shared_tell(supervisor->shared, SHARED_SUPERVISOR, metric, value);
}

void
measures_started(const struct supervisor *supervisor)
{
	tell(supervisor, PROCESS_start_time_seconds, (uint64_t)time(NULL));
	tell(supervisor, PROCESS_gates, supervisor->gate_count);
}

void
measures_config_taken(const struct supervisor *supervisor)
{
	tell(supervisor, PROCESS_config_generation, supervisor->generation);
	tell(supervisor, PROCESS_config_time_seconds, (uint64_t)time(NULL));
	tell(supervisor, PROCESS_services, supervisor->services.config->service_count);
	tell(supervisor, PROCESS_listeners, supervisor->listeners.count);
}

void
measures_reloaded(const struct supervisor *supervisor, size_t complaints)
{
	tell(supervisor, PROCESS_config_complaints, complaints);
	shared_tell_more(supervisor->shared, SHARED_SUPERVISOR,
		complaints == 0 ? PROCESS_reloads : PROCESS_reload_failures, 1);
}

void
measures_gate_died(const struct supervisor *supervisor)
{
	shared_tell_more(supervisor->shared, SHARED_SUPERVISOR, PROCESS_gate_deaths, 1);
	measures_gates_changed(supervisor);
}

void
measures_gates_changed(const struct supervisor *supervisor)
{
	uint64_t serving = 0;

	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		serving += supervisor->gates[i].phase == CHANNEL_SERVE;
	tell(supervisor, PROCESS_gates_serving, serving);
}
