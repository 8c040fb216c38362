/* SPDX-License-Identifier: ISC */
/* What a built-in service is and what it may do. A built-in sees connections, datagrams and
 * its options: no descriptor, no limit, no log, no configuration, no clock but the one it is
 * handed. The gate implements every function below; tests put a double in its place.
 *
 * All calls come from one thread and none blocks. Within a callback any function may be called
 * on any connection of the same service; a connection that was finished or dropped stays valid
 * until its `closed` has returned, and no other callback follows for it. */
#ifndef REEVE_SERVICE_H
#define REEVE_SERVICE_H

#include "config/config.h"
#include "base/netaddr.h"
#include "base/textbuf.h"
#include "base/util.h"
#include "base/verdict.h"

struct builtin; /* one configured service that a built-in runs */
struct conn;    /* one client of it on a stream or seqpacket socket */

/* A datagram that came in, and the answer that it may get. */
struct datagram {
	struct builtin *builtin;
	const struct datagram_peer *peer;
	const char *bytes; /* `length` may be 0 */
	size_t length;
};

/* Whom to answer: sender, and the address and socket that it asked. A plain value: may be kept
 * and compared, is worth nothing once its service's socket is closed (sends then do nothing). */
struct datagram_peer {
	struct netaddr address; /* AF_UNIX: the sender's path is in `path` */
	struct netaddr local;   /* the address that was asked; the answer leaves from it */
	uint32_t listener;
	char path[108]; /* unix: sun_path, NUL-terminated unless full; abstract names begin
	                         * with NUL and `path_length` counts */
	uint32_t path_length;
};

struct service_ops {
	const char *name;

	/* Bytes of state that each connection gets (zeroed): conn_state(). 0: none. */
	size_t conn_size;

	/* The service begins (`*ret_state` is what builtin_state gives), gets new options or a new
	 * file, ends. start: 0 or -errno, then the service does not open. */
	int (*start)(struct builtin *builtin, void **ret_state);
	void (*retune)(struct builtin *builtin);
	void (*stop)(struct builtin *builtin);

	/* A client is there. Bytes to read are there, or its end: conn_input says. There is room
	 * for output again after conn_write said -ENOBUFS. It is gone, for that reason. */
	void (*open)(struct conn *conn);
	void (*readable)(struct conn *conn);
	void (*writable)(struct conn *conn);
	void (*closed)(struct conn *conn, enum ending ending);

	/* A datagram came. Answer with datagram_reply at most once, or not at all. */
	void (*datagram)(struct datagram *datagram);

	/* Once a second while builtin_want_ticks is on. */
	void (*tick)(struct builtin *builtin, msec now);

	/* An upgrade: another gate goes on with the service. `save` and `save_conn` write down
	 * what is known of it and of each connection, `restore` and `restore_conn` read that
	 * back, as strictly as what a stranger sends: 0 or -errno, and what cannot be read is
	 * ended. A restored connection is not opened again. Nothing may be sent by `restore`.
	 * Without these the connections end in the gate that they are in. All four or none. */
	void (*save)(struct builtin *builtin, struct textbuf *text);
	void (*save_conn)(struct conn *conn, struct textbuf *text);
	int (*restore)(struct builtin *builtin, const char *text, size_t length);
	int (*restore_conn)(struct conn *conn, const char *text, size_t length);

	/* Reads exactly what conn_consume takes from the socket, not one byte more, so that the
	 * rest is there for whom the connection is handed to. Slower: for prefaces. */
	bool is_exact;
};

/* --- the service */
const struct service_options *builtin_options(const struct builtin *builtin);
void *builtin_state(const struct builtin *builtin);
msec builtin_now(const struct builtin *builtin);         /* monotonic, of this turn */
int64_t builtin_realtime(const struct builtin *builtin); /* seconds since 1970, read now */
void builtin_want_ticks(struct builtin *builtin, bool wants);

