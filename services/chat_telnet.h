/* SPDX-License-Identifier: ISC */
/* The telnet protocol (RFC 854, 855) as far as a line of text needs it: commands are taken out
 * of the stream, wherever its segments are cut, and every option is refused, once. Who never
 * sends a command never sees one. */
#ifndef REEVE_CHAT_TELNET_H
#define REEVE_CHAT_TELNET_H

#include "base/util.h"

#define CHAT_TELNET_ANSWER 3 /* bytes of a refusal */

struct chat_telnet {
	uint8_t state;
	uint8_t verb;
	uint8_t refused[2][256 / 8]; /* options of DO and of WILL that were answered */
};

enum chat_telnet_kind {
	CHAT_TELNET_NOTHING, /* the byte belongs to a command */
	CHAT_TELNET_TEXT,    /* `text` is for the reader */
	CHAT_TELNET_REFUSE,  /* send `answer`; at most 512 times in the life of a stream */
	CHAT_TELNET_MARK,    /* the same, but for each request, so there may be many */
	CHAT_TELNET_ASKED,   /* "are you there?" wants a visible answer */
};

struct chat_telnet_event {
	enum chat_telnet_kind kind;
	char text[2];
	uint8_t text_length;
	char answer[CHAT_TELNET_ANSWER];
};

/* Take the next byte of the stream. `telnet` begins zeroed. */
void chat_telnet_take(struct chat_telnet *telnet, char byte, struct chat_telnet_event *ret_event);

#endif
