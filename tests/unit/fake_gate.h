/* SPDX-License-Identifier: ISC */
/* A gate for tests of built-ins: every function of services/service.h, with clients, datagrams,
 * clock and file in the test's hands and every byte of output kept.
 *
 * A client that reads takes each byte at once; one that was told to stop lets the gate hold
 * FAKE_OUTPUT_MAX bytes, then conn_write says -ENOBUFS. `closed` comes when the call of the test
 * that led to it ends, or at once within conn_drop if closes_at_once is set: the contract allows
 * both, a service must stand both. A struct conn outlives its `closed` (its state does not), so
 * that a test can look at what the client got; fake_gate_free frees all.
 *
 * Two objects to link: fake_gate.o (what services call) and fake_client.o (what tests call). */
#ifndef REEVE_FAKE_GATE_H
#define REEVE_FAKE_GATE_H

#include "services/service.h"

#define FAKE_OUTPUT_MAX 65536
#define FAKE_INPUT_MAX 16384
#define FAKE_MEASURES_LENGTH 10000

struct fake_bytes {
	char *bytes; /* NUL-terminated once anything was added */
	size_t length;
	size_t room;
};

struct fake_target {
	const char *name;
	bool greets;
};

struct fake_datagram {
	struct datagram_peer peer;
	bool is_reply; /* by datagram_reply, else by datagram_send */
	size_t length;
	char *bytes; /* NUL-terminated */
};

struct builtin {
	const struct service_ops *ops;
	void *state;
	/* What the test may change at any time. */
	struct service_options options;
	msec now;
	int64_t realtime;
	const char *file; /* NULL: no file */
	size_t file_length;
	const struct fake_target *targets; /* for tcpmux; `name` NULL ends it */
	const char *full_target;           /* the one that has no place free, or NULL */
	size_t reply_budget;               /* of all sources together; never refilled */
	uint32_t measures;                 /* pieces of FAKE_MEASURES_LENGTH that there are */
	bool closes_at_once;
	/* What the test may look at. */
	bool wants_ticks;
	uint64_t write_count; /* calls of conn_write and datagram_send that were taken */
	struct fake_datagram *datagrams;
	size_t datagram_count, datagram_room;
	struct conn *conns; /* newest first */
	uint16_t next_port;
	uint32_t depth; /* of calls from the test */
	bool was_answered;
	uint32_t dead_count;
};

struct conn {
	struct builtin *builtin;
	struct conn *next;
	void *state;
	struct netaddr peer;
	struct fake_bytes input;    /* shown to the service, FAKE_INPUT_MAX at most */
	struct fake_bytes waiting;  /* sent by the client, not shown yet */
	struct fake_bytes received; /* what the client got */
	struct fake_bytes held;     /* what it has not taken yet */
	bool has_ended;             /* the client will send no more */
	bool is_reading, is_ignoring, is_echoing;
	bool wants_writable;
	bool is_finished; /* conn_finish, conn_drop, conn_hand_over */
	bool is_over;     /* nothing is owed: `closed` is due */
	bool is_closed;   /* `closed` has been called */
	enum ending ending;
	int64_t target;    /* of conn_hand_over, else -1 */
	const char *block; /* of conn_repeat */
	size_t block_length, block_offset;
};

/* Start the built-in with every option at its default (or `options`). Aborts if start fails:
 * use fake_gate_try for that. free: drops every client with ENDING_SHUTDOWN, then stops. */
struct builtin *fake_gate_new(const struct service_ops *ops, const struct service_options *options);
int fake_gate_try(struct builtin **ret_builtin, const struct service_ops *ops,
	const struct service_options *options);
void fake_gate_free(struct builtin *builtin);
struct service_options fake_gate_defaults(void);

/* Time passes, with a tick each second if the service wants them; options or file changed. */
void fake_gate_advance(struct builtin *builtin, msec span);
void fake_gate_retune(struct builtin *builtin);

/* A client connects; sends; ends its side; vanishes; stops taking output; takes it again. */
struct conn *fake_gate_connect(struct builtin *builtin);
void fake_conn_send(struct conn *conn, const char *text);
void fake_conn_send_bytes(struct conn *conn, const void *bytes, size_t length);
void fake_conn_end(struct conn *conn);
void fake_conn_reset(struct conn *conn, enum ending ending);
void fake_conn_stop_reading(struct conn *conn);
void fake_conn_read_again(struct conn *conn);

/* Let a client of conn_repeat take that many bytes. */
void fake_conn_take(struct conn *conn, size_t length);

/* What the client has got so far (NUL-terminated); forget it. */
const char *fake_conn_text(const struct conn *conn);
void fake_conn_forget(struct conn *conn);

/* A peer by number: 127.0.0.1 and port 20000 + number. A datagram from it; the newest datagram
 * to it, or NULL; forget all that were sent. */
struct datagram_peer fake_peer(uint16_t number);
void fake_gate_datagram(struct builtin *builtin, const struct datagram_peer *peer,
	const void *bytes, size_t length);
const struct fake_datagram *fake_gate_last_to(const struct builtin *builtin,
	const struct datagram_peer *peer);
void fake_gate_forget_datagrams(struct builtin *builtin);

/* --- between the two objects */
void fake_bytes_add(struct fake_bytes *to, const void *bytes, size_t length);
void fake_bytes_cut(struct fake_bytes *from, size_t length);
void fake_bytes_move(struct fake_bytes *to, struct fake_bytes *from, size_t length);
void fake_bytes_free(struct fake_bytes *bytes);
void fake_gate_enter(struct builtin *builtin);
void fake_gate_leave(struct builtin *builtin);
void fake_conn_finish(struct conn *conn, enum ending ending);
void fake_conn_echo(struct conn *conn);

#endif
