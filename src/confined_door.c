/* SPDX-License-Identifier: ISC */
/* The command line of reeve-gate and reeve-resolver. */
#include "confined_door.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>

#define CHANNEL_FD STDIN_FILENO
#define FACILITY 8 /* from one to the next: a priority is both */

static bool
is_channel(int channel_fd)
{
	int domain = 0;
	int type = 0;
	socklen_t length = sizeof(int);

	return getsockopt(channel_fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 &&
		getsockopt(channel_fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
		domain == AF_UNIX && type == SOCK_SEQPACKET;
}

/* --NAME=NUMBER, of one or two digits, as reeved writes it; `otherwise` when it is not there. */
static int
find_number(char *const *words, const char *option, int otherwise)
{
	size_t length = strlen(option);

	for (; *words; words++) {
		const char *digits = *words + length;
		size_t count;

		if (strncmp(*words, option, length) != 0)
			continue;
		count = strspn(digits, "0123456789");
		if ((count == 1 || count == 2) && digits[count] == '\0')
			return (int)strtol(digits, NULL, 10);
	}
	return otherwise;
}

int
confined_door(int argc, char **argv, const char *program,
	int (*life)(int channel_fd, enum log_sink sink, enum log_level level))
{
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", program, REEVE_VERSION);
		return EXIT_SUCCESS;
	}
	if (!is_channel(CHANNEL_FD)) {
		fprintf(stderr, "%s is started by reeved, not by hand\n", program);
		return 2;
	}
	log_set_facility(find_number(argv, "--log-facility=", LOG_FAC(LOG_DAEMON)) * FACILITY);
	return life(CHANNEL_FD, (enum log_sink)find_number(argv, "--log=", LOG_SINK_STDERR),
		(enum log_level)find_number(argv, "--log-level=", LOG_LEVEL_INFO));
}
