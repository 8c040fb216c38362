/* SPDX-License-Identifier: ISC */
/* Telnet commands, taken out of a stream of text. */
#include "services/chat_telnet.h"

enum { STATE_TEXT, STATE_COMMAND, STATE_OPTION, STATE_SUB, STATE_SUB_COMMAND };

enum {
	SE = 240,
	AYT = 246,
	SB = 250,
	WILL = 251,
	WONT = 252,
	DO = 253,
	DONT = 254,
	IAC = 255,
};

#define OPTION_TIMING_MARK 6 /* RFC 860 */

static void
give_text(struct chat_telnet_event *event, uint8_t byte)
{
	event->kind = CHAT_TELNET_TEXT;
	event->text[event->text_length++] = (char)byte;
}

/* A refusal is the end of the matter: whoever asks again knows the answer (RFC 1143), and two
 * peers that refuse each other do not go on for ever. A timing mark is no state but a question,
 * and a client throws all output away until it is answered: telnet asks it at each Ctrl-C. */
static void
take_option(struct chat_telnet *telnet, uint8_t option, struct chat_telnet_event *event)
{
	bool is_will = telnet->verb == WILL;
	uint8_t *seen = &telnet->refused[is_will][option / 8];
	uint8_t bit = (uint8_t)(1 << option % 8);

	if (telnet->verb == DO && option == OPTION_TIMING_MARK)
		event->kind = CHAT_TELNET_MARK;
	else if ((telnet->verb == DO || is_will) && !(*seen & bit))
		event->kind = CHAT_TELNET_REFUSE;
	else
		return;
	*seen |= bit;
	event->answer[0] = (char)IAC;
	event->answer[1] = (char)(is_will ? DONT : WONT);
	event->answer[2] = (char)option;
}

static void
take_command(struct chat_telnet *telnet, uint8_t byte, struct chat_telnet_event *event)
{
	telnet->state = STATE_TEXT;
	if (byte == SB) {
		telnet->state = STATE_SUB;
	} else if (byte >= WILL && byte <= DONT) {
		telnet->state = STATE_OPTION;
		telnet->verb = byte;
	} else if (byte == AYT) {
		event->kind = CHAT_TELNET_ASKED;
	} else if (byte == IAC) {
		give_text(event, IAC);
	} else if (byte < SE - 1) { /* 239 is EOR (RFC 885); below it is no telnet: ISO 8859-1 */
		give_text(event, IAC);
		give_text(event, byte);
	}
}

void
chat_telnet_take(struct chat_telnet *telnet, char byte, struct chat_telnet_event *ret_event)
{
	uint8_t value = (uint8_t)byte;

	*ret_event = (struct chat_telnet_event){ .kind = CHAT_TELNET_NOTHING };
	switch (telnet->state) {
	case STATE_TEXT:
		if (value == IAC)
			telnet->state = STATE_COMMAND;
		else
			give_text(ret_event, value);
		break;
	case STATE_COMMAND:
		take_command(telnet, value, ret_event);
		break;
	case STATE_OPTION:
		telnet->state = STATE_TEXT;
		take_option(telnet, value, ret_event);
		break;
	case STATE_SUB:
		if (value == IAC)
			telnet->state = STATE_SUB_COMMAND;
		break;
	case STATE_SUB_COMMAND:
		/* A command that is no end of the subnegotiation means that the end was lost. */
		if (value == IAC)
			telnet->state = STATE_SUB;
		else if (value == SE)
			telnet->state = STATE_TEXT;
		else
			take_command(telnet, value, ret_event);
		break;
	}
}
