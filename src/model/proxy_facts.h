/* SPDX-License-Identifier: ISC */
/* What a PROXY header of version 2 says besides addresses, for the log: facts that the proxy has of
 * its client's connection (TLVs). They are a stranger's words: each is bounded, and what is no
 * harmless text is written as a number. */
#ifndef REEVE_PROXY_FACTS_H
#define REEVE_PROXY_FACTS_H

#include "model/proxy.h"

#define PROXY_FACT_MAX 128 /* bytes of each that are kept */

enum proxy_fact {
	PROXY_FACT_ALPN,        /* the protocol inside of TLS: "h2" */
	PROXY_FACT_AUTHORITY,   /* the name that the client asked for */
	PROXY_FACT_UNIQUE_ID,   /* by which the proxy's log knows the connection */
	PROXY_FACT_SSL_VERSION, /* "TLSv1.3" */
	PROXY_FACT_SSL_CN,      /* whom the client's certificate names */
	PROXY_FACT_COUNT
};

struct proxy_facts {
	uint32_t count; /* that are there */
	bool is_there[PROXY_FACT_COUNT];
	char text[PROXY_FACT_COUNT][2 * PROXY_FACT_MAX + 8];
};

/* Of a header that proxy_read has found whole. A fact that comes twice is what it was first. */
void proxy_facts_read(struct proxy_facts *ret_facts, const struct proxy_header *header);

/* The text of a fact; NULL: it is absent. */
const char *proxy_fact(const struct proxy_facts *facts, enum proxy_fact fact);

#endif
