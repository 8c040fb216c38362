/* SPDX-License-Identifier: ISC */
/* What a configuration has to know of the built-ins: which there are and which sockets they
 * serve. Out of services.def alone; no service is linked for it. */
#ifndef REEVE_BUILTINS_H
#define REEVE_BUILTINS_H

#include "base/util.h"

enum builtin_speaks { BUILTIN_STREAM = 1, BUILTIN_DGRAM = 2 };

struct builtin_row {
	const char *name;
	unsigned int speaks;  /* enum builtin_speaks, joined */
	bool is_for_one_gate; /* its state is one: gate 0 alone serves it */
	const char *help;
};

/* By name; NULL if there is none. */
const struct builtin_row *builtins_find(const char *name);

/* The names of all, NULL-terminated. */
const char *const *builtins_names(void);

#endif
