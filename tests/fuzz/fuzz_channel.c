/* LINK: src/effects/channel.o */
/* SPDX-License-Identifier: ISC */
/* Any bytes as a message, in any phase and direction: refused with a rule, or all of its rows lie
 * within what was received. The first byte chooses side, phase and number of descriptors. */
#include "effects/channel.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Every row that the message claims lies within what was received. */
static void
check_rows(const struct message *message, size_t length)
{
	const unsigned char *rows = message->rows;

	if (rows < message->bytes || rows > message->bytes + length)
		abort();
	if (message->row_count > length - (size_t)(rows - message->bytes))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const enum channel_phase phases[] = { CHANNEL_HELLO, CHANNEL_SETUP, CHANNEL_SERVE,
		CHANNEL_STOP };
	static const enum channel_side resolver_sides[] = { CHANNEL_TO_RESOLVER,
		CHANNEL_FROM_RESOLVER, CHANNEL_QUESTION, CHANNEL_ANSWER };
	static struct message message;
	const char *rule = NULL;
	uint8_t choice;
	int result;

	if (length == 0 || length - 1 > CHANNEL_SIZE_MAX)
		return 0;
	choice = bytes[0];
	length--;
	memcpy(message.bytes, bytes + 1, length);
	message.fd_count = choice >> 3 & 15;
	/* The resolver's channels have one phase. */
	if ((choice & 128) != 0)
		result = channel_check(&message, length, resolver_sides[choice >> 1 & 3],
			CHANNEL_SERVE, &rule);
	else
		result = channel_check(&message, length,
			(choice & 1) != 0 ? CHANNEL_TO_GATE : CHANNEL_TO_SUPERVISOR,
			phases[choice >> 1 & 3], &rule);
	if ((result < 0) != (rule != NULL))
		abort();
	if (result == 0)
		check_rows(&message, length);
	return 0;
}
