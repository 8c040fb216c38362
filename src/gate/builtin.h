/* SPDX-License-Identifier: ISC */
/* What the gate does for built-ins beside connections and datagrams: services/service.h has
 * the functions; this is for the gate's own files. */
#ifndef REEVE_GATE_BUILTIN_H
#define REEVE_GATE_BUILTIN_H

#include "gate/state.h"

/* The service behind builtin_target's index; NULL if there is none. */
struct service *builtin_find_target(const struct builtin *builtin, uint32_t index);

/* Open the kernel's source of chance while that may still need a look around. */
void builtin_warm_up(void);

#endif
