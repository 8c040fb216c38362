/* SPDX-License-Identifier: ISC */
/* LINK: services/chat.o services/chat_command.o src/base/siphash.o services/chat_history.o
 * services/chat_name.o src/base/name.o services/chat_room.o services/chat_saved.o
 * services/chat_table.o src/base/saved_read.o src/base/saved_write.o
 * services/chat_telnet.o services/chat_text.o services/chat_udp.o services/chat_user.o
 * src/base/textbuf.o src/base/utf8.o tests/unit/fake_client.o tests/unit/fake_gate.o */
/* Strangers do to chat what they like; whatever it is, nobody else's terminal sees a control
 * byte, a telnet command, broken UTF-8 or a line of a kind that chat.h does not know, and no
 * stranger's datagram is answered with more than it brought.
 *
 * The input is a play: an act is a byte that says who does what, a length, and that many bytes
 * of text. */
#include "base/utf8.h"
#include "tests/unit/fake_gate.h"

#include <stdio.h>
#include <string.h>

#define CONNS 6
#define PEERS 4

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

struct play {
	struct builtin *gate;
	struct conn *conns[CONNS];
	bool is_proven[PEERS];
};

struct act {
	unsigned who;
	const uint8_t *text;
	size_t length;
};

/* --- what must be true of all that anybody is sent */

static void
demand(bool is_so)
{
	if (!is_so)
		abort();
}

