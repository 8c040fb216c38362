/* SPDX-License-Identifier: ISC */
/* A gate for tests of built-ins: what tests call. See fake_gate.h. */
#include "tests/unit/fake_gate.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>

static int64_t
default_number(const char *text)
{
	char *unit;
	int64_t number = strtoll(text, &unit, 10);

	if (strcmp(unit, "s") == 0)
		return number * 1000;
	if (strcmp(unit, "min") == 0)
		return number * 60000;
	return number;
}

/* A default is as the file would have it; the double frees nothing, so text is borrowed. */
#define DEFAULT_DAEMON(name, kind, text)
#define DEFAULT_SERVICE(name, kind, text)
#define DEFAULT_OPTION(name, kind, text) options.name = DEFAULT_##kind(text);
#define DEFAULT_COUNT(text) default_number(text)
#define DEFAULT_BYTES(text) default_number(text)
#define DEFAULT_MSEC(text) default_number(text)
#define DEFAULT_STRING(text) (char *)(uintptr_t)(const void *)(text)
#define DEFAULT_PATH(text) DEFAULT_STRING(text)

struct service_options
fake_gate_defaults(void)
{
	struct service_options options = { 0 };

#define KEY(scope, name, kind, text, ...) DEFAULT_##scope(name, kind, text)
#include "config/config_keys.def"
#undef KEY
	return options;
}

int
fake_gate_try(struct builtin **ret_builtin, const struct service_ops *ops,
	const struct service_options *options)
{
	struct builtin *builtin = calloc(1, sizeof(*builtin));
	int error;

	assert(builtin);
	*builtin = (struct builtin){ .ops = ops,
		.now = 1000000,
		.realtime = 1700000000,
		.reply_budget = 1024,
		.next_port = 30000 };
	builtin->options = options ? *options : fake_gate_defaults();
	error = ops->start ? ops->start(builtin, &builtin->state) : 0;
	if (error < 0) {
		free(builtin);
		return error;
	}
	*ret_builtin = builtin;
	return 0;
}

struct builtin *
fake_gate_new(const struct service_ops *ops, const struct service_options *options)
{
	struct builtin *builtin = NULL;
	int error = fake_gate_try(&builtin, ops, options);

	if (error < 0)
		abort();
	return builtin;
}

void
fake_gate_free(struct builtin *builtin)
{
	if (!builtin)
		return;
	fake_gate_enter(builtin);
	for (struct conn *conn = builtin->conns; conn; conn = conn->next)
		conn_drop(conn, ENDING_SHUTDOWN);
	fake_gate_leave(builtin);
	if (builtin->ops->stop)
		builtin->ops->stop(builtin);
	while (builtin->conns) {
		struct conn *conn = builtin->conns;

		builtin->conns = conn->next;
		fake_bytes_free(&conn->input);
		fake_bytes_free(&conn->waiting);
		fake_bytes_free(&conn->received);
		fake_bytes_free(&conn->held);
		free(conn);
	}
	fake_gate_forget_datagrams(builtin);
	free(builtin->datagrams);
	free(builtin);
}

void
fake_gate_advance(struct builtin *builtin, msec span)
{
	msec end = builtin->now + span;

	while (builtin->now < end) {
		msec to_second = 1000 - builtin->now % 1000;
		msec step = to_second < end - builtin->now ? to_second : end - builtin->now;

		builtin->now += step;
		if (builtin->now % 1000 != 0)
			continue;
		builtin->realtime++;
		fake_gate_enter(builtin);
		if (builtin->wants_ticks && builtin->ops->tick)
			builtin->ops->tick(builtin, builtin->now);
		fake_gate_leave(builtin);
	}
}

void
fake_gate_retune(struct builtin *builtin)
{
	fake_gate_enter(builtin);
	if (builtin->ops->retune)
		builtin->ops->retune(builtin);
	fake_gate_leave(builtin);
}

/* --- clients */

struct conn *
fake_gate_connect(struct builtin *builtin)
{
	struct conn *conn = calloc(1, sizeof(*conn));

	assert(conn);
	*conn = (struct conn){
		.builtin = builtin, .next = builtin->conns, .is_reading = true, .target = -1
	};
	conn->peer = (struct netaddr){ .family = AF_INET, .port = builtin->next_port++ };
	conn->peer.ip.v4.s_addr = htonl(INADDR_LOOPBACK);
	builtin->conns = conn;
	if (builtin->ops->conn_size > 0) {
		conn->state = calloc(1, builtin->ops->conn_size);
		assert(conn->state);
	}
	fake_gate_enter(builtin);
	if (builtin->ops->open)
		builtin->ops->open(conn);
	fake_gate_leave(builtin);
	return conn;
}

