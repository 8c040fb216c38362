/* SPDX-License-Identifier: ISC */
/* What a service does not want to be warned of: are there such rules? */
#include "config/check.h"

#include <string.h>

void
check_service_lint(struct check *check, const struct service_config *service)
{
	static const char *const words[] = {
#define LINT_RULE(name, word, severity, sentence) word,
#include "config/lint_rules.def"
#undef LINT_RULE
		NULL
	};
	char *const *name = service->keys->lint_ignore;

	for (; name != NULL && *name != NULL; name++) {
		const char *const *word = words;
		const char *nearest = complaint_nearest(*name, words);

		while (*word != NULL && strcmp(*word, *name) != 0)
			word++;
		if (*word == NULL)
			complain(check->complaints, key_place_where(service, KEY_PLACE_lint_ignore),
				"lint_ignore", "\"%.60s\" is no rule of reevectl lint%s%s%s", *name,
				nearest != NULL ? "; did you mean \"" : "",
				nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
	}
}
