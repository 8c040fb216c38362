/* SPDX-License-Identifier: ISC */
/* The control socket: whoever may look or steer connects to RUN/control.sock and calls the methods
 * of control_verbs.def. */
#ifndef REEVE_SUPERVISOR_CONTROL_H
#define REEVE_SUPERVISOR_CONTROL_H

#include "supervisor/state.h"

/* Once, before the log has its turn, so that what is logged here is written in the same turn. */
int control_init(struct supervisor *supervisor);

/* Open the socket in the run folder, if there is one: 0 or -errno. Close it, and everybody's
 * connection. */
int control_open(struct supervisor *supervisor);
void control_fini(struct supervisor *supervisor);

/* Whoever waits for a reload is told how it goes: it begins; its files are without mistake; they
 * have mistakes; it has come to its end, well if `problem` is NULL. And: no more come. */
void control_reload_begins(struct supervisor *supervisor);
void control_reload_loaded(struct supervisor *supervisor, const struct config *config);
void control_reload_refused(struct supervisor *supervisor, const struct complaint_list *complaints);
void control_reload_ends(struct supervisor *supervisor, const char *problem);
void control_stopping(struct supervisor *supervisor);

/* A reload takes back what was set by hand. */
void control_settings_forget(struct supervisor *supervisor);

/* All gates serve after an upgrade: services that were draining before are looked at again. */
void control_drain_goes_on(struct supervisor *supervisor);

/* A gate has counted its connections, as it was asked to: NULL, or the rule that it broke. It is
 * gone, and will not. */
const char *control_census_counted(const struct supervised_gate *gate,
	const struct message_counted *counted);
void control_census_gate_gone(const struct supervised_gate *gate);

/* --- an upgrade (control_upgrade.c): those who have asked for it by the method */

struct control_peer;

/* It will not be. */
void control_upgrade_refused(struct supervisor *supervisor, const char *reason);

/* The connections that wait for the next program's answer, one after another (NULL: the first, and
 * at the end); its answer. */
const struct control_peer *control_upgrade_next(const struct supervisor *supervisor,
	const struct control_peer *after, int *ret_asker_fd);
void control_upgrade_answer(const struct supervisor *supervisor, int asker_fd);

#endif