/* Show the service what waits, window by window, for as long as it takes what it is shown. */
static void
show_input(struct conn *conn, bool is_news)
{
	while (!conn->is_finished && !conn->block) {
		size_t room = FAKE_INPUT_MAX - conn->input.length;
		size_t length = conn->waiting.length < room ? conn->waiting.length : room;

		if (length == 0 && !is_news)
			return;
		is_news = false;
		if (length > 0)
			fake_bytes_move(&conn->input, &conn->waiting, length);
		if (conn->is_ignoring)
			conn_ignore_input(conn);
		else if (conn->is_echoing)
			fake_conn_echo(conn);
		else if (conn->builtin->ops->readable)
			conn->builtin->ops->readable(conn);
	}
}

void
fake_conn_send_bytes(struct conn *conn, const void *bytes, size_t length)
{
	assert(!conn->has_ended);
	if (conn->is_closed)
		return;
	fake_gate_enter(conn->builtin);
	fake_bytes_add(&conn->waiting, bytes, length);
	show_input(conn, false);
	fake_gate_leave(conn->builtin);
}

void
fake_conn_send(struct conn *conn, const char *text)
{
	fake_conn_send_bytes(conn, text, strlen(text));
}

void
fake_conn_end(struct conn *conn)
{
	conn->has_ended = true;
	if (conn->is_closed)
		return;
	fake_gate_enter(conn->builtin);
	show_input(conn, true);
	fake_gate_leave(conn->builtin);
}

void
fake_conn_reset(struct conn *conn, enum ending ending)
{
	if (conn->is_closed)
		return;
	fake_gate_enter(conn->builtin);
	conn_drop(conn, ending);
	fake_gate_leave(conn->builtin);
}

void
fake_conn_stop_reading(struct conn *conn)
{
	conn->is_reading = false;
}

void
fake_conn_read_again(struct conn *conn)
{
	struct builtin *builtin = conn->builtin;

	conn->is_reading = true;
	if (conn->held.length > 0 && !conn->is_over)
		fake_bytes_move(&conn->received, &conn->held, conn->held.length);
	if (conn->is_closed)
		return;
	fake_gate_enter(builtin);
	if (conn->is_finished) {
		conn_drop(conn, conn->ending);
	} else if (conn->is_echoing) {
		fake_conn_echo(conn);
		show_input(conn, false);
	} else if (conn->wants_writable) {
		conn->wants_writable = false;
		if (builtin->ops->writable)
			builtin->ops->writable(conn);
	}
	fake_gate_leave(builtin);
}

void
fake_conn_take(struct conn *conn, size_t length)
{
	assert(conn->block);
	for (; length > 0; length--) {
		fake_bytes_add(&conn->received, conn->block + conn->block_offset, 1);
		conn->block_offset = (conn->block_offset + 1) % conn->block_length;
	}
}

const char *
fake_conn_text(const struct conn *conn)
{
	return conn->received.bytes ? conn->received.bytes : "";
}

void
fake_conn_forget(struct conn *conn)
{
	fake_bytes_cut(&conn->received, conn->received.length);
}

/* --- datagrams */

struct datagram_peer
fake_peer(uint16_t number)
{
	struct datagram_peer peer = { .address = { .family = AF_INET }, .listener = 1 };

	peer.local = peer.address;
	peer.address.port = (uint16_t)(20000 + number);
	peer.address.ip.v4.s_addr = htonl(INADDR_LOOPBACK);
	peer.local.port = 2345;
	peer.local.ip.v4.s_addr = htonl(INADDR_LOOPBACK);
	return peer;
}

void
fake_gate_datagram(struct builtin *builtin, const struct datagram_peer *peer, const void *bytes,
	size_t length)
{
	/* In memory of exactly its length, so that a sanitizer sees who reads beyond. */
	char *copy = malloc(length > 0 ? length : 1);
	struct datagram datagram = {
		.builtin = builtin, .peer = peer, .bytes = copy, .length = length
	};

	assert(copy);
	if (length > 0)
		memcpy(copy, bytes, length);
	builtin->was_answered = false;
	fake_gate_enter(builtin);
	if (builtin->ops->datagram)
		builtin->ops->datagram(&datagram);
	fake_gate_leave(builtin);
	free(copy);
}

const struct fake_datagram *
fake_gate_last_to(const struct builtin *builtin, const struct datagram_peer *peer)
{
	for (size_t i = builtin->datagram_count; i > 0; i--)
		if (datagram_peer_equal(&builtin->datagrams[i - 1].peer, peer))
			return &builtin->datagrams[i - 1];
	return NULL;
}

void
fake_gate_forget_datagrams(struct builtin *builtin)
{
	for (size_t i = 0; i < builtin->datagram_count; i++)
		free(builtin->datagrams[i].bytes);
	builtin->datagram_count = 0;
}
