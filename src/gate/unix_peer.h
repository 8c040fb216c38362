/* SPDX-License-Identifier: ISC */
/* Who a client on a unix socket is, as the kernel says: for services whose rules name users or
 * groups. */
#ifndef REEVE_UNIX_PEER_H
#define REEVE_UNIX_PEER_H

#include "gate/state.h"

/* Room for what comes with a datagram, and for nothing else that its sender might pass. */
union unix_peer_control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct ucred))];
};

/* Ask about the peer of a connected socket: the one who connected it. */
void unix_peer_ask(int conn_fd, struct access_peer *ret_peer);

/* Have each datagram of a listener say who sent it, or no longer; and read it. Supplementary groups
 * do not come with it. Descriptors that were passed along are closed. */
void unix_peer_expect(const struct listener *listener, bool is_wanted);
void unix_peer_read(struct msghdr *message, struct access_peer *ret_peer);

#endif
