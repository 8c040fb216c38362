/* SPDX-License-Identifier: ISC */
/* Replies of the daemon, printed. */
#include "control/show.h"

#include "base/textbuf.h"
#include "control/daemon.h"
#include "control/table.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define TEXT_MAX 65536
#define LOOK_NS 10000000L

long long
show_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

const char *
show_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL ? text : "";
}

void
show_duration(long long ms, char *ret_text, size_t room)
{
	long long s = ms / 1000;

	if (s >= 86400)
		(void)snprintf(ret_text, room, "%lldd %lldh", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		(void)snprintf(ret_text, room, "%lldh %lldm", s / 3600, s / 60 % 60);
	else if (s >= 60)
		(void)snprintf(ret_text, room, "%lldm %llds", s / 60, s % 60);
	else
		(void)snprintf(ret_text, room, "%lld.%llds", s, ms / 100 % 10);
}

int
show_json(const json_t *reply)
{
	return json_dumpf(reply, stdout, OUTPUT_JSON) == 0 && putchar('\n') != EOF ? 0 : 1;
}

bool
show_mistakes(const struct varlink_message *reply)
{
	long long count = show_number(reply->parameters, "count");
	const char *text = show_text(reply->parameters, "text");

	if (strcmp(reply->error, CONTROL_ERROR("Mistakes")) != 0)
		return false;
	/* The daemon has made the lines harmless, and kept their ends. */
	(void)fprintf(stderr, "%s%lld complaint%s\nthe running configuration is unchanged\n", text,
		count, PLURAL(count));
	return true;
}

static void
print_harmless(const struct control *control, const char *text)
{
	struct textbuf harmless = TEXTBUF_INIT(TEXT_MAX);

	output_add_harmless(&control->output, &harmless, text);
	(void)fputs(harmless.text != NULL ? harmless.text : "", control->output.file);
	textbuf_fini(&harmless);
}

static bool
is_duration(const char *key)
{
	size_t length = strlen(key);

	return length > 3 && strcmp(key + length - 3, "_ms") == 0;
}

static void
add_cell(struct table *table, const char *key, const json_t *value)
{
	char text[32];

	if (json_is_integer(value) && is_duration(key)) {
		show_duration(json_integer_value(value), text, sizeof(text));
		table_add_text(table, text);
	} else if (json_is_integer(value))
		table_add_number(table, json_integer_value(value));
	else
		table_add_text(table, json_string_value(value));
}

/* A table of the objects of an array: each column is the member of its key. */
static int
print_array(const struct control *control, const json_t *array, const struct table_column *columns,
	size_t count, const char *empty)
{
	struct table *table = table_new(columns, count);
	const json_t *row;
	size_t index;
	int error;

	if (table == NULL)
		return 1;
	json_array_foreach (array, index, row)
		for (size_t i = 0; i < count; i++)
			add_cell(table, columns[i].key, json_object_get(row, columns[i].key));
	error = table_print(table, &control->output, empty);
	(void)table_free(table);
	return error < 0 ? 1 : 0;
}

/* --- status */

static void
print_daemon(const struct control *control, const json_t *daemon)
{
	FILE *file = control->output.file;
	long long services = show_number(daemon, "services");
	long long ports = show_number(daemon, "ports");
	long long gates = show_number(daemon, "gates");
	long long complaints = show_number(daemon, "complaints");
	const json_t *name;
	size_t index;
	char uptime[32];

	show_duration(show_number(daemon, "uptime_ms"), uptime, sizeof(uptime));
	(void)fputs("reeved ", file);
	print_harmless(control, show_text(daemon, "version"));
	(void)fprintf(file, " (pid %lld) is ", show_number(daemon, "pid"));
	print_harmless(control, show_text(daemon, "state"));
	(void)fprintf(file, ", up for %s\n", uptime);
	(void)fprintf(file,
		"configuration %lld: %lld service%s on %lld port%s, served by %lld of %lld "
		"gate%s\n",
		show_number(daemon, "generation"), services, PLURAL(services), ports, PLURAL(ports),
		show_number(daemon, "gates_serving"), gates, PLURAL(gates));
	(void)fprintf(file, "programs that run: %lld\n", show_number(daemon, "programs"));
	json_array_foreach (json_object_get(daemon, "near_limits"), index, name) {
		(void)fputs("near its limit of instances: ", file);
		print_harmless(control, json_string_value(name));
		(void)fputs("\n", file);
	}
	if (complaints > 0)
		(void)fprintf(file,
			"the last reload was refused, with %lld complaint%s; reevectl plan shows "
			"why\n",
			complaints, PLURAL(complaints));
}

static void
print_counters(const struct control *control, const json_t *service)
{
	const char *name;
	json_t *value;

	json_object_foreach (json_object_get(service, "counters"), name, value) {
		(void)fputs("  ", control->output.file);
		print_harmless(control, name);
		(void)fprintf(control->output.file, " %lld\n",
			(long long)json_integer_value(value));
	}
}

static void
print_setting(const struct control *control, const json_t *setting)
{
	char left[32];

	(void)fputs("  set by hand: ", control->output.file);
	print_harmless(control, show_text(setting, "setting"));
	show_duration(show_number(setting, "left_ms"), left, sizeof(left));
	if (json_object_get(setting, "left_ms") != NULL)
		(void)fprintf(control->output.file, ", for another %s\n", left);
	else
		(void)fputs(", until a reload\n", control->output.file);
}

static void
print_service(const struct control *control, const json_t *service)
{
	FILE *file = control->output.file;
	const json_t *endpoint;
	size_t index;

	print_harmless(control, show_text(service, "name"));
	(void)fputs(" is ", file);
	print_harmless(control, show_text(service, "state"));
	(void)fputs(": ", file);
	print_harmless(control, show_text(service, "handler"));
	(void)fprintf(file, "\n  connections now: %lld, of %lld at most; programs: %lld\n",
		show_number(service, "active"), show_number(service, "instances"),
		show_number(service, "programs"));
	json_array_foreach (json_object_get(service, "endpoints"), index, endpoint) {
		(void)fputs("  ", file);
		print_harmless(control, show_text(endpoint, "protocol"));
		(void)fputs(" ", file);
		print_harmless(control, show_text(endpoint, "address"));
		(void)fputs("\n", file);
	}
	json_array_foreach (json_object_get(service, "settings"), index, endpoint)
		print_setting(control, endpoint);
	print_counters(control, service);
}

int
show_status(const struct control *control, const json_t *reply)
{
	static const struct table_column columns[] = { { "SERVICE", "name", 0, false },
		{ "STATE", "state", 0, false }, { "ACTIVE", "active", 1, true },
		{ "OF", "instances", 3, true }, { "PROGRAMS", "programs", 4, true },
		{ "HANDLER", "handler", 5, false } };
	const json_t *services = json_object_get(reply, "services");

	if (json_object_get(control->arguments, "service") != NULL) {
		print_service(control, json_array_get(services, 0));
		return 0;
	}
	print_daemon(control, json_object_get(reply, "daemon"));
	(void)fputs("\n", control->output.file);
	return print_array(control, services, columns, ARRAY_SIZE(columns), "there is no service");
}

int
show_list(const struct control *control, const json_t *reply)
{
	static const struct table_column columns[] = { { "SERVICE", "service", 0, false },
		{ "PROTOCOL", "protocol", 1, false }, { "ADDRESS", "address", 0, false },
		{ "STATE", "state", 2, false }, { "ACTIVE", "active", 3, true },
		{ "CONNECTIONS", "connections", 5, true }, { "HANDLERS", "handlers", 6, true },
		{ "DATAGRAMS", "datagrams", 7, true }, { "HANDLER", "handler", 8, false } };

	return print_array(control, json_object_get(reply, "ports"), columns, ARRAY_SIZE(columns),
		"no port is open");
}

/* --- plan, reload */

struct tally {
	long long kept;
	long long retuned;
	long long opened;
	long long closed;
};

/* What stays as it is would only hide the rest. */
static struct tally
take_changes(const json_t *steps, json_t *changes)
{
	struct tally tally = { .kept = 0 };
	json_t *step;
	size_t index;

	json_array_foreach (steps, index, step) {
		const char *action = show_text(step, "action");

		tally.kept += strcmp(action, "keep") == 0;
		tally.retuned += strcmp(action, "retune") == 0;
		tally.opened += strcmp(action, "open") == 0;
		tally.closed += strcmp(action, "close") == 0;
		if (strcmp(action, "keep") != 0)
			(void)json_array_append(changes, step);
	}
	return tally;
}

static void
print_keys(const struct control *control, const json_t *keys, const char *before)
{
	const json_t *key;
	size_t index;

	json_array_foreach (keys, index, key) {
		(void)fputs(before, control->output.file);
		print_harmless(control, json_string_value(key));
		(void)fputs("\n", control->output.file);
	}
}

static int
print_plan(const struct control *control, const json_t *reply, const char *what)
{
	static const struct table_column columns[] = { { "ACTION", "action", 0, false },
		{ "SERVICE", "service", 0, false }, { "PROTOCOL", "protocol", 2, false },
		{ "ADDRESS", "address", 0, false }, { "REASON", "reason", 1, false } };
	json_t *changes = json_array();
	struct tally tally = take_changes(json_object_get(reply, "steps"), changes);
	int status = 0;

	if (json_array_size(changes) > 0)
		status = print_array(control, changes, columns, ARRAY_SIZE(columns), NULL);
	print_keys(control, json_object_get(reply, "settings"), "the daemon's setting changes: ");
	print_keys(control, json_object_get(reply, "needs_restart"), "takes a restart: ");
	(void)fprintf(control->output.file,
		"%s: %lld kept, %lld retuned, %lld opened, %lld closed\n", what, tally.kept,
		tally.retuned, tally.opened, tally.closed);
	json_decref(changes);
	return status;
}

int
show_plan(const struct control *control, const json_t *reply)
{
	return print_plan(control, reply, "a reload would have ports");
}

int
show_reload(const struct control *control, const json_t *reply)
{
	return print_plan(control, reply, "the new configuration serves; ports");
}

/* --- connections, kill */

int
show_connections(const struct control *control, const json_t *reply)
{
	static const struct table_column columns[] = { { "ID", "id", 0, true },
		{ "SERVICE", "service", 0, false }, { "KIND", "kind", 4, false },
		{ "PEER", "peer", 0, false }, { "AGE", "age_ms", 2, true },
		{ "IDLE", "idle_ms", 3, true }, { "PID", "pid", 1, true },
		{ "IN", "bytes_in", 5, true }, { "OUT", "bytes_out", 5, true } };
	long long silent = show_number(reply, "silent_gates");
	int status = print_array(control, json_object_get(reply, "connections"), columns,
		ARRAY_SIZE(columns), "nobody is connected");

	if (silent > 0)
		control_complain("%lld gate%s did not answer; what goes on there is left out",
			silent, PLURAL(silent));
	return silent > 0 ? 1 : status;
}

int
show_kill(const struct control *control, const json_t *reply)
{
	long long connections = show_number(reply, "connections");
	long long programs = show_number(reply, "programs");
	long long silent = show_number(reply, "silent_gates");

	(void)fprintf(control->output.file,
		"%lld connection%s and %lld program%s are being ended\n", connections,
		PLURAL(connections), programs, PLURAL(programs));
	if (silent > 0)
		control_complain("%lld gate%s did not answer", silent, PLURAL(silent));
	return silent > 0 ? 1 : 0;
}

int
show_set(const struct control *control, const json_t *reply)
{
	(void)fprintf(control->output.file, "configuration %lld serves with it\n",
		show_number(reply, "generation"));
	return 0;
}

/* --- bans */

int
show_bans(const struct control *control, const json_t *reply)
{
	static const struct table_column columns[] = { { "SOURCE", "source", 0, false },
		{ "SERVICE", "service", 1, false }, { "CAUSE", "cause", 2, false },
		{ "LEFT", "left_ms", 0, true }, { "MADE FOR", "made_for_ms", 3, true } };

	return print_array(control, json_object_get(reply, "bans"), columns, ARRAY_SIZE(columns),
		"nobody is banned");
}

int
show_ban(const struct control *control, const json_t *reply)
{
	(void)control;
	(void)reply;
	return 0;
}

int
show_unban(const struct control *control, const json_t *reply)
{
	long long lifted = show_number(reply, "lifted");

	(void)fprintf(control->output.file, "%lld ban%s lifted\n", lifted, PLURAL(lifted));
	return 0;
}

/* --- log */

static void
print_event(const struct control *control, const json_t *event)
{
	long long time_us = show_number(event, "time_us");
	time_t seconds = (time_t)(time_us / 1000000);
	struct tm parts = { .tm_mday = 1 };

	(void)gmtime_r(&seconds, &parts);
	(void)fprintf(control->output.file, "%04d-%02d-%02dT%02d:%02d:%02d.%03lldZ ",
		parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
		parts.tm_sec, time_us / 1000 % 1000);
	print_harmless(control, show_text(event, "level"));
	(void)fputs(" ", control->output.file);
	print_harmless(control, show_text(event, "text"));
	(void)fputs("\n", control->output.file);
}

int
show_log(const struct control *control, const json_t *reply)
{
	long long missed = show_number(reply, "missed");
	const json_t *event;
	size_t index;

	if (missed > 0)
		(void)fprintf(control->output.file, "(%lld event%s missing here)\n", missed,
			PLURAL(missed));
	json_array_foreach (json_object_get(reply, "events"), index, event)
		print_event(control, event);
	return 0;
}

/* --- pause, drain, resume */

int
show_pause(const struct control *control, const json_t *reply)
{
	(void)fprintf(control->output.file, "new clients wait; connections that go on: %lld\n",
		show_number(reply, "active"));
	return 0;
}

int
show_drain(const struct control *control, const json_t *reply)
{
	long long active = show_number(reply, "active");

	if (active > 0)
		(void)fprintf(control->output.file, "%lld connection%s left\n", active,
			PLURAL(active));
	else
		(void)fprintf(control->output.file,
			"drained; new clients wait until reevectl resume\n");
	return 0;
}

int
show_resume(const struct control *control, const json_t *reply)
{
	(void)reply;
	(void)fprintf(control->output.file, "clients are served again\n");
	return 0;
}

/* --- stop */

int
show_stop(const struct control *control, const json_t *reply)
{
	const struct timespec pause = { .tv_nsec = LOOK_NS };
	pid_t pid = (pid_t)show_number(reply, "pid");
	pid_t running = 0;

	while (daemon_find(control->run_dir, &running) == 0 && running == pid)
		(void)nanosleep(&pause, NULL);
	return 0;
}

int
show_upgrade(const struct control *control, const json_t *reply)
{
	long long programs = show_number(reply, "programs");

	(void)fputs("reeved ", control->output.file);
	print_harmless(control, show_text(reply, "version"));
	(void)fprintf(control->output.file, " goes on as process %lld, in the place of ",
		show_number(reply, "pid"));
	print_harmless(control, show_text(reply, "from"));
	(void)fprintf(control->output.file, ", with %lld program%s\n", programs, PLURAL(programs));
	return 0;
}
