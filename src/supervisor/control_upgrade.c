/* SPDX-License-Identifier: ISC */
/* The method Upgrade. Who has called it is answered by the program that goes on: the connections
 * of those who wait go over, with nothing else of them. */
#include "supervisor/control.h"
#include "supervisor/control_methods.h"
#include "supervisor/legacy.h"
#include "supervisor/upgrade.h"

#define ANSWER_MAX 4096

void
control_do_upgrade(struct control_peer *peer)
{
	if (peer->supervisor->is_stopping)
		control_fail(peer, CONTROL_ERROR("Stopping"), NULL);
	else
		upgrade_ask(peer->supervisor, "reevectl");
}

void
control_upgrade_refused(struct supervisor *supervisor, const char *reason)
{
	struct control_peer *peer = NULL;

	while ((peer = control_next_waiting(supervisor, CONTROL_VERB_upgrade, NULL)) != NULL)
		control_fail_reason(peer, reason);
}

const struct control_peer *
control_upgrade_next(const struct supervisor *supervisor, const struct control_peer *after,
	int *ret_asker_fd)
{
	const struct control_peer *peer =
		control_next_waiting(supervisor, CONTROL_VERB_upgrade, after);

	while (peer != NULL && peer->call.is_oneway)
		peer = control_next_waiting(supervisor, CONTROL_VERB_upgrade, peer);
	if (peer != NULL)
		*ret_asker_fd = peer->watch.fd;
	return peer;
}

/* One that does not take so little has gone. */
void
control_upgrade_answer(const struct supervisor *supervisor, int asker_fd)
{
	struct textbuf text = TEXTBUF_INIT(ANSWER_MAX);
	const struct saved_daemon *before = &supervisor->legacy->daemon;
	json_t *parameters = json_pack("{s:s, s:s, s:I, s:I}", "from",
		before->version != NULL ? before->version : "unknown", "version", REEVE_VERSION,
		"pid", (json_int_t)getpid(), "programs", (json_int_t)supervisor->handlers.count);

	if (parameters != NULL && varlink_write_reply(&text, parameters, false) == 0)
		(void)local_send(asker_fd, text.text, text.length, -1);
	textbuf_fini(&text);
}
