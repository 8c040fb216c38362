/* SPDX-License-Identifier: ISC */
/* The rows of services.def, as the configuration sees them. */
#include "config/builtins.h"

#include <string.h>

#define STREAM BUILTIN_STREAM
#define DGRAM BUILTIN_DGRAM
#define EVERY false
#define ONE true

static const struct builtin_row rows[] = {
#define BUILTIN(name_, speaks_, gates_, help_) \
	{ .name = #name_, .speaks = (speaks_), .is_for_one_gate = (gates_), .help = (help_) },
#include "services/services.def"
#undef BUILTIN
};

static const char *const names[] = {
#define BUILTIN(name, speaks, gates, help) #name,
#include "services/services.def"
#undef BUILTIN
	NULL,
};

const struct builtin_row *
builtins_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	return NULL;
}

const char *const *
builtins_names(void)
{
	return names;
}
