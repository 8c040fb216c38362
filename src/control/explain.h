/* SPDX-License-Identifier: ISC */
/* explain: what would happen to a peer, step by step in the order of the gate, up to the first no.
 * Who is a proxy and who is admitted is judged by the gate's own functions (model/proxies.h,
 * model/policy.h), on rules that are made from the configuration as the supervisor makes them. */
#ifndef REEVE_CONTROL_EXPLAIN_H
#define REEVE_CONTROL_EXPLAIN_H

#include "base/verdict.h"
#include "config/config.h"
#include "control/verbs.h"
#include "model/access.h"
#include "model/host_addresses.h"
#include "model/policy.h"

#define EXPLAIN_STEPS_MAX 12

enum explain_says {
	EXPLAIN_NOTE, /* nobody is refused for it here */
	EXPLAIN_PASSES,
	EXPLAIN_WAITS,
	EXPLAIN_DEPENDS, /* on what cannot be known from here */
	EXPLAIN_REFUSES,
};

struct explain_step {
	const char *word;
	enum explain_says says;
	char *why;
	char *file; /* where what decides is written; NULL: nowhere */
	uint32_t line;
};

struct explanation {
	struct explain_step steps[EXPLAIN_STEPS_MAX];
	size_t count;
	enum explain_says says; /* all in all */
	enum verdict verdict;   /* ADMIT also for who does not even reach a socket */
	int error;
};

/* What the rules of all services of one name say, made ready; those of others are nobody's
 * business, and may have names to be looked up. */
struct explain_rules {
	struct config config;  /* with these services alone */
	struct access *access; /* NULL: none has any */
	struct policy_ports ports;
};

/* 0 or -errno; complaints are about files of rules. */
int explain_rules_make(struct explain_rules *ret_rules, const struct config *config,
	const char *name, struct complaint_list *complaints);
void explain_rules_fini(struct explain_rules *rules);

/* A ban that keeps the peer out. */
struct explain_ban {
	const char *source;
	const char *cause;
	bool is_of_all;
	int64_t left_ms;
};

/* Who comes, how, and what is known of the daemon. */
struct explain_question {
	const struct service_config *service;
	int type; /* SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM */
	const struct netaddr *peer;
	const struct access_peer *unix_peer; /* NULL: it is not known */
	const struct netaddr *proxy;         /* that speaks for the peer, or NULL */
	uint32_t way;                        /* as in struct access_client */
	enum access_naming naming;
	const struct client_names *names;
	uint16_t minute;
	int64_t active; /* connections that the service has now; -1: nobody knows */
	bool are_bans_known;
	const struct explain_ban *ban; /* NULL: none */
};

/* Given back by explanation_fini, also on -ENOMEM. */
int explain_peer(struct explanation *ret_explanation, const struct explain_rules *rules,
	const struct explain_question *question);
void explanation_fini(struct explanation *explanation);

/* Look names up; both may wait for the DNS. No addresses: there are none, or there is no answer. */
void explain_look_up(const char *name, struct host_addresses *ret_addresses);
enum access_naming explain_name_peer(const struct netaddr *peer, struct client_names *ret_names);

const char *explain_says_word(enum explain_says says);

/* The verb. Exit status: 0 served, perhaps later; 1 refused; 2 asked wrongly. */
int verb_explain(const struct control *control);

#endif
