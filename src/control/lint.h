/* SPDX-License-Identifier: ISC */
/* lint: what is no mistake in a configuration, and what people come to regret. The rules are rows
 * of lint_rules.def; each is a function that looks at the services and adds findings. */
#ifndef REEVE_CONTROL_LINT_H
#define REEVE_CONTROL_LINT_H

#include "config/config.h"
#include "control/verbs.h"

enum lint_severity { LINT_ADVICE, LINT_WARNING, LINT_DANGER };

enum lint_rule {
#define LINT_RULE(name, word, severity, sentence) LINT_##name,
#include "config/lint_rules.def"
#undef LINT_RULE
	LINT_RULE_COUNT
};

struct lint_row {
	const char *word;
	enum lint_severity severity;
	const char *sentence;
};

/* What is asked of the host. */
struct lint_host {
	bool is_root;
	uint32_t uid;
	int64_t memory;    /* bytes, with swap; 0: not known */
	int64_t processes; /* that it may have; 0: not known */
};

struct lint_finding {
	enum lint_rule rule;
	struct where where;
	const char *service; /* NULL: it is about the configuration */
	char *text;
};

/* Findings in the order of the files. */
struct lint {
	const struct config *config;
	const struct lint_host *host;
	struct lint_finding *findings;
	size_t count;
	size_t ignored; /* as lint_ignore says */
	int error;
};

const struct lint_row *lint_row(enum lint_rule rule);
const char *lint_severity_word(enum lint_severity severity);

void lint_host_ask(struct lint_host *ret_host);

/* Look at a configuration that has been read; one that has been checked has fewer surprises. 0 or
 * -ENOMEM; the findings are given back by lint_fini either way. */
int lint_config(struct lint *ret_lint, const struct config *config, const struct lint_host *host);
void lint_fini(struct lint *lint);

/* The verb. Exit status: 0 nothing found, 1 findings, 2 it cannot be looked at. */
int verb_lint(const struct control *control);

#endif
