/* SPDX-License-Identifier: ISC */
/* What gates say. */
#ifndef REEVE_SUPERVISOR_DISPATCH_H
#define REEVE_SUPERVISOR_DISPATCH_H

#include "supervisor/state.h"

/* The channel is readable or writable (a watch's callback). */
void dispatch_ready(struct watch *watch, uint32_t events);

/* The gate is gone: hear what it still had to say. */
void dispatch_drain(struct supervised_gate *gate);

#endif
