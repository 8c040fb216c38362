/* SPDX-License-Identifier: ISC */
/* time (RFC 868): seconds since 1900 in UTC, four bytes, the highest first. The number wraps to
 * zero on 7 February 2036; clients know the century. */
#include "services/service.h"

#define SECONDS_1900_TO_1970 2208988800

#define ANSWER_LENGTH 4

static void
time_format(const struct builtin *builtin, char answer[static ANSWER_LENGTH])
{
	uint32_t seconds = (uint32_t)(builtin_realtime(builtin) + SECONDS_1900_TO_1970);

	for (int i = ANSWER_LENGTH - 1; i >= 0; i--) {
		answer[i] = (char)(seconds & 0xff);
		seconds >>= 8;
	}
}

static void
time_open(struct conn *conn)
{
	char answer[ANSWER_LENGTH];

	time_format(conn_builtin(conn), answer);
	(void)conn_write(conn, answer, sizeof(answer)); /* fits: it is the first */
	conn_finish(conn, ENDING_SERVED);
}

static void
time_datagram(struct datagram *datagram)
{
	char answer[ANSWER_LENGTH];

	time_format(datagram->builtin, answer);
	(void)datagram_reply(datagram, answer, sizeof(answer)); /* no budget, no answer */
}

const struct service_ops time_ops = {
	.name = "time",
	.open = time_open,
	.datagram = time_datagram,
};
