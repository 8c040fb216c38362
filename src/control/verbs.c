/* SPDX-License-Identifier: ISC */
/* reevectl's verbs: what it does itself, and who shows what the daemon does. */
#include "control/verbs.h"

#include "base/shared_places.h"
#include "control/arguments.h"
#include "control/client.h"
#include "control/daemon.h"
#include "control/lint.h"
#include "control/show.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOKS_MAX 3000 /* at the daemon's answer, one each LOOK_NS: half a minute */
#define LOOK_NS 10000000L
#define TEXT_MAX (16U << 20)
#define HELP_COLUMN 28

static int
fail(const char *what, int error)
{
	(void)fprintf(stderr, "reevectl: %s: %s\n", what,
		error == -ESRCH ? "no daemon runs with this run folder" : strerror(-error));
	return 1;
}

static void
look_again(void)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };

	(void)nanosleep(&pause, NULL);
}

/* --- list */

static void
print_port(const struct daemon_port *port, const struct shared *shared)
{
	(void)printf("%-16s %-14s %-28s", port->service, port->protocol, port->address);
	if (shared == NULL || port->row >= shared_rows(shared)) {
		(void)printf("\n");
		return;
	}
	(void)printf(" %7lld %11llu %9llu %13llu%s\n", (long long)shared_active(shared, port->row),
		(unsigned long long)shared_read(shared, port->row, METRIC_connections),
		(unsigned long long)shared_read(shared, port->row, METRIC_handlers),
		(unsigned long long)shared_read(shared, port->row, METRIC_received_datagrams),
		shared_ceiling(shared, port->row) != SHARED_NO_CEILING ? "  failing" : "");
}

/* The counters are the service's: those of one with several ports stand on each of its lines. */
static int
verb_list(const struct control *control)
{
	struct daemon_state state;
	const struct shared *shared = NULL;
	int error = daemon_read_state(control->run_dir, &state);

	if (error < 0)
		return fail(control->run_dir, error == -ENOENT ? -ESRCH : error);
	error = daemon_view_counters(control->run_dir, &shared);
	(void)printf("%-16s %-14s %-28s", "SERVICE", "PROTOCOL", "ADDRESS");
	(void)printf("%s\n", error < 0 ? "" : "  ACTIVE CONNECTIONS  HANDLERS     DATAGRAMS");
	for (size_t i = 0; i < state.port_count; i++)
		print_port(&state.ports[i], shared);
	daemon_state_fini(&state);
	(void)shared_view_free(shared);
	return 0;
}

/* --- check */

static int
verb_check(const struct control *control)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	struct config_host host;
	struct config *config;
	size_t count;

	if (complaints == NULL)
		return fail("check", -ENOMEM);
	config_host_ask(&host);
	config = config_load_checked(&control->paths, &host, complaints);
	count = complaint_count(complaints);
	if (config == NULL) {
		complaint_list_show(complaints, &text);
		(void)fprintf(stderr, "%s%zu complaint%s\n", text.text != NULL ? text.text : "",
			count, count == 1 ? "" : "s");
	} else
		(void)printf("%u service%s: no complaints\n", config->service_count,
			config->service_count == 1 ? "" : "s");
	count += config == NULL;
	textbuf_fini(&text);
	(void)complaint_list_free(complaints);
	(void)config_free(config);
	return count > 0 ? 1 : 0;
}

/* --- reload */

static int
wait_for_attempt(const char *run_dir, uint32_t before, uint32_t *ret_complaints)
{
	for (int look = 0; look < LOOKS_MAX; look++) {
		struct daemon_state state;
		uint32_t attempts;
		int error = daemon_read_state(run_dir, &state);

		if (error < 0)
			return error == -ENOENT ? -ESRCH : error;
		attempts = state.attempts;
		*ret_complaints = state.complaints;
		daemon_state_fini(&state);
		if (attempts != before)
			return 0;
		look_again();
	}
	return -ETIMEDOUT;
}

static int
verb_reload(const struct control *control)
{
	struct daemon_state state;
	uint32_t before;
	uint32_t complaints = 0;
	pid_t pid = 0;
	int error = daemon_find(control->run_dir, &pid);

	if (error == 0)
		error = daemon_read_state(control->run_dir, &state);
	if (error < 0)
		return fail("reload", error);
	before = state.attempts;
	daemon_state_fini(&state);
	/* The same complaints that the daemon would log, but here, where somebody reads them. */
	if (verb_check(control) != 0) {
		(void)fprintf(stderr, "the running configuration is unchanged\n");
		return 1;
	}
	if (kill(pid, SIGHUP) < 0)
		return fail("reload", -errno);
	error = wait_for_attempt(control->run_dir, before, &complaints);
	if (error < 0)
		return fail("reload", error);
	if (complaints > 0)
		(void)fprintf(stderr,
			"the daemon has %u complaints, see its log; "
			"the running configuration is unchanged\n",
			complaints);
	else
		(void)printf("the new configuration serves\n");
	return complaints > 0 ? 1 : 0;
}

static int
verb_help(const struct control *control)
{
	(void)control;
	control_print_help();
	return 0;
}

/* What a verb does itself, or how it shows what the daemon answers. */
static const struct {
	int (*run)(const struct control *control);
	int (*show)(const struct control *control, const json_t *reply);
} verbs[CONTROL_VERB_COUNT] = {
#define VERB(word, ...) [CONTROL_VERB_##word] = { .show = show_##word },
#define METHOD(...)
#define LOCAL(word, ...) [CONTROL_VERB_##word] = { .run = verb_##word },
#include "model/control_verbs.def"
#undef VERB
#undef METHOD
#undef LOCAL
};

void
control_print_help(void)
{
	(void)printf("usage: reevectl [--config FILE] [--services FILE] [--run-dir DIR] [--json] "
		     "VERB ...\n\n");
	for (unsigned id = 0; id < CONTROL_VERB_COUNT; id++) {
		const struct control_verb *verb = control_verb_get((enum control_id)id);
		struct textbuf text = TEXTBUF_INIT(1024);

		if (!verb->is_word)
			continue;
		textbuf_add(&text, verb->word);
		arguments_usage(verb, &text);
		if (text.length > HELP_COLUMN)
			(void)printf("  %s\n  %-*s  %s\n", text.text, HELP_COLUMN, "", verb->help);
		else
			(void)printf("  %-*s  %s\n", HELP_COLUMN, text.text, verb->help);
		textbuf_fini(&text);
	}
}

void
control_complain(const char *format, ...)
{
	struct textbuf harmless = TEXTBUF_INIT(TEXT_MAX);
	auto_free char *line = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&line, format, arguments) < 0)
		line = NULL;
	va_end(arguments);
	if (line != NULL)
		textbuf_add_escaped(&harmless, line, strlen(line));
	(void)fprintf(stderr, "reevectl: %s\n",
		harmless.text != NULL ? harmless.text : "out of memory");
	textbuf_fini(&harmless);
}

int
control_run(const struct control *control)
{
	enum control_id id = control->verb->id;

	if (verbs[id].run != NULL)
		return verbs[id].run(control);
	return client_run(control, control->verb, json_incref(control->arguments), verbs[id].show);
}
