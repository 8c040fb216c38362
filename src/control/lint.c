/* SPDX-License-Identifier: ISC */
/* Findings: gathered, put in order. */
#include "control/lint_room.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>

#define TEXT_MAX 1024 /* of a finding; a longer one is cut */

static const struct lint_row rows[] = {
#define LINT_RULE(name, word, severity, sentence) \
	[LINT_##name] = { word, LINT_##severity, sentence },
#include "config/lint_rules.def"
#undef LINT_RULE
};

const struct lint_row *
lint_row(enum lint_rule rule)
{
	return &rows[rule];
}

const char *
lint_severity_word(enum lint_severity severity)
{
	static const char *const words[] = {
		[LINT_ADVICE] = "advice", [LINT_WARNING] = "warning", [LINT_DANGER] = "danger"
	};

	return words[severity];
}

/* ---------------------------------------------------------------- the host */

static int64_t
read_number(const char *path)
{
	auto_close int file_fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";

	if (file_fd < 0 || read(file_fd, text, sizeof(text) - 1) <= 0)
		return 0;
	return strtoimax(text, NULL, 10);
}

void
lint_host_ask(struct lint_host *ret_host)
{
	int64_t threads = read_number("/proc/sys/kernel/threads-max");
	int64_t pids = read_number("/proc/sys/kernel/pid_max");
	struct sysinfo info;

	*ret_host = (struct lint_host){ .is_root = geteuid() == 0,
		.uid = geteuid(),
		.processes = threads > 0 && (threads < pids || pids == 0) ? threads : pids };
	if (sysinfo(&info) == 0)
		ret_host->memory =
			(int64_t)((info.totalram + info.totalswap) * (uint64_t)info.mem_unit);
}

/* ---------------------------------------------------------------- findings */

bool
lint_is_ignored(const struct service_config *service, enum lint_rule rule)
{
	char *const *word = service->keys->lint_ignore;

	for (; word != NULL && *word != NULL; word++)
		if (strcmp(*word, rows[rule].word) == 0)
			return true;
	return false;
}

static void
keep(struct lint *lint, const struct lint_finding *finding)
{
	struct lint_finding *findings =
		reallocarray(lint->findings, lint->count + 1, sizeof(*findings));

	if (findings == NULL) {
		free(finding->text);
		lint->error = -ENOMEM;
		return;
	}
	lint->findings = findings;
	findings[lint->count++] = *finding;
}

void
lint_add(struct lint *lint, enum lint_rule rule, const struct service_config *service,
	const struct where *where, const char *format, ...)
{
	struct lint_finding finding = { .rule = rule, .where = *where };
	char text[TEXT_MAX];
	va_list arguments;

	if (service != NULL && lint_is_ignored(service, rule)) {
		lint->ignored++;
		return;
	}
	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	finding.service = service != NULL ? service->name : NULL;
	finding.text = strdup(text);
	if (finding.text == NULL)
		lint->error = -ENOMEM;
	else
		keep(lint, &finding);
}

static uint32_t
order_of(const struct lint_finding *finding)
{
	return finding->where.source != NULL ? finding->where.source->order : 0;
}

static int
compare(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_findings(const void *one, const void *other)
{
	const struct lint_finding *a = one, *b = other;
	int result = compare(order_of(a), order_of(b));

	if (result == 0)
		result = compare(a->where.line, b->where.line);
	if (result == 0)
		result = compare(a->where.column, b->where.column);
	return result != 0 ? result : compare(a->rule, b->rule);
}

int
lint_config(struct lint *ret_lint, const struct config *config, const struct lint_host *host)
{
	struct lint lint = { .config = config, .host = host };

	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct service_config *service = &config->services[i];

		lint_exposure(&lint, service);
		lint_limits(&lint, service);
		lint_access(&lint, service);
		lint_files(&lint, service);
	}
	lint_access_all(&lint);
	lint_files_all(&lint);
	if (lint.count > 0)
		qsort(lint.findings, lint.count, sizeof(*lint.findings), compare_findings);
	*ret_lint = lint;
	return lint.error;
}

void
lint_fini(struct lint *lint)
{
	for (size_t i = 0; i < lint->count; i++)
		free(lint->findings[i].text);
	free(lint->findings);
	*lint = (struct lint){ .count = 0 };
}
