/* SPDX-License-Identifier: ISC */
/* The environment of one start: what is fixed for the service, and behind it whom the program
 * speaks to, in the three families of names that programs know (reeve-handler(7)): UCSPI's,
 * CGI's and systemd's, xinetd's. Made anew for each start, so without printf and malloc. */
#ifndef REEVE_SUPERVISOR_VARIABLES_H
#define REEVE_SUPERVISOR_VARIABLES_H

#include "supervisor/state.h"

/* What a program is started for, and with. */
struct start {
	struct served *served;
	uint64_t connection; /* id */
	uint64_t source;     /* as in struct handler */
	uint32_t gate;       /* the one that reads its stderr */
	enum protocol protocol;
	struct netaddr peer; /* family AF_UNSPEC: nobody yet, it gets a socket that waits */
	struct netaddr local;
	struct sockdiag_name socket; /* of a TCP connection whose bytes are wanted; else cookie 0 */
	int in_fd;                   /* becomes descriptor 0; borrowed, as the next */
	int out_fd;                  /* and 1 */
	int64_t accepted_us;         /* when the client came; 0: nobody was accepted */
	bool has_terminal;           /* it is what both are */
	bool is_carried;             /* a gate has the client, and measures how long it stays */

	/* For activation: what becomes 3 and so on, and the variables that say so. */
	const int *sockets;
	size_t socket_count;
	char *const *listen_variables; /* ACTIVATION_VARIABLES of them; NULL: none */
};

#define ACTIVATION_VARIABLES 3

#define VARIABLES_BYTES_MAX 1024

struct variables {
	char text[VARIABLES_BYTES_MAX];
	size_t length;
};

/* Complete the service's environment for this start; it lies in the outfit and in `room`, and
 * holds until the next start. */
char **variables_make(const struct start *start, struct variables *room);

#endif
