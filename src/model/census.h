/* SPDX-License-Identifier: ISC */
/* A census of connections: which are meant, and what is written of each. Gates write their rows
 * into memory that the supervisor hands them; it reads them as data of somebody who may lie. */
#ifndef REEVE_CENSUS_H
#define REEVE_CENSUS_H

#include "base/netaddr.h"
#include "base/prefix.h"

enum census_kind {
	CENSUS_BUILTIN, /* a built-in serves it */
	CENSUS_RELAY,   /* a program on pipes or a terminal does, through the gate */
	CENSUS_CARRY,   /* a program on datagrams, the same */
	CENSUS_WAITING, /* it has been accepted, and is not served yet */
	CENSUS_PROGRAM, /* a program has the socket; the supervisor's own */
	CENSUS_KINDS
};

#define CENSUS_ANY_ROW UINT32_MAX

/* What is asked for; all of it has to be true. */
struct census_filter {
	uint64_t connection; /* 0: any */
	uint32_t row;
	uint32_t peer; /* enum census_peer */
	struct prefix prefix;
};

enum census_peer { CENSUS_ANY_PEER, CENSUS_PEER_IN_PREFIX, CENSUS_PEER_UNIX };

struct census_row {
	uint64_t connection;
	uint64_t bytes_in;
	uint64_t bytes_out;
	int64_t age_ms;
	int64_t idle_ms;
	uint32_t row;
	uint32_t kind;
	struct netaddr peer;
	uint32_t pid; /* CENSUS_PROGRAM */
};

/* Read an address, a prefix or "unix". NULL: done; else what is wrong with it. */
const char *census_read_peer(struct census_filter *filter, const char *text);

/* Is this connection meant? */
bool census_is_meant(const struct census_filter *filter, uint64_t connection, uint32_t row,
	const struct netaddr *peer);

/* Is what came a row that can be true: of a known kind, a family of addresses that there is? */
bool census_is_sound(const struct census_row *row, uint32_t rows);

const char *census_kind_word(enum census_kind kind);

#endif
