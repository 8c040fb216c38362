/* SPDX-License-Identifier: ISC */
/* Replies of the daemon, printed. */
#include "control/show.h"

#include "base/textbuf.h"
#include "control/daemon.h"

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
show_padded(const char *text, int width)
{
	struct textbuf harmless = TEXTBUF_INIT(TEXT_MAX);

	textbuf_add_escaped(&harmless, text, strlen(text));
	(void)printf("%-*s", width, harmless.text != NULL ? harmless.text : "");
	textbuf_fini(&harmless);
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
	bool is_written = json_dumpf(reply, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0 &&
		putchar('\n') != EOF;

	return is_written ? 0 : 1;
}

bool
show_mistakes(const struct varlink_message *reply)
{
	(void)reply;
	return false;
}

/* --- status, stop */

int
show_status(const struct control *control, const json_t *reply)
{
	const json_t *daemon = json_object_get(reply, "daemon");
	char uptime[32];

	(void)control;
	show_duration(show_number(daemon, "uptime_ms"), uptime, sizeof(uptime));
	(void)printf("reeved ");
	show_padded(show_text(daemon, "version"), 0);
	(void)printf(" (pid %lld) is ", show_number(daemon, "pid"));
	show_padded(show_text(daemon, "state"), 0);
	(void)printf(", for %s\n", uptime);
	(void)printf("configuration %lld: %lld services on %lld ports, %lld of %lld gates serve "
		     "it\n",
		show_number(daemon, "generation"), show_number(daemon, "services"),
		show_number(daemon, "ports"), show_number(daemon, "gates_serving"),
		show_number(daemon, "gates"));
	(void)printf("%lld programs run\n", show_number(daemon, "programs"));
	if (show_number(daemon, "complaints") > 0)
		(void)printf("the last reload was refused: %lld complaints\n",
			show_number(daemon, "complaints"));
	return 0;
}

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
