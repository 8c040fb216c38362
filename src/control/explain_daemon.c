/* SPDX-License-Identifier: ISC */
/* What a running daemon knows. */
#include "control/explain_daemon.h"

#include "base/shared_places.h"
#include "base/shared_view.h"
#include "control/client.h"
#include "control/daemon.h"
#include "control/show.h"
#include "model/ban_text.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

int64_t
explain_ask_active(const struct control *control, const char *service, uint32_t number)
{
	const struct shared *view = NULL;
	struct shared_facts facts;
	struct daemon_state state;
	int64_t active = -1;

	if (daemon_read_state(control->run_dir, &state) < 0)
		return -1;
	if (daemon_view_counters(control->run_dir, &view) == 0)
		for (size_t i = 0; i < state.port_count; i++)
			if (strcmp(state.ports[i].service, service) == 0 &&
				shared_row_facts(view, state.ports[i].row, &facts) &&
				facts.number == number)
				active = shared_active(view, state.ports[i].row);
	(void)shared_view_free(view);
	daemon_state_fini(&state);
	return active;
}

static bool
is_there(const struct control *control)
{
	pid_t pid;

	return daemon_read_pid(control->run_dir, &pid) == 0 &&
		(kill(pid, 0) == 0 || errno == EPERM) && client_is_allowed(control);
}

/* Replies come as long as there are more. */
static bool
gather(struct client *client, json_t *bans)
{
	bool is_last = false;

	while (!is_last) {
		struct varlink_message reply;

		if (client_next(client, &reply, NULL) != 1)
			return false;
		(void)json_array_extend(bans, json_object_get(reply.parameters, "bans"));
		is_last = !reply.continues;
		varlink_message_fini(&reply);
	}
	return true;
}

json_t *
explain_ask_bans(const struct control *control)
{
	const struct control_verb *verb = control_verb_get(CONTROL_VERB_bans);
	struct client *client = is_there(control) ? client_open(control) : NULL;
	json_t *bans = client != NULL ? json_array() : NULL;

	if (bans != NULL && (client_call(client, verb, NULL) < 0 || !gather(client, bans))) {
		json_decref(bans);
		bans = NULL;
	}
	(void)client_free(client);
	return bans;
}

bool
explain_find_ban(const json_t *bans, const char *service, const struct netaddr *peer, uint32_t user,
	struct explain_ban *ret_ban)
{
	struct ban_source who, banned;
	const json_t *ban;
	size_t index;

	ban_source_of(&who, peer, 32, 128, user);
	json_array_foreach (bans, index, ban) {
		const char *from = json_string_value(json_object_get(ban, "service"));

		if ((from != NULL && strcmp(from, service) != 0) ||
			ban_source_read(&banned, show_text(ban, "source")) != NULL ||
			!ban_source_holds(&banned, &who))
			continue;
		*ret_ban = (struct explain_ban){ .source = show_text(ban, "source"),
			.cause = show_text(ban, "cause"),
			.is_of_all = from == NULL,
			.left_ms = show_number(ban, "left_ms") };
		return true;
	}
	return false;
}
