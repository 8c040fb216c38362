/* SPDX-License-Identifier: ISC */
/* What gates and the resolver do alike before they serve. */
#include "effects/confinement.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* Whatever opens a file, now or the first time it is used, has to do so before the door is shut. */
int
confinement_prepare(enum log_sink sink, enum log_level level, const char *program)
{
	int result;

	/* Ctrl-C reaches the whole foreground; the supervisor decides what it means. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR || signal(SIGINT, SIG_IGN) == SIG_ERR ||
		signal(SIGHUP, SIG_IGN) == SIG_ERR)
		return -errno;
	/* Without TZ the C library looks at the file again and again. */
	if (setenv("TZ", ":/etc/localtime", 0) < 0)
		return -errno;
	tzset();
	result = log_open(sink, level, program);
	/* A log that is down is no reason to serve nobody. */
	return result < 0 && sink != LOG_SINK_STDERR ? log_open(LOG_SINK_STDERR, level, program)
						     : result;
}

int
confinement_shut(int (*enter)(const char **ret_part))
{
	const char *part = "";
	int result = enter(&part);

	if (result == 0)
		return 0;
	LOG(gate_unconfined, .part = part, .error = -result);
	return strcmp(part, "landlock") == 0 ? 0 : result;
}
