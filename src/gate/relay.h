/* SPDX-License-Identifier: ISC */
/* Streams for programs that break on a socket (stdio=pipe) or want a terminal (stdio=pty). The gate
 * keeps the connection and moves the bytes: what the client sends to the program's standard input,
 * what the program writes to the client, each way on its own. A side that does not take what there
 * is for it is not read for: no more is held than one read brought.
 *
 * An end goes through as well: the client's to the program (its pipe is closed; a terminal is given
 * the character that means it), the program's to the client, when all has been sent. When the
 * client has vanished everything is closed, which tells the program as it would anybody behind a
 * pipe (SIGPIPE) or a terminal (SIGHUP).
 *
 * The place goes to the supervisor, who gives it back when the program has ended. A client that has
 * not taken by then what it is owed holds one of its own: else those who never read would cost
 * descriptors and memory, and be counted by no limit. */
#ifndef REEVE_GATE_RELAY_H
#define REEVE_GATE_RELAY_H

#include "gate/entrance.h"

struct relays;

struct relays *relays_new(void);
struct relays *relays_free(struct relays *relays);

/* Serve a client so; its service's program is asked for. Owns what the entrant owns. */
void relay_begin(const struct entrant *entrant);

/* Is that how the service's clients of streams are served? And how many descriptors one takes. */
bool relay_serves(const struct service *service);
uint32_t relay_descriptors(const struct service *service);

/* End all. */
void relays_cut(const struct gate *gate);

/* The times that end a connection may be others now. */
void relays_restart_timers(const struct gate *gate);

/* --- among the files of this room */

#define RELAY_READ_MAX 65536

struct relays {
	struct relay *first;
	char *scratch; /* RELAY_READ_MAX; not zeroed, so it costs nothing before its use */
};

/* Bytes in one direction. */
struct flow {
	char *held; /* read, and not taken yet; NULL: nothing */
	size_t length;
	size_t done;
	uint64_t bytes;
	bool is_at_end;    /* its source has ended */
	bool is_over;      /* and whom it flows to has been told */
	bool is_discarded; /* whom it flows to is gone: what comes is thrown away */
};

enum relay_stage {
	RELAY_STARTING, /* the terminal is on its way, or the program's failure to start */
	RELAY_OPEN,
	RELAY_LINGERING, /* over; the client has time to take what it is owed */
};

struct relay {
	struct watch conn; /* the client's socket */
	struct watch in;   /* the program's standard input; fd -1: closed, or a terminal */
	struct watch out;  /* its standard output; the terminal; what the terminal comes by */
	struct service *service;
	struct relay *next;
	struct relay **from;
	struct flow inward; /* to the program */
	struct flow outward;
	struct netaddr peer;
	uint64_t connection; /* id */
	uint64_t source;     /* of the client's connections (gate/limits.h) */
	msec started;
	msec moved;
	msec typed; /* the end, into a terminal */
	struct timer timer;
	enum relay_stage stage;
	bool is_terminal;
	bool is_unix;        /* the socket, whoever a proxy has named as its client */
	bool has_place;      /* its own, beside or after the program's */
	bool is_hung_up;     /* the client's side is gone; epoll would say so again and again */
	char last_input;     /* of the terminal */
	int owed;            /* to a lingering client, when one looked last */
	unsigned char looks; /* at that */
};

/* The program has ended, or is about to, and the client stays. */
void relay_keep_place(struct relay *relay);

/* Move what can be moved, and see to what follows from it. */
void relay_move(struct relay *relay);

/* For the next moment at which something is due. */
void relay_restart_timer(struct relay *relay);

/* Type the key that means the end of input, unless there is something that has to go before. */
void relay_type_end(struct relay *relay);

/* The program's terminal, or its failure to start, is there. */
void relay_take_terminal(struct relay *relay);

/* It is over: the client gets what it is owed; for a client that vanished, at once. */
void relay_finish(struct relay *relay, enum ending ending);
void relay_log_end(const struct relay *relay, enum ending ending);
void relay_free(struct relay *relay);
void relay_close(struct relay *relay, struct watch *watch);

/* A lingering client said something; its time is over. */
void relay_linger_read(struct relay *relay);
void relay_linger_expired(struct relay *relay);

#endif
