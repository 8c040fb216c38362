/* SPDX-License-Identifier: ISC */
/* People for the tests of chat: who they are and what they have read. */
#ifndef REEVE_CHAT_PEOPLE_H
#define REEVE_CHAT_PEOPLE_H

#include "tests/unit/fake_gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* cmocka's messages do not show texts; these do. */
static inline void
assert_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
}

static inline void
assert_no_text(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("\"%s\" is in \"%s\"", part, text);
}

static inline void
assert_heard(const struct conn *conn, const char *part)
{
	assert_text(fake_conn_text(conn), part);
}

static inline void
assert_not_heard(const struct conn *conn, const char *part)
{
	assert_no_text(fake_conn_text(conn), part);
}

/* Exactly this since the last fake_conn_forget. */
static inline void
assert_heard_only(const struct conn *conn, const char *all)
{
	assert_string_equal(fake_conn_text(conn), all);
}

/* Somebody comes in under that name, and has read all that was said about it. */
static inline struct conn *
come_in(struct builtin *gate, const char *name)
{
	struct conn *conn = fake_gate_connect(gate);

	fake_conn_send(conn, name);
	fake_conn_send(conn, "\n");
	assert_heard(conn, "*** You are ");
	for (struct conn *other = gate->conns; other; other = other->next)
		fake_conn_forget(other);
	return conn;
}

/* A datagram as text; all that was sent to a peer since the last fake_gate_forget_datagrams. */
static inline void
send_datagram(struct builtin *gate, const struct datagram_peer *peer, const char *text)
{
	fake_gate_datagram(gate, peer, text, strlen(text));
}

static inline void
read_datagrams(const struct builtin *gate, const struct datagram_peer *peer, char *text,
	size_t room)
{
	size_t length = 0;

	for (size_t i = 0; i < gate->datagram_count; i++) {
		const struct fake_datagram *datagram = &gate->datagrams[i];

		if (!datagram_peer_equal(&datagram->peer, peer) ||
			length + datagram->length >= room)
			continue;
		memcpy(text + length, datagram->bytes, datagram->length);
		length += datagram->length;
	}
	text[length] = '\0';
}

/* Get a cookie and send it back, with what follows it on the line. */
static inline void
prove(struct builtin *gate, const struct datagram_peer *peer, const char *rest)
{
	const struct fake_datagram *offer;
	char line[256];

	send_datagram(gate, peer, "hello chat, let me in please\n");
	offer = fake_gate_last_to(gate, peer);
	assert_non_null(offer);
	assert_true(offer->length > 6 && memcmp(offer->bytes, "Say ", 4) == 0);
	(void)snprintf(line, sizeof(line), "%.20s%s", offer->bytes + 4, rest);
	fake_gate_forget_datagrams(gate);
	send_datagram(gate, peer, line);
}

#endif
