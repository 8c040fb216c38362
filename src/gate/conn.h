/* SPDX-License-Identifier: ISC */
/* Connections of built-ins, behind the conn_* functions of services/service.h.
 *
 * A connection has a mode, what becomes of its input (shown to the service, ignored, echoed,
 * or output repeated regardless), and a stage, how far its life has come. Services only ever
 * change these two and add output; what follows from it for the socket happens in conn_settle,
 * right after the callback for the connection it was about, at the end of the turn for others.
 *
 * While output is held for a client that does not take it, nothing more is read from it. */
#ifndef REEVE_GATE_CONN_H
#define REEVE_GATE_CONN_H

#include "gate/entrance.h"

#define CONN_HELD_MAX 65536       /* output for one client */
#define CONN_UNCONSUMED_MAX 16384 /* input that a service may leave for later */
#define CONN_READ_MAX 65536       /* what is read at once, so the most that echo holds */

/* Bytes kept for a connection, allocated only while there are any. */
struct held {
	uint32_t start;
	uint32_t length; /* from start on */
	uint32_t room;
	char bytes[];
};

struct repeat {
	const char *block;
	size_t length;
	size_t offset;
};

enum conn_mode { CONN_SHOWING, CONN_IGNORING, CONN_ECHOING, CONN_REPEATING };
enum conn_stage { CONN_OPEN, CONN_HANDING_OVER, CONN_FINISHING, CONN_LINGERING, CONN_ENDED };

/* Kept small: ten thousand idle ones are to cost little more than this. */
struct conn {
	struct watch watch; /* first */
	struct service *service;
	struct conn *newer; /* in the service's order of last moves; lingering: in the gate's */
	struct conn *older;
	struct conn *next_due;
	struct held *output;
	union {
		struct held *input;     /* CONN_SHOWING: what was left unconsumed */
		struct repeat *repeat;  /* CONN_REPEATING */
		struct service *target; /* stage CONN_HANDING_OVER */
		int owed;               /* stage CONN_LINGERING: bytes, when it was looked last */
	} aside;
	uint64_t bytes_in;
	uint64_t bytes_out;
	msec started;
	uint64_t source; /* what it holds of its source's connections (gate/limits.h) */
	struct netaddr peer;
	uint32_t serial;
	uint32_t moved_ms; /* of the loop's clock, cut to 32 bits */
	uint8_t mode;
	uint8_t stage;
	uint8_t ending;
	uint8_t protocol;
	uint8_t lingers; /* how often it was given time to read */
	bool is_due : 1;
	bool is_at_end : 1; /* the client has sent its last byte */
	bool wants_writable : 1;
	bool was_told_end : 1; /* `closed` has been called */
	bool is_named : 1;     /* by a proxy */
	bool is_seated : 1;    /* stage CONN_HANDING_OVER: it has a seat and no place */
	char state[] __attribute__((aligned(8)));
};

/* What the connections of a gate share. */
struct conns {
	struct gate *gate;
	char *scratch; /* input of the connection that is read; SCRATCH_SIZE */
	struct conn *shown;
	const char *shown_bytes;
	size_t shown_length; /* not consumed yet */

	struct conn *current; /* whose callback runs: its output gathers in `said` */
	char *said;           /* CONN_HELD_MAX */
	size_t said_length;
	bool has_sent_early; /* in this callback */

	struct conn *first_due;
	struct conn **due_end;

	struct conn *first_lingering;
	struct conn *last_lingering;
	uint32_t lingering_count;
	struct timer linger;
};

/* Far more than is ever read into it: the length of what discarding pretends to read. Pages that
 * are not touched are not there. */
#define SCRATCH_SIZE (1 << 20)

struct conns *conns_new(struct gate *gate);
struct conns *conns_free(struct conns *conns);

/* A client was let in (its place is taken, its descriptor counted): make it a connection of the
 * built-in. Closes the descriptor and gives the place back if there is no memory. */
void conn_begin(const struct entrant *entrant);

/* The same for one that comes from another gate: nothing is said to it, or of it. NULL: there is no
 * memory, and it is closed. To be marked as due by the caller, once it is whole. */
struct conn *conn_take_up(const struct entrant *entrant);

/* The other way: what we know of it is freed, without a word to anybody; its descriptor is the
 * caller's. */
int conn_give_away(struct conn *conn);

/* The one that moved longest ago, which leads to the others. NULL: none, as of every program. */
static inline struct conn *
conn_oldest(const struct service *service)
{
	return service->builtin ? service->builtin->oldest : NULL;
}

/* Do all that callbacks of this turn left to do. */
void conns_end_turn(struct conns *conns);

/* End every connection of the gate now; how many there were. */
uint32_t conns_cut(struct gate *gate, enum ending ending);

/* --- among the files of this room */

/* Around a callback: `conn` is the current connection; then its output is sent and it is
 * settled, which may free it. */
void conn_enter(struct conn *conn);
void conn_leave(struct conn *conn);

/* Bring the socket in line with mode, stage and output; or only what is waited for. Both may
 * free the connection. */
void conn_settle(struct conn *conn);
void conn_rewatch(struct conn *conn);

/* Leave it to the end of the turn. */
void conn_mark_due(struct conn *conn);

/* Set the stage CONN_ENDED, and the reason; settling, or conn_reap, is to follow. */
void conn_set_ended(struct conn *conn, enum ending ending);

/* conn_output.c. Send `length` bytes, hold what the client does not take: 0 or -ENOMEM or the
 * socket's -errno. Flush what is held: 0 also if some is left. Append to what is held: 0,
 * -ENOBUFS, -ENOMEM. */
int conn_send(struct conn *conn, const char *bytes, size_t length, int flags);
int conn_flush(struct conn *conn);
int conn_hold(struct held **held, const char *bytes, size_t length, size_t max);

/* conn_input.c. Something can be read; the next piece of a repeated block can be sent. Both
 * may free the connection. */
void conn_read(struct conn *conn);
void conn_send_repeat(struct conn *conn);

/* Read and forget up to all that has arrived: what recv(2) returns, or -errno. */
int64_t conn_discard(struct conn *conn);

/* conn_end.c. Everything is sent: close, or linger if the client is still talking. Take a dead
 * one away. */
void conn_close_politely(struct conn *conn);
void conn_reap(struct conn *conn);
void conn_linger_read(struct conn *conn);
void conn_linger_expired(struct timer *timer, msec now);

/* conn_idle.c. Join and leave the service's order of last moves, on which its idle time-out
 * rests; look again after the time-out was changed. */
void conn_join_service(struct conn *conn);
void conn_note_move(struct conn *conn);
void conn_leave_service(struct conn *conn);
void conn_restart_idle(struct builtin *builtin);

uint64_t conn_id(const struct conn *conn);

#endif
