/* SPDX-License-Identifier: ISC */
/* In, or away. */
#include "gate/entrance.h"

#include "gate/admission.h"
#include "gate/conn.h"
#include "gate/listener.h"
#include "gate/service.h"
#include "gate/spawn_request.h"

void
entrance_serve(const struct entrant *entrant)
{
	if (entrant->service->builtin.ops)
		conn_begin(entrant->service, entrant->conn_fd, entrant->protocol, &entrant->peer);
	else
		spawn_request_send(entrant);
}

bool
entrance_judge_and_serve(const struct entrant *entrant)
{
	if (!admission_judge_stream(entrant->service, entrant->conn_fd, &entrant->peer)) {
		entrance_turn_away(entrant->service, entrant->conn_fd);
		return false;
	}
	entrance_serve(entrant);
	return true;
}

void
entrance_turn_away(struct service *service, int conn_fd)
{
	(void)close(conn_fd);
	listener_note_closed(service->gate);
	service_release(service);
}
