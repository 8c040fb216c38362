/* SPDX-License-Identifier: ISC */
/* In, or away. */
#include "gate/entrance.h"

#include "gate/admission.h"
#include "gate/conn.h"
#include "gate/limits.h"
#include "gate/listener.h"
#include "gate/relay.h"
#include "gate/service.h"
#include "gate/spawn_request.h"

void
entrance_serve(const struct entrant *entrant)
{
	const struct service *service = entrant->service;

	if (service->builtin.ops) {
		service_observe(service, HISTOGRAM_accept_to_handler_seconds,
			shared_clock_us() - entrant->accepted_us);
		conn_begin(entrant);
	} else if (relay_serves(service)) {
		relay_begin(entrant);
	} else {
		spawn_request_send(entrant);
	}
}

bool
entrance_judge_and_serve(struct entrant *entrant)
{
	const struct admission_client client = { .peer = &entrant->peer,
		.conn_fd = entrant->conn_fd,
		.is_named = entrant->proxy.family != AF_UNSPEC };

	if (!admission_judge_stream(entrant->service, &client, &entrant->source)) {
		entrance_turn_away(entrant);
		return false;
	}
	entrance_serve(entrant);
	return true;
}

void
entrance_turn_away(const struct entrant *entrant)
{
	(void)close(entrant->conn_fd);
	listener_note_closed(entrant->service->gate);
	limits_release(entrant->service->gate, entrant->source);
	service_release(entrant->service);
}