/* The bytes of the file that the option `file` names, opened by the supervisor; NULL without. */
const char *builtin_file(const struct builtin *builtin, size_t *ret_length);

/* Fill with random bytes from the kernel (getrandom(2)); does not fail. */
void builtin_random(void *place, size_t length);

/* Visit the services of the configuration that tcpmux may hand over to, in table order:
 * index 0, 1, ... until NULL. `ret_greets` (may be NULL): the caller sends the "+". */
const char *builtin_target(const struct builtin *builtin, uint32_t index, bool *ret_greets);

/* What the daemon counts, as text, a piece at a time: fills `room` with what follows `*place` (0:
 * the beginning), and moves that behind it. The piece's length; 0: that was all. What HTTP calls
 * the form. */
#define MEASURES_PIECE_MAX 32768
enum measures_form { MEASURES_OPENMETRICS, MEASURES_PLAIN };
size_t builtin_measures(const struct builtin *builtin, enum measures_form form, uint64_t *place,
	char room[MEASURES_PIECE_MAX]);
const char *builtin_measures_type(enum measures_form form);

/* --- a connection */
struct builtin *conn_builtin(const struct conn *conn);
void *conn_state(struct conn *conn);
const struct netaddr *conn_peer(const struct conn *conn);

/* Bytes that have arrived and are not consumed; valid until the callback returns. `*ret_is_end`
 * (may be NULL) is true when no byte will follow. What is left unconsumed is kept and shown
 * again with what follows, up to 16 KiB: a service that leaves more is not shown more. */
const char *conn_input(struct conn *conn, size_t *ret_length, bool *ret_is_end);
void conn_consume(struct conn *conn, size_t length);

/* Read and forget what arrives from now on, without showing it; at the client's end the
 * connection ends. */
void conn_ignore_input(struct conn *conn);

/* Send back what has arrived, reading no faster than the peer drains; at the client's end
 * everything still owed is sent, then the connection ends. */
void conn_move_input_to_output(struct conn *conn);

/* Send; bytes are copied or gone when it returns. -ENOBUFS: they do not fit the bound of what
 * is held for this client (64 KiB), nothing was taken; `writable` comes when all is drained. */
int conn_write(struct conn *conn, const char *bytes, size_t length);

/* Send `block` over and over for as long as the client reads, beginning at `offset`; `block`
 * stays the service's and lives as long as the service. What the client sends is ignored. */
void conn_repeat(struct conn *conn, const char *block, size_t length, size_t offset);

/* No more to say: send what is held, then end (SERVED, or `ending` for an unhappy one). */
void conn_finish(struct conn *conn, enum ending ending);

/* End now, whatever is held. */
void conn_drop(struct conn *conn, enum ending ending);

/* Hand the connection to the target of that index (builtin_target): it begins with what is
 * still unread. What conn_write holds, or takes before the callback returns, is sent first.
 * 0, or -EAGAIN: the target has no place free, or is a program and too many are being started;
 * or -EACCES: it does not admit this client. Then nothing has changed. */
int conn_hand_over(struct conn *conn, uint32_t target);

/* --- datagrams */

/* Answer. What the answer is longer than the question is paid from its source's budget; if that
 * does not suffice the answer is left out, it is never cut: true if it was sent. Bytes are gone
 * when it returns. */
bool datagram_reply(const struct datagram *datagram, const char *bytes, size_t length);

/* Send unasked, to a peer that has proven that its address is its own (a cookie came back). */
void datagram_send(struct builtin *builtin, const struct datagram_peer *peer, const char *bytes,
	size_t length);
bool datagram_peer_equal(const struct datagram_peer *a, const struct datagram_peer *b);

/* --- the registry */
#define BUILTIN(name, speaks, gates, help) extern const struct service_ops name##_ops;
#include "services/services.def"
#undef BUILTIN

/* The row of services.def by name; NULL if there is none. */
const struct service_ops *service_find(const char *name);

#endif
