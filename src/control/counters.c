/* SPDX-License-Identifier: ISC */
/* The daemon's counters, asked for. */
#include "control/counters.h"

#include "control/client.h"

#include <errno.h>

int
counters_ask(const struct control *control, const struct shared **ret_view)
{
	struct client *client = client_open(control);
	struct varlink_message reply;
	auto_close int view_fd = -1;
	int error = -EACCES;

	if (client != NULL &&
		client_call(client, control_verb_get(CONTROL_VERB_counters), NULL) == 0 &&
		client_next(client, &reply, &view_fd) == 1) {
		varlink_message_fini(&reply);
		error = view_fd >= 0 ? shared_view(ret_view, view_fd) : -EPROTO;
	}
	(void)client_free(client);
	return error;
}
