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

/* What the rules of a configuration say, made ready. */
struct explain_rules {
	const struct config *config;
	struct access *access; /* NULL: nobody has any */
	struct policy_ports ports;
};

/* 0 or -errno; complaints are about files of rules. */
int explain_rules_make(struct explain_rules *ret_rules, const struct config *config,
	struct complaint_list *complaints);
void explain_rules_fini(struct explain_rules *rules);

/* Who comes, how, and what is known of the daemon. */
struct explain_question {
	const struct service_config *service;
	int type; /* SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM */
	const struct netaddr *peer;
	const struct access_peer *unix_peer; /* NULL: it is not known */
	const struct netaddr *proxy;         /* that speaks for the peer, or NULL */
	uint32_t way;                        /* as in struct access_client */
	uint16_t minute;
	int64_t active; /* connections that the service has now; -1: nobody knows */
};

/* Given back by explanation_fini, also on -ENOMEM. */
int explain_peer(struct explanation *ret_explanation, const struct explain_rules *rules,
	const struct explain_question *question);
void explanation_fini(struct explanation *explanation);

const char *explain_says_word(enum explain_says says);

/* The verb. Exit status: 0 served, perhaps later; 1 refused; 2 asked wrongly. */
int verb_explain(const struct control *control);

#endif
