/* SPDX-License-Identifier: ISC */
/* Admission: policy is asked here, and its no counted and told. A refused client costs a line in
 * the log now and then and a counter; how it is answered says gate/refusal.h. Each verdict of
 * a service is logged at once and then as a number, so that a flood of clients is no flood of
 * lines. */
#ifndef REEVE_ADMISSION_H
#define REEVE_ADMISSION_H

#include "gate/state.h"

/* Who asks for a stream. A proxy may have named him: then what the socket could tell is of it. */
struct answer;
struct admission_client {
	const struct netaddr *peer;
	int conn_fd;
	bool is_named;
	const struct answer *answer; /* to what admission_needs said; NULL: there is none */
};

/* What has to be asked about it before it can be judged: QUESTION_... | ...; 0: nothing. */
uint32_t admission_needs(const struct service *service, const struct admission_client *client);

/* May the client of a stream have the service? A no is counted and logged; the connection stays
 * the caller's, to be answered (gate/refusal.h). *ret_source: for limits_release once it leaves. */
enum verdict admission_judge_stream(struct service *service, const struct admission_client *client,
	uint64_t *ret_source);

/* The same for a datagram: by whom it came from, which address it asked, by which interface it came
 * (as rules have it), and who sent it if that was a unix client and is known (or NULL). */
struct admission_datagram {
	const struct netaddr *peer;
	const struct netaddr *local;
	const struct access_peer *unix_peer;
	uint32_t way;
};
bool admission_judge_datagram(struct service *service, const struct admission_datagram *datagram);

/* Do the rules of the service want to know who a unix client is, by which interface one came? */
bool admission_asks_who(const struct service *service);
bool admission_asks_way(const struct service *service);

/* A no that was found elsewhere: an answer that a datagram's source cannot pay, say. */
void admission_refuse_stream(struct service *service, int conn_fd, const struct netaddr *peer,
	const struct policy_answer *answer);
void admission_note_refusal(struct service *service, const struct netaddr *peer,
	const struct policy_answer *answer, bool is_datagram);

/* Clients wait in the kernel's queue for so long: counted, and told now and then. */
void admission_note_wait(struct service *service, enum verdict verdict, msec wait);

#endif
