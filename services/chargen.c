/* SPDX-License-Identifier: ISC */
/* chargen (RFC 864): lines of 72 characters, each beginning one further in the ring of the 95
 * printable ones, so that every column shows all of them.
 *
 * After 95 lines the pattern repeats. A whole number of such periods lies ready, in one block
 * that all streams are sent from and that is long enough for large writes. */
#include "services/service.h"

#include <errno.h>

#define RING_FIRST ' '
#define RING_LENGTH 95 /* ' ' to '~' */
#define LINE_TEXT 72
#define LINE_LENGTH (LINE_TEXT + 2) /* with CR LF */
#define PERIOD_LENGTH (RING_LENGTH * LINE_LENGTH)
#define BLOCK_PERIODS 37 /* 260,110 bytes: as much as a socket takes at once, and in the cache */
#define BLOCK_LENGTH ((size_t)BLOCK_PERIODS * PERIOD_LENGTH)

#define DATAGRAM_LINES_MAX (512 / LINE_LENGTH) /* RFC 864: at most 512 bytes */

struct chargen {
	uint32_t next_line; /* of the pattern, for the next datagram */
	char block[BLOCK_LENGTH];
};

static void
fill_block(char *block)
{
	for (size_t line = 0; line < (size_t)BLOCK_PERIODS * RING_LENGTH; line++) {
		for (size_t column = 0; column < LINE_TEXT; column++)
			*block++ = (char)(RING_FIRST + (line + column) % RING_LENGTH);
		*block++ = '\r';
		*block++ = '\n';
	}
}

/* The RFC wants a datagram of random length; whole lines serve people better. One line always:
 * small enough for the source's budget of unpaid bytes. More only as the question itself pays
 * for them, so a forged one gains nothing by being long. */
static size_t
choose_line_count(size_t question_length)
{
	size_t paid = question_length / LINE_LENGTH;
	uint32_t chance;

	if (paid < 2)
		return 1;
	if (paid > DATAGRAM_LINES_MAX)
		paid = DATAGRAM_LINES_MAX;
	builtin_random(&chance, sizeof(chance));
	return 1 + chance % paid;
}

static int
chargen_start(struct builtin *builtin, void **ret_state)
{
	struct chargen *chargen = malloc(sizeof(*chargen));

	(void)builtin;
	if (!chargen)
		return -ENOMEM;
	chargen->next_line = 0;
	fill_block(chargen->block);
	*ret_state = chargen;
	return 0;
}

static void
chargen_stop(struct builtin *builtin)
{
	free(builtin_state(builtin));
}

static void
chargen_open(struct conn *conn)
{
	const struct chargen *chargen = builtin_state(conn_builtin(conn));

	conn_repeat(conn, chargen->block, BLOCK_LENGTH, 0);
}

static void
chargen_datagram(struct datagram *datagram)
{
	struct chargen *chargen = builtin_state(datagram->builtin);
	size_t count = choose_line_count(datagram->length);
	const char *lines = chargen->block + (size_t)chargen->next_line * LINE_LENGTH;

	(void)datagram_reply(datagram, lines, count * LINE_LENGTH); /* no budget, no answer */
	chargen->next_line = (uint32_t)((chargen->next_line + count) % RING_LENGTH);
}

const struct service_ops chargen_ops = {
	.name = "chargen",
	.start = chargen_start,
	.stop = chargen_stop,
	.open = chargen_open,
	.datagram = chargen_datagram,
};
