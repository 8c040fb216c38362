/* SPDX-License-Identifier: ISC */
/* What the kernel knows of a TCP connection that is somebody else's: netlink's sock_diag(7). A
 * program has its socket to itself; nobody stands between, nobody keeps a duplicate, which would
 * keep the client's end of file from it.
 *
 * The supervisor reads this, and it reads no byte from the network: every byte here is made by
 * the kernel. What anybody else sends to the netlink socket is dropped unread, and every length is
 * checked all the same.
 *
 * The kernel's counters count the client's FIN as a byte; `bytes_in` does not (sockdiag_settle). */
#ifndef REEVE_SOCKDIAG_H
#define REEVE_SOCKDIAG_H

#include "base/netaddr.h"

/* Which connection. The cookie (SO_COOKIE) is of one socket for ever; addresses are used again. */
struct sockdiag_name {
	struct netaddr local;
	struct netaddr peer;
	uint64_t cookie;
};

struct sockdiag {
	uint64_t cookie;
	uint8_t state;     /* TCP_ESTABLISHED ...; in a notice TCP_CLOSE, whatever was before */
	bool has_counters; /* false for the remains of a connection (TIME_WAIT) */
	bool is_fin_taken; /* the client's side has acknowledged our FIN */
	uint32_t unread;   /* what the program did not read; the client's FIN counts */
	uint64_t bytes_in;
	uint64_t bytes_out; /* sent, what was sent again not counted */
	uint64_t data_in;   /* segments with data */
	uint64_t rtt_us;
	uint64_t retransmits;
	uint32_t in_ago_ms; /* since the last data came, or the connection was made; so for out */
	uint32_t out_ago_ms;
};

/* A socket for questions. One that is told of the end of every TCP connection of the network
 * namespace: the kernel makes a notice for each as long as such a socket is open anywhere. Both
 * close-on-exec, non-blocking. 0 or -errno; neither needs a privilege. */
int sockdiag_open(int *ret_ask_fd);
int sockdiag_subscribe(int *ret_notice_fd);

/* Ask for a connection, by its addresses alone if the cookie is 0. Does not block. 0; -ENOENT: no
 * such connection any more (-ESTALE the same, its addresses being used again); -errno. */
int sockdiag_ask(int ask_fd, const struct sockdiag_name *name, struct sockdiag *ret_facts);

/* The next notice: 1; 0 when there is none now; -ENOBUFS when some were lost; -errno. */
int sockdiag_next(int notice_fd, struct sockdiag *ret_facts);

/* Take the client's FIN off `bytes_in`. A notice does not say whether there was one, and the
 * kernel is asked for what is left of the connection; without an answer (or after a reset) the
 * count may be one too many. */
void sockdiag_settle(int ask_fd, const struct sockdiag_name *name, struct sockdiag *facts);

/* Read one message: 1; 0: it is about something else, or no answer to the question of that number;
 * -errno: the kernel's answer, or -EBADMSG. Apart for the fuzzer. */
int sockdiag_parse(const void *bytes, size_t length, uint32_t sequence, struct sockdiag *ret_facts);

#endif
