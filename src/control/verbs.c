/* SPDX-License-Identifier: ISC */
/* reevectl's verbs, a function each. */
#include "control/verbs.h"

#include "base/shared_places.h"
#include "control/daemon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOKS_MAX 3000 /* at the daemon's answer, one each LOOK_NS: half a minute */
#define LOOK_NS 10000000L
#define TEXT_MAX (16U << 20)

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

/* --- stop */

static int
verb_stop(const struct control *control)
{
	pid_t pid = 0;
	pid_t running = 0;
	int error = daemon_find(control->run_dir, &pid);

	if (error < 0)
		return fail("stop", error);
	if (kill(pid, SIGTERM) < 0)
		return fail("stop", -errno);
	while (daemon_find(control->run_dir, &running) == 0 && running == pid)
		look_again();
	return 0;
}

static int
verb_help(const struct control *control)
{
	(void)control;
	control_print_help();
	return 0;
}

static const struct {
	const char *name;
	const char *help;
	int (*run)(const struct control *control);
} verbs[] = {
#define VERB(name, help) { #name, help, verb_##name },
#include "control/control_verbs.def"
#undef VERB
};

void
control_print_help(void)
{
	(void)printf("usage: reevectl [--config FILE] [--services FILE] [--run-dir DIR] VERB\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		(void)printf("  %-10s %s\n", verbs[i].name, verbs[i].help);
}

int
control_run(const struct control *control, const char *name)
{
	const char *names[ARRAY_SIZE(verbs) + 1] = { NULL };
	const char *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, name) == 0)
			return verbs[i].run(control);
		names[i] = verbs[i].name;
	}
	nearest = complaint_nearest(name, names);
	(void)fprintf(stderr, "reevectl: \"%s\" is no verb; ", name);
	if (nearest != NULL)
		(void)fprintf(stderr, "did you mean \"%s\"?\n", nearest);
	else
		(void)fprintf(stderr, "try reevectl help\n");
	return 2;
}
