/* SPDX-License-Identifier: ISC */
/* Unix stream sockets by folder and name, who connects, and descriptors that go along. */
#include "effects/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/param.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define GROUPS_FIRST 64
#define DESCRIPTORS_POSSIBLE 253 /* in one message: the kernel's SCM_MAX_FD */

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83 /* Linux 6.16 */
#endif

/* A path that is too long for a socket's address is reached through a descriptor of its folder. */
static int
make_address(struct sockaddr_un *ret_address, int folder_fd, const char *folder, const char *name)
{
	size_t room = sizeof(ret_address->sun_path);
	int length;

	*ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	length = snprintf(ret_address->sun_path, room, "%s/%s", folder, name);
	if (length >= 0 && (size_t)length >= room)
		length = snprintf(ret_address->sun_path, room, "/proc/self/fd/%d/%s", folder_fd,
			name);
	return length < 0 || (size_t)length >= room ? -ENAMETOOLONG : 0;
}

static int
open_folder(const char *folder)
{
	int folder_fd = open(folder, O_DIRECTORY | O_PATH | O_CLOEXEC);

	return folder_fd < 0 ? -errno : folder_fd;
}

/* To close a file of a file system that a user serves, or of a server that is away, can take for
 * ever. Who connects inherits this; an older kernel has us take descriptors, and close them. */
static void
refuse_descriptors(int listen_fd)
{
	const int none = 0;

	(void)setsockopt(listen_fd, SOL_SOCKET, SO_PASSRIGHTS, &none, sizeof(none));
}

int
local_listen(int *ret_listen_fd, const char *folder, const char *name, int backlog)
{
	auto_close int folder_fd = open_folder(folder);
	auto_close int listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	mode_t mask;
	int error;

	if (folder_fd < 0 || listen_fd < 0)
		return folder_fd < 0 ? folder_fd : -errno;
	error = make_address(&address, folder_fd, folder, name);
	if (error < 0)
		return error;
	if (unlinkat(folder_fd, name, 0) < 0 && errno != ENOENT)
		return -errno;
	refuse_descriptors(listen_fd);
	mask = umask(0177);
	error = bind(listen_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno
											: 0;
	(void)umask(mask);
	if (error == 0 && listen(listen_fd, backlog) < 0)
		error = -errno;
	if (error == 0)
		*ret_listen_fd = util_take_fd(&listen_fd);
	return error;
}

int
local_connect(int *ret_conn_fd, const char *folder, const char *name)
{
	auto_close int folder_fd = open_folder(folder);
	auto_close int conn_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address;
	int error;

	if (folder_fd < 0 || conn_fd < 0)
		return folder_fd < 0 ? folder_fd : -errno;
	error = make_address(&address, folder_fd, folder, name);
	if (error < 0)
		return error;
	if (connect(conn_fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*ret_conn_fd = util_take_fd(&conn_fd);
	return 0;
}

int
local_ask_peer(int conn_fd, struct local_peer *ret_peer)
{
	struct ucred credentials;
	socklen_t length = sizeof(credentials);

	if (getsockopt(conn_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) < 0)
		return -errno;
	*ret_peer = (struct local_peer){
		.uid = credentials.uid, .gid = credentials.gid, .pid = credentials.pid
	};
	return 0;
}

bool
local_peer_is_in(int conn_fd, const struct local_peer *peer, gid_t gid)
{
	socklen_t length = GROUPS_FIRST * sizeof(gid_t);
	auto_free gid_t *groups = malloc(length);
	int result = -1;

	if (peer->gid == gid)
		return true;
	if (groups != NULL)
		result = getsockopt(conn_fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
	if (groups != NULL && result < 0 && errno == ERANGE) {
		/* The kernel has said how much it wants. */
		free(groups);
		groups = malloc(length);
		if (groups != NULL)
			result = getsockopt(conn_fd, SOL_SOCKET, SO_PEERGROUPS, groups, &length);
	}
	for (size_t i = 0; result == 0 && i < length / sizeof(gid_t); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

ssize_t
local_send(int conn_fd, const char *bytes, size_t length, int passed_fd)
{
	/* sendmsg reads only; iovec has no const. */
	struct iovec part = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = length };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	ssize_t sent;

	if (passed_fd >= 0) {
		memset(&control, 0, sizeof(control)); /* the padding, too, is sent */
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &passed_fd, sizeof(int));
	}
	sent = sendmsg(conn_fd, &header, MSG_NOSIGNAL);
	if (sent < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	return sent;
}

/* With SO_LINGER, close(2) would wait for as long as the sender has asked. */
static void
close_at_once(int received_fd)
{
	const struct linger none = { .l_onoff = 0 };

	(void)setsockopt(received_fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	(void)close(received_fd);
}

static void
take_descriptors(const struct cmsghdr *cmsg, int *ret_fd)
{
	size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	for (size_t i = 0; i < count; i++) {
		int received_fd;

		memcpy(&received_fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
		if (ret_fd != NULL && *ret_fd < 0)
			*ret_fd = received_fd;
		else
			close_at_once(received_fd);
	}
}

ssize_t
local_receive(int conn_fd, void *bytes, size_t room, int *ret_fd)
{
	struct iovec part = { .iov_base = bytes, .iov_len = room };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(DESCRIPTORS_POSSIBLE * sizeof(int))];
	} control;
	struct msghdr header = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	ssize_t length;

	do
		length = recvmsg(conn_fd, &header, MSG_CMSG_CLOEXEC);
	while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : -errno;
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header); cmsg != NULL;
		cmsg = CMSG_NXTHDR(&header, cmsg))
		if (cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS)
			take_descriptors(cmsg, ret_fd);
	return length;
}

void
local_close(int conn_fd)
{
	char bytes[4096];

	/* From here on the queue grows no more. */
	(void)shutdown(conn_fd, SHUT_RD);
	while (local_receive(conn_fd, bytes, sizeof(bytes), NULL) > 0)
		continue;
	(void)close(conn_fd);
}
