/* SPDX-License-Identifier: ISC */
/* Datagrams carried to programs and back. A program never has the socket: what could be done with
 * it, reading others' datagrams, sending from our port to whomever, is more than an answer takes.
 * It has one end of a pair of local sockets, and the gate stands between:
 *
 *   per=datagram  a program for each datagram. It reads the datagram and then the end; all that it
 *                 writes until its own end goes back as one datagram.
 *   per=peer      a program for each peer, that is for each sender and the address of ours that it
 *                 asked. Each of its datagrams is one read of the program, each write of the
 *                 program is one datagram to it.
 *
 * Places, as for connections: one for each program, taken here, given back by the supervisor when
 * the program has ended. Without a place, per=datagram leaves datagrams in the kernel's queue.
 * With per=peer those of peers who have a program are in the same queue, so that one of a new
 * peer is dropped there, and counted. What a program does not read is kept by the kernel up to the
 * size of a socket's buffer; then datagrams of its peer alone are dropped. */
#ifndef REEVE_GATE_CARRY_H
#define REEVE_GATE_CARRY_H

#include "gate/state.h"

struct carries;
struct carry_table;

struct carries *carries_new(struct gate *gate);
struct carries *carries_free(struct carries *carries);

/* How many datagrams for the listener's program may be received at once; 0: none now, and the
 * listener is paused until that changes. `is_first` of this turn: only then is it worth a line in
 * the log that there is no place. After they were handed to carry_datagram, carry_settle. */
unsigned carry_prepare(struct listener *listener, bool is_first);
void carry_settle(struct listener *listener);

/* Bring a datagram to a program. */
void carry_datagram(struct listener *listener, const struct datagram_peer *peer, const char *bytes,
	size_t length);

/* The listener is about to be closed: no answer can leave, its programs see the end. */
void carry_forget(const struct listener *listener);

/* Those whose socket a new configuration has given to another service: their programs see the end,
 * and what their peers say from now on is not theirs. */
void carry_forget_gone(const struct gate *gate);

/* The idle times may be others now. */
void carry_restart_idle(const struct gate *gate);

/* --- among the files of this room */

/* A program and whom it answers. */
struct carry {
	struct watch watch; /* first; our end of the pair */
	struct service *service;
	struct listener *listener;
	struct carry *next; /* of the listener */
	struct carry **from;
	struct carry *next_in_bucket; /* carry_table.c */
	bool is_peer;                 /* it is in the table, and gets more than one datagram */
	struct datagram_peer peer;
	uint64_t connection; /* id */
	uint64_t bytes_in;
	uint64_t bytes_out;
	uint64_t credit; /* bytes that came from the peer and were not answered yet */
	msec started;
	msec moved;
	struct timer idle;

	/* per=datagram: what did not fit into the pair at once, and the answer so far. */
	char *unsent;
	size_t unsent_length;
	size_t unsent_done;
	char *answer;
	size_t answer_length;
	size_t answer_room;
};

/* Ask for a program for that peer; the place that was taken for it is the program's from now on.
 * NULL: the place is free again, and the refusal is noted. */
struct carry *carry_begin(struct listener *listener, const struct datagram_peer *peer);
void carry_end(struct carry *carry, enum ending ending);

/* Send what the program said, if its length and the budget permit. */
void carry_answer(struct carry *carry, const char *bytes, size_t length);
size_t carry_longest_answer(const struct carry *carry);

/* Something moved, in whichever direction. */
void carry_note_move(struct carry *carry);

/* DATAGRAM_MAX + 1 bytes for whoever reads at the moment. */
char *carry_scratch(const struct carry *carry);

struct carry_table *carry_peers(const struct gate *gate);

/* The two ways: a datagram came (per=datagram: its place is taken); the program said something. */
void carry_single(struct listener *listener, const struct datagram_peer *peer, const char *bytes,
	size_t length);
void carry_single_ready(struct carry *carry, uint32_t events);
void carry_peer(struct listener *listener, const struct datagram_peer *peer, const char *bytes,
	size_t length);
void carry_peer_ready(struct carry *carry);

#endif
