/* SPDX-License-Identifier: ISC */
/* Another program in our place: same process, same sockets, same children.
 *
 *   trial     the new program is run once beside us, with the state that it would have to read:
 *             does it start at all, read that, and find no mistake in the configuration? If not,
 *             nothing has changed
 *   draining  the gates accept nobody more, and say when they have let the sockets go; who comes
 *             now waits in the kernel
 *   exec      the state goes over in sealed memory (legacy.h); new gates serve, the old ones go
 *             on with the connections that they hold (draining.h)
 *
 * If the exec fails, new gates are started all the same, by us. */
#ifndef REEVE_SUPERVISOR_UPGRADE_H
#define REEVE_SUPERVISOR_UPGRADE_H

#include "supervisor/state.h"

/* Note what we were started as and where: before anything changes the folder. 0 or -errno. */
int upgrade_init(struct supervisor *supervisor);
void upgrade_fini(struct supervisor *supervisor);

/* Do it: now, or when what is under way has come to its end. */
void upgrade_ask(struct supervisor *supervisor, const char *cause);
void upgrade_continue(struct supervisor *supervisor);

/* From here on until the exec, or its failure, gates are not started and nothing is reloaded. */
bool upgrade_is_under_way(const struct supervisor *supervisor);

/* A gate has let the sockets go, or has ended. */
void upgrade_let_go(struct supervised_gate *gate);

/* The child that ended was the trial: true. */
bool upgrade_reaped(struct supervisor *supervisor, pid_t pid, int status);

/* The trial's side: --check-upgrade. The exit status. */
int upgrade_check_main(const struct supervisor_settings *settings);

#endif
