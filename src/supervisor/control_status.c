/* SPDX-License-Identifier: ISC */
/* What the daemon is and does, for those who ask over the control socket; and its end. */
#include "supervisor/control_methods.h"
#include "supervisor/gates.h"

static const char *
state_word(const struct supervisor *supervisor)
{
	if (supervisor->is_stopping)
		return "stopping";
	if (!supervisor->is_ready)
		return "starting";
	return supervisor->is_reloading ? "reloading" : "serving";
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

	return json_pack("{s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "version",
		REEVE_VERSION, "pid", (json_int_t)getpid(), "uptime_ms",
		(json_int_t)(loop_now(supervisor->loop) - supervisor->control->opened), "state",
		state_word(supervisor), "generation", (json_int_t)supervisor->generation, "gates",
		(json_int_t)supervisor->gate_count, "gates_serving",
		(json_int_t)gates_serving(supervisor), "services",
		(json_int_t)(config != NULL ? config->service_count : 0), "ports",
		(json_int_t)supervisor->listeners.count, "programs",
		(json_int_t)supervisor->handlers.count, "attempts",
		(json_int_t)supervisor->attempts, "complaints", (json_int_t)supervisor->complaints);
}

void
control_do_status(struct control_peer *peer)
{
	control_answer(peer, json_pack("{s:o}", "daemon", describe_daemon(peer->supervisor)));
}

void
control_do_stop(struct control_peer *peer)
{
	struct supervisor *supervisor = peer->supervisor;

	control_answer(peer, json_pack("{s:I}", "pid", (json_int_t)getpid()));
	supervisor_stop(supervisor, "reevectl", supervisor->services.config->daemon.grace);
}
