/* SPDX-License-Identifier: ISC */
/* Limits: how many, how fast, for how long not. Those of the service itself are asked before a
 * client is accepted, so that it can wait in the kernel's queue; those of its source once it is
 * known who it is. What they go by lies in the memory that all gates share. */
#ifndef REEVE_GATE_LIMITS_H
#define REEVE_GATE_LIMITS_H

#include "gate/state.h"

/* May the service take one more client, whoever it is? ADMIT: it has taken a place for it.
 * VERDICT_wait_queue: it has taken a seat, and the client is to be accepted and to wait (gate/
 * queue.h). Another VERDICT_wait_*: nobody is to be accepted, and listener_resume_service is called
 * when it is time to ask again. Anything else: a client is to be accepted and refused. */
enum verdict limits_open(struct service *service);

/* Has the host more to do than the service lets it have? For those who have come before. */
bool limits_host_is_busy(const struct service *service);

/* How long who was refused so has to wait until it may come again; -1: nobody knows. */
msec limits_time_to_wait(const struct service *service, const struct netaddr *peer,
	enum verdict verdict);

/* Would limits_open refuse or wait because of rate or load? For who is not at the door. */
bool limits_are_reached(struct service *service);

/* A client is going to be judged: have what is remembered of him on its way from the memory, while
 * the access rules are searched. */
void limits_expect(const struct service *service, const struct netaddr *peer);

/* May this client come in? ADMIT: *ret_source is to be given to limits_release when it leaves (0:
 * nothing is). */
enum verdict limits_judge_stream(struct service *service, int conn_fd, const struct netaddr *peer,
	uint64_t *ret_source);
void limits_release(const struct gate *gate, uint64_t source);

/* Count one connection more of a source that limits_judge_stream gave, whatever its limit. What is
 * to be released for it: 0, if it finds no place to be counted in. */
uint64_t limits_keep(const struct gate *gate, uint64_t source);

/* The client was refused, by whatever verdict: does that make its source one to be banned? */
void limits_note_refusal(struct service *service, int conn_fd, const struct netaddr *peer,
	enum verdict verdict);

/* Datagrams: may this one be looked at; may it be answered with so many bytes more than it has? */
enum verdict limits_judge_datagram(const struct service *service, const struct netaddr *peer,
	const struct access_peer *unix_peer);
enum verdict limits_judge_answer(const struct service *service, const struct netaddr *peer,
	uint16_t local_port, int64_t excess);

/* Does it depend on the source whether a client may come in? On a unix socket that is a user. */
bool limits_ask_who(const struct service *service);

/* A reload may have changed them. */
void limits_retuned(struct service *service);

#endif
