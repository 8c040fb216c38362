/* SPDX-License-Identifier: ISC */
/* The PROXY protocol, versions 1 and 2 ("The PROXY protocol", haproxy.org): a proxy in front says
 * whom it speaks for before it passes on the first byte. What is read here is a stranger's until
 * the caller has made sure that it came from a proxy it trusts; whatever the specification does
 * not allow is refused, for a guess would be somebody's chance to be taken for another. */
#ifndef REEVE_PROXY_H
#define REEVE_PROXY_H

#include "base/netaddr.h"

#define PROXY_V1_MAX 107 /* with its CR LF */
#define PROXY_V2_HEAD 16
#define PROXY_V2_MAX 2048 /* with what follows the addresses; longer ones are refused */

enum proxy_result {
	PROXY_MORE, /* a beginning: at least `length` bytes are needed to say more */
	PROXY_DONE, /* `length` bytes are the header, what follows is the client's */
	PROXY_BAD,  /* none, or a broken one: `wrong` says what in it */
};

struct proxy_header {
	size_t length;
	const char *wrong;
	bool is_named;       /* `peer` and `local` are set; else the proxy speaks for itself, or for
	                        * somebody whose address it does not say */
	struct netaddr peer; /* the client, as the proxy saw it; unix sockets: family only */
	struct netaddr local; /* what the client had asked for */
	const char *tlvs;     /* version 2's further facts, checked for their form; in `bytes` */
	size_t tlv_length;
};

/* Look at the first bytes of a connection; never reads behind `length`. Sets *ret_header as the
 * result says. */
enum proxy_result proxy_read(const char *bytes, size_t length, struct proxy_header *ret_header);

#endif
