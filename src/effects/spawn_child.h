/* SPDX-License-Identifier: ISC */
/* The child between clone and exec, and what it shares with who waits for it. Private to
 * spawn.c. */
#ifndef REEVE_SPAWN_CHILD_H
#define REEVE_SPAWN_CHILD_H

#include "effects/spawn.h"

/* What the child needs and where it leaves word of its failure. */
struct child {
	const struct spawn_plan *plan;
	const struct spawn_world *world; /* the plan's */
	const struct spawn_start *start;
	bool shares_descriptors;
	enum spawn_step step; /* the one being taken */
	int error;            /* of that step; 0: execve has taken over */
	pid_t in_our_memory;  /* cleared by the kernel, who wakes us, at exec and at exit */
	pid_t pid;
	int clone_flags;
};

/* For clone(2), with a struct child: take its steps; never returns. */
int spawn_child_main(void *argument);

#endif
