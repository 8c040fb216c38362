/* SPDX-License-Identifier: ISC */
/* A gate for tests of built-ins: the functions that services call. See fake_gate.h. */
#include "tests/unit/fake_gate.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- bytes */

void
fake_bytes_add(struct fake_bytes *to, const void *bytes, size_t length)
{
	if (to->length + length + 1 > to->room) {
		to->room = (to->length + length + 1) * 2;
		to->bytes = realloc(to->bytes, to->room);
		assert(to->bytes);
	}
	if (length > 0)
		memcpy(to->bytes + to->length, bytes, length);
	to->length += length;
	to->bytes[to->length] = '\0';
}

void
fake_bytes_cut(struct fake_bytes *from, size_t length)
{
	assert(length <= from->length);
	if (length == 0)
		return;
	memmove(from->bytes, from->bytes + length, from->length - length + 1);
	from->length -= length;
}

void
fake_bytes_move(struct fake_bytes *to, struct fake_bytes *from, size_t length)
{
	fake_bytes_add(to, from->bytes, length);
	fake_bytes_cut(from, length);
}

void
fake_bytes_free(struct fake_bytes *bytes)
{
	free(bytes->bytes);
	*bytes = (struct fake_bytes){ 0 };
}

/* --- the ends of connections */

static void
close_conn(struct conn *conn)
{
	const struct service_ops *ops = conn->builtin->ops;

	conn->is_closed = true;
	if (ops->closed)
		ops->closed(conn, conn->ending);
	free(conn->state);
	conn->state = NULL;
}

static void
note_over(struct conn *conn)
{
	if (conn->is_over)
		return;
	conn->is_over = true;
	conn->builtin->dead_count++;
}

void
fake_gate_enter(struct builtin *builtin)
{
	builtin->depth++;
}

/* A call of the test ends: bury the dead, and those who die of it. */
void
fake_gate_leave(struct builtin *builtin)
{
	if (builtin->depth > 1) {
		builtin->depth--;
		return;
	}
	while (builtin->dead_count > 0) {
		builtin->dead_count = 0;
		for (struct conn *conn = builtin->conns; conn; conn = conn->next)
			if (conn->is_over && !conn->is_closed)
				close_conn(conn);
	}
	builtin->depth--;
}

void
fake_conn_finish(struct conn *conn, enum ending ending)
{
	if (conn->is_finished)
		return;
	conn->is_finished = true;
	conn->ending = ending;
	if (conn->held.length == 0)
		note_over(conn);
}

/* --- services/service.h: the service */

const struct service_options *
builtin_options(const struct builtin *builtin)
{
	return &builtin->options;
}

void *
builtin_state(const struct builtin *builtin)
{
	return builtin->state;
}

msec
builtin_now(const struct builtin *builtin)
{
	return builtin->now;
}

int64_t
builtin_realtime(const struct builtin *builtin)
{
	return builtin->realtime;
}

void
builtin_want_ticks(struct builtin *builtin, bool wants)
{
	builtin->wants_ticks = wants;
}

const char *
builtin_file(const struct builtin *builtin, size_t *ret_length)
{
	*ret_length = builtin->file ? builtin->file_length : 0;
	return builtin->file;
}

/* The same in every run (splitmix64), so that a failure can be repeated. */
void
builtin_random(void *place, size_t length)
{
	static uint64_t state = 1;
	unsigned char *bytes = place;

	for (size_t i = 0; i < length; i++) {
		uint64_t mixed = state += 0x9e3779b97f4a7c15;

		mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
		mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
		bytes[i] = (unsigned char)(mixed >> 56);
	}
}

const char *
builtin_target(const struct builtin *builtin, uint32_t index, bool *ret_greets)
{
	for (uint32_t i = 0; builtin->targets && builtin->targets[i].name; i++) {
		if (i != index)
			continue;
		if (ret_greets)
			*ret_greets = builtin->targets[i].greets;
		return builtin->targets[i].name;
	}
	return NULL;
}

/* Piece i is so many of the i-th letter. */
size_t
builtin_measures(const struct builtin *builtin, enum measures_form form, uint64_t *place,
	char room[MEASURES_PIECE_MAX])
{
	if (*place >= builtin->measures)
		return 0;
	memset(room, (form == MEASURES_PLAIN ? 'a' : 'A') + (int)(*place % 26),
		FAKE_MEASURES_LENGTH);
	++*place;
	return FAKE_MEASURES_LENGTH;
}

const char *
builtin_measures_type(enum measures_form form)
{
	return form == MEASURES_PLAIN ? "plain" : "openmetrics";
}

/* --- services/service.h: a connection */

struct builtin *
conn_builtin(const struct conn *conn)
{
	return conn->builtin;
}

void *
conn_state(struct conn *conn)
{
	return conn->state;
}

const struct netaddr *
conn_peer(const struct conn *conn)
{
	return &conn->peer;
}

const char *
conn_input(struct conn *conn, size_t *ret_length, bool *ret_is_end)
{
	*ret_length = conn->input.length;
	if (ret_is_end)
		*ret_is_end = conn->has_ended && conn->waiting.length == 0;
	return conn->input.bytes ? conn->input.bytes : "";
}

