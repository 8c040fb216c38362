/* SPDX-License-Identifier: ISC */
/* daytime (RFC 867): the date and time in one line for people, in the host's time zone. The RFC
 * leaves the form open; this is the one that inetd has always answered with. */
#include "services/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct daytime {
	int64_t second; /* that `line` tells; `length` 0: none yet */
	size_t length;
	char line[64];
};

/* snprintf instead of strftime: no locale, and no look at the time zone's file, which a confined
 * gate could not open. */
static size_t
format_line(char *line, size_t room, int64_t second)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug",
		"Sep", "Oct", "Nov", "Dec" };
	time_t when = (time_t)second;
	struct tm local;
	int length;

	if (!localtime_r(&when, &local))
		return 0;
	length = snprintf(line, room, "%s %s %2d %02d:%02d:%02d %lld\r\n", days[local.tm_wday],
		months[local.tm_mon], local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec,
		1900LL + local.tm_year);
	return length > 0 && (size_t)length < room ? (size_t)length : 0;
}

/* The line of this second, written once for all who ask within it. */
static const struct daytime *
daytime_tell(struct builtin *builtin)
{
	struct daytime *daytime = builtin_state(builtin);
	int64_t now = builtin_realtime(builtin);

	if (daytime->length == 0 || daytime->second != now) {
		daytime->length = format_line(daytime->line, sizeof(daytime->line), now);
		daytime->second = now;
	}
	return daytime;
}

static int
daytime_start(struct builtin *builtin, void **ret_state)
{
	struct daytime *daytime = calloc(1, sizeof(*daytime));

	(void)builtin;
	if (!daytime)
		return -ENOMEM;
	*ret_state = daytime;
	return 0;
}

static void
daytime_stop(struct builtin *builtin)
{
	free(builtin_state(builtin));
}

static void
daytime_open(struct conn *conn)
{
	const struct daytime *daytime = daytime_tell(conn_builtin(conn));

	(void)conn_write(conn, daytime->line, daytime->length); /* fits: it is the first */
	conn_finish(conn, ENDING_SERVED);
}

static void
daytime_datagram(struct datagram *datagram)
{
	const struct daytime *daytime = daytime_tell(datagram->builtin);

	(void)datagram_reply(datagram, daytime->line, daytime->length); /* no budget, no answer */
}

const struct service_ops daytime_ops = {
	.name = "daytime",
	.start = daytime_start,
	.stop = daytime_stop,
	.open = daytime_open,
	.datagram = daytime_datagram,
};
