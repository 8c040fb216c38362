/* SPDX-License-Identifier: ISC */
/* Who a client on a unix socket is. */
#include "gate/unix_peer.h"

#include <errno.h>
#include <string.h>

void
unix_peer_ask(int conn_fd, struct access_peer *ret_peer)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);
	socklen_t groups_length = sizeof(ret_peer->groups) - sizeof(ret_peer->groups[0]);

	ret_peer->is_known = false;
	ret_peer->group_count = 0;
	if (getsockopt(conn_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0 ||
		length != sizeof(credentials) || credentials.uid == (uid_t)-1)
		return;
	ret_peer->is_known = true;
	ret_peer->user = credentials.uid;
	ret_peer->has_more_groups = getsockopt(conn_fd, SOL_SOCKET, SO_PEERGROUPS,
					    &ret_peer->groups[1], &groups_length) < 0;
	ret_peer->groups[0] = credentials.gid;
	ret_peer->group_count = 1;
	if (!ret_peer->has_more_groups)
		ret_peer->group_count += (uint32_t)(groups_length / sizeof(gid_t));
}

void
unix_peer_expect(const struct listener *listener, bool is_wanted)
{
	int value = is_wanted;

	/* Without it a sender is nobody in particular, whom rules by name do not admit. */
	(void)setsockopt(listener->watch.fd, SOL_SOCKET, SO_PASSCRED, &value, sizeof(value));
}

static void
close_passed(const struct cmsghdr *cmsg)
{
	const unsigned char *at = CMSG_DATA(cmsg);
	const unsigned char *end = (const unsigned char *)cmsg + cmsg->cmsg_len;

	for (; at + sizeof(int) <= end; at += sizeof(int)) {
		int passed_fd;

		memcpy(&passed_fd, at, sizeof(passed_fd));
		(void)close(passed_fd);
	}
}

void
unix_peer_read(struct msghdr *message, struct access_peer *ret_peer)
{
	struct ucred credentials;

	ret_peer->is_known = false;
	ret_peer->group_count = 0;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(message); cmsg;
		cmsg = CMSG_NXTHDR(message, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET)
			continue;
		if (cmsg->cmsg_type == SCM_RIGHTS)
			close_passed(cmsg);
		if (cmsg->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&credentials, CMSG_DATA(cmsg), sizeof(credentials));
		/* No process: it was sent before anybody asked. */
		ret_peer->is_known = credentials.pid != 0;
		ret_peer->user = credentials.uid;
		ret_peer->groups[0] = credentials.gid;
		ret_peer->group_count = 1;
		ret_peer->has_more_groups = true;
	}
}