static bool
begins_well(const char *line, size_t length)
{
	static const char *const beginnings[] = { "*** ", "<", "* ", "[", "-> [", "| ",
		"Your name [" };

	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (length >= strlen(beginnings[i]) &&
			memcmp(line, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	return length == 0;
}

static void
demand_line(const char *line, size_t length)
{
	demand(begins_well(line, length));
	for (size_t at = 0, step; at < length; at += step) {
		uint32_t point = 0;

		step = utf8_next(line + at, length - at, &point);
		demand(step > 0 && utf8_is_printable(point));
	}
}

static void
demand_text(const char *text, size_t length)
{
	while (length > 0) {
		const char *end = memchr(text, '\n', length);
		size_t line = end ? (size_t)(end - text) : length;

		/* Only a prompt may stand at the end without one. */
		demand(end ? line > 0 && text[line - 1] == '\r' : memcmp(text, "Your", 4) == 0);
		demand_line(text, end ? line - 1 : line);
		text += line + (end != NULL);
		length -= line + (end != NULL);
	}
}

/* Refusals of telnet options go to who asked for them. */
static size_t
without_refusals(char *text, size_t length)
{
	size_t kept = 0;

	for (size_t at = 0; at < length; at++) {
		if ((uint8_t)text[at] == 0xff && length - at >= 3 &&
			((uint8_t)text[at + 1] == 0xfc || (uint8_t)text[at + 1] == 0xfe))
			at += 2;
		else
			text[kept++] = text[at];
	}
	return kept;
}

static void
check_all(struct play *play, const struct conn *actor)
{
	for (size_t i = 0; i < CONNS; i++) {
		struct conn *conn = play->conns[i];

		if (!conn || conn->received.length == 0)
			continue;
		if (conn == actor)
			conn->received.length =
				without_refusals(conn->received.bytes, conn->received.length);
		demand_text(conn->received.bytes, conn->received.length);
		fake_conn_forget(conn);
	}
	for (size_t i = 0; i < play->gate->datagram_count; i++) {
		const struct fake_datagram *datagram = &play->gate->datagrams[i];

		if (!datagram->is_reply)
			demand_text(datagram->bytes, datagram->length);
	}
}

/* --- acts */

static struct conn *
somebody(struct play *play, const struct act *act)
{
	struct conn **conn = &play->conns[act->who % CONNS];

	if (!*conn || (*conn)->is_closed || (*conn)->has_ended)
		*conn = fake_gate_connect(play->gate);
	return *conn;
}

static struct conn *
act_send(struct play *play, const struct act *act)
{
	struct conn *conn = somebody(play, act);

	fake_conn_send_bytes(conn, act->text, act->length);
	return conn;
}

static struct conn *
act_send_much(struct play *play, const struct act *act)
{
	struct conn *conn = somebody(play, act);

	for (int i = 0; i < 40 && !conn->is_closed; i++)
		fake_conn_send_bytes(conn, act->text, act->length);
	return conn;
}

static struct conn *
act_end(struct play *play, const struct act *act)
{
	struct conn *conn = somebody(play, act);

	if (act->length % 2 == 0)
		fake_conn_reset(conn, act->length % 4 == 0 ? ENDING_CLIENT_RESET : ENDING_IDLE);
	else
		fake_conn_end(conn);
	return conn;
}

static struct conn *
act_read(struct play *play, const struct act *act)
{
	struct conn *conn = somebody(play, act);

	if (conn->is_reading)
		fake_conn_stop_reading(conn);
	else
		fake_conn_read_again(conn);
	return conn;
}

static struct conn *
act_datagram(struct play *play, const struct act *act)
{
	struct datagram_peer peer = fake_peer((uint16_t)(act->who % PEERS));

	fake_gate_datagram(play->gate, &peer, act->text, act->length);
	for (size_t i = 0; i < play->gate->datagram_count; i++) {
		const struct fake_datagram *sent = &play->gate->datagrams[i];

		if (sent->is_reply)
			demand(sent->length <= act->length);
		else
			demand(play->is_proven[sent->peer.address.port - peer.address.port +
				act->who % PEERS]);
	}
	return NULL;
}

static struct conn *
act_prove(struct play *play, const struct act *act)
{
	static const char question[] = "hello chat, let me in please\n";
	struct datagram_peer peer = fake_peer((uint16_t)(act->who % PEERS));
	const struct fake_datagram *offer;
	char line[20 + 255];

	fake_gate_datagram(play->gate, &peer, question, strlen(question));
	offer = fake_gate_last_to(play->gate, &peer);
	if (!offer || !offer->is_reply || offer->length < 24)
		return NULL;
	memcpy(line, offer->bytes + 4, 20);
	if (act->length > 0)
		memcpy(line + 20, act->text, act->length);
	fake_gate_datagram(play->gate, &peer, line, 20 + act->length);
	play->is_proven[act->who % PEERS] = true;
	return NULL;
}

static struct conn *
act_wait(struct play *play, const struct act *act)
{
	fake_gate_advance(play->gate, (msec)(act->length * act->length * (act->who + 1)));
	return NULL;
}

static struct conn *
act_reload(struct play *play, const struct act *act)
{
	static char rooms[][8] = { "lobby", "hall", "no room", "r" };

	play->gate->options.chat_line = 64 + (int64_t)act->length;
	play->gate->options.chat_history = (int64_t)(act->length % 7);
	play->gate->options.chat_room = rooms[act->who % ARRAY_SIZE(rooms)];
	play->gate->closes_at_once = act->length % 2 == 0;
	fake_gate_retune(play->gate);
	return NULL;
}

static void
play_act(struct play *play, unsigned what, const struct act *act)
{
	static struct conn *(*const acts[])(struct play *, const struct act *) = { act_send,
		act_send, act_send_much, act_end, act_read, act_datagram, act_prove, act_wait,
		act_reload };

	check_all(play, acts[what % ARRAY_SIZE(acts)](play, act));
	fake_gate_forget_datagrams(play->gate);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct service_options options = fake_gate_defaults();
	struct play play = { 0 };

	options.chat_burst = 200;
	options.chat_rooms = 3;
	options.chat_line = 100;
	options.chat_history = 4;
	play.gate = fake_gate_new(&chat_ops, &options);
	for (size_t at = 0, acts = 0; at + 2 <= length && acts < 200; acts++) {
		struct act act = {
			.who = bytes[at] >> 4, .text = bytes + at + 2, .length = bytes[at + 1]
		};
		unsigned what = bytes[at] & 15;

		at += 2;
		if (act.length > length - at)
			act.length = length - at;
		at += act.length;
		play_act(&play, what, &act);
	}
	fake_gate_free(play.gate);
	return 0;
}
