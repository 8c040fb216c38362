/* SPDX-License-Identifier: ISC */
/* The built-ins by name: the rows of services.def. */
#include "services/service.h"

#include <string.h>

const struct service_ops *
service_find(const char *name)
{
	static const struct {
		const char *name;
		const struct service_ops *ops;
	} rows[] = {
#define BUILTIN(name, speaks, gates, help) { #name, &name##_ops },
#include "services/services.def"
#undef BUILTIN
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(rows[i].name, name) == 0)
			return rows[i].ops;
	return NULL;
}
