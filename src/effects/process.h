/* SPDX-License-Identifier: ISC */
/* A process that is not our child: which one it is, and when it ends. */
#ifndef REEVE_PROCESS_H
#define REEVE_PROCESS_H

#include "base/util.h"

#include <sys/types.h>

/* When it began, in the kernel's ticks since the host did: with its pid that is one process and no
 * other. 0: there is none of that pid. */
uint64_t process_birth(pid_t pid);

/* A pidfd of the process of that pid, if it was born then: readable once it has ended.
 * Close-on-exec. -ESRCH: it has ended already; -errno. */
int process_open(pid_t pid, uint64_t birth);

#endif