void
conn_consume(struct conn *conn, size_t length)
{
	fake_bytes_cut(&conn->input, length);
}

void
conn_ignore_input(struct conn *conn)
{
	conn->is_ignoring = true;
	fake_bytes_cut(&conn->input, conn->input.length);
	if (conn->has_ended && conn->waiting.length == 0)
		fake_conn_finish(conn, ENDING_CLIENT_CLOSED);
}

void
fake_conn_echo(struct conn *conn)
{
	size_t room = conn->is_reading ? conn->input.length : FAKE_OUTPUT_MAX - conn->held.length;
	size_t length = conn->input.length < room ? conn->input.length : room;

	if (conn->is_finished)
		return;
	fake_bytes_move(conn->is_reading ? &conn->received : &conn->held, &conn->input, length);
	if (conn->has_ended && conn->waiting.length + conn->input.length == 0)
		fake_conn_finish(conn, ENDING_CLIENT_CLOSED);
}

void
conn_move_input_to_output(struct conn *conn)
{
	conn->is_echoing = true;
	fake_conn_echo(conn);
}

int
conn_write(struct conn *conn, const char *bytes, size_t length)
{
	assert(!conn->is_closed);
	if (conn->is_finished && conn->target < 0)
		return 0;
	if (!conn->is_reading && conn->held.length + length > FAKE_OUTPUT_MAX) {
		conn->wants_writable = true;
		return -ENOBUFS;
	}
	fake_bytes_add(conn->is_reading ? &conn->received : &conn->held, bytes, length);
	conn->builtin->write_count++;
	return 0;
}

void
conn_repeat(struct conn *conn, const char *block, size_t length, size_t offset)
{
	assert(length > 0 && offset < length);
	conn->block = block;
	conn->block_length = length;
	conn->block_offset = offset;
	conn_ignore_input(conn);
}

void
conn_finish(struct conn *conn, enum ending ending)
{
	fake_conn_finish(conn, ending);
}

void
conn_drop(struct conn *conn, enum ending ending)
{
	if (conn->is_closed || conn->is_over)
		return;
	if (!conn->is_finished)
		conn->ending = ending;
	conn->is_finished = true;
	note_over(conn);
	if (conn->builtin->closes_at_once)
		close_conn(conn);
}

int
conn_hand_over(struct conn *conn, uint32_t target)
{
	const char *name = builtin_target(conn->builtin, target, NULL);

	assert(name);
	if (conn->builtin->full_target && strcmp(conn->builtin->full_target, name) == 0)
		return -EAGAIN;
	conn->target = target;
	fake_conn_finish(conn, ENDING_HANDED_OVER);
	return 0;
}

/* --- services/service.h: datagrams */

static void
keep_datagram(struct builtin *builtin, const struct datagram_peer *peer, const char *bytes,
	size_t length, bool is_reply)
{
	struct fake_datagram *datagram;

	if (builtin->datagram_count == builtin->datagram_room) {
		builtin->datagram_room = builtin->datagram_room * 2 + 16;
		builtin->datagrams = realloc(builtin->datagrams,
			builtin->datagram_room * sizeof(*builtin->datagrams));
		assert(builtin->datagrams);
	}
	datagram = &builtin->datagrams[builtin->datagram_count++];
	*datagram = (struct fake_datagram){ .peer = *peer,
		.is_reply = is_reply,
		.length = length,
		.bytes = calloc(1, length + 1) };
	assert(datagram->bytes);
	if (length > 0)
		memcpy(datagram->bytes, bytes, length);
}

bool
datagram_reply(const struct datagram *datagram, const char *bytes, size_t length)
{
	struct builtin *builtin = datagram->builtin;
	size_t room = datagram->length + builtin->reply_budget;
	size_t sent = length < room ? length : room;

	assert(!builtin->was_answered);
	builtin->was_answered = true;
	if (sent > datagram->length)
		builtin->reply_budget -= sent - datagram->length;
	if (sent > 0 || length == 0)
		keep_datagram(builtin, datagram->peer, bytes, sent, true);
	return sent == length;
}

void
datagram_send(struct builtin *builtin, const struct datagram_peer *peer, const char *bytes,
	size_t length)
{
	builtin->write_count++;
	keep_datagram(builtin, peer, bytes, length, false);
}

static bool
address_equal(const struct netaddr *a, const struct netaddr *b)
{
	size_t length = a->family == AF_INET ? sizeof(a->ip.v4) : sizeof(a->ip.v6);

	if (a->family != b->family || a->port != b->port || a->scope != b->scope)
		return false;
	return (a->family != AF_INET && a->family != AF_INET6) ||
		memcmp(&a->ip, &b->ip, length) == 0;
}

bool
datagram_peer_equal(const struct datagram_peer *a, const struct datagram_peer *b)
{
	return address_equal(&a->address, &b->address) && address_equal(&a->local, &b->local) &&
		a->listener == b->listener && a->path_length == b->path_length &&
		memcmp(a->path, b->path, a->path_length) == 0;
}
