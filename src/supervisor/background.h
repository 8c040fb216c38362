/* SPDX-License-Identifier: ISC */
/* Go to the background the way a caller can rely on. */
#ifndef REEVE_SUPERVISOR_BACKGROUND_H
#define REEVE_SUPERVISOR_BACKGROUND_H

#include "supervisor/state.h"

/* 0: we are the daemon; 1: we are the caller, with the daemon's status; -errno. Then tell the
 * caller that everything serves. */
int background_enter(struct supervisor *supervisor, int *ret_exit_status);
void background_ready(struct supervisor *supervisor);

#endif
