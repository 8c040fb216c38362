/* SPDX-License-Identifier: ISC */
/* Open the sockets that services listen on. */
#include "effects/listen.h"

#include "base/explain.h"
#include "effects/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

union any_address {
	struct sockaddr_storage storage;
	struct sockaddr_un un;
	struct sockaddr any;
};

static int
set_option(int socket_fd, int level, int option, int value)
{
	return setsockopt(socket_fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

static const char *
family_word(int family)
{
	return family == AF_UNIX ? "AF_UNIX" : family == AF_INET6 ? "AF_INET6" : "AF_INET";
}

static const char *
type_word(int type)
{
	return type == SOCK_STREAM   ? "SOCK_STREAM"
		: type == SOCK_DGRAM ? "SOCK_DGRAM"
				     : "SOCK_SEQPACKET";
}

static int
new_socket(int *ret_socket_fd, const struct endpoint *endpoint)
{
	int socket_fd = socket(protocol_family(endpoint->protocol),
		protocol_type(endpoint->protocol) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (socket_fd < 0)
		return -errno;
	EXPLAIN(socket, .family = family_word(protocol_family(endpoint->protocol)),
		.type = type_word(protocol_type(endpoint->protocol)), .socket_fd = socket_fd);
	/* IPv4 and IPv6 are two sockets on every host, whatever net.ipv6.bindv6only says. */
	if (protocol_family(endpoint->protocol) == AF_INET6)
		error = set_option(socket_fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	/* A restart need not wait for old connections to fade. */
	if (error == 0 && protocol_type(endpoint->protocol) == SOCK_STREAM)
		error = set_option(socket_fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (error < 0) {
		(void)close(socket_fd);
		return error;
	}
	*ret_socket_fd = socket_fd;
	return 0;
}

static socklen_t
endpoint_sockaddr(const struct endpoint *endpoint, uint16_t port, union any_address *ret_to)
{
	struct netaddr address = endpoint->address;

	if (port != 0)
		address.port = port;
	return netaddr_to_sockaddr(&address, &ret_to->storage);
}

static int
bind_internet(int socket_fd, const struct endpoint *endpoint, uint16_t port)
{
	union any_address to;
	socklen_t length = endpoint_sockaddr(endpoint, port, &to);

	if (bind(socket_fd, &to.any, length) == 0)
		return 0;
	/* The address may come later (a link that is not up yet): wait for it bound. */
	if (errno != EADDRNOTAVAIL || endpoint->is_optional ||
		set_option(socket_fd, IPPROTO_IP, IP_FREEBIND, 1) < 0)
		return -errno;
	return bind(socket_fd, &to.any, length) < 0 ? -errno : 0;
}

/* Is somebody listening behind this socket file? Connecting tells; it blocks on nothing, since
 * a full queue answers EAGAIN, which is somebody too. */
static bool
is_live(const union any_address *to, int type)
{
	auto_close int probe_fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (probe_fd < 0)
		return true;
	return connect(probe_fd, &to->any, sizeof(to->un)) == 0 || errno != ECONNREFUSED;
}

static int
bind_unix(int socket_fd, const struct endpoint *endpoint, const struct listen_options *options)
{
	union any_address to = { .un = { .sun_family = AF_UNIX } };
	int type = protocol_type(endpoint->protocol);
	struct stat file;
	mode_t before;
	int error = 0;

	if (strlen(endpoint->path) >= sizeof(to.un.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.un.sun_path, endpoint->path, strlen(endpoint->path) + 1);
	if (lstat(endpoint->path, &file) == 0) {
		if (!S_ISSOCK(file.st_mode))
			return -EEXIST;
		if (is_live(&to, type))
			return -EADDRINUSE;
		if (unlink(endpoint->path) < 0)
			return -errno;
	}
	/* The mode is there from the first moment, not a chmod later. */
	before = umask(0777 & ~options->mode);
	if (bind(socket_fd, &to.any, sizeof(to.un)) < 0)
		error = -errno;
	(void)umask(before);
	if (error < 0)
		return error;
	if (options->uid == (uid_t)-1 && options->gid == (gid_t)-1)
		return 0;
	error = priv_own_socket_file(endpoint->path, options->uid, options->gid, options->mode);
	if (error < 0)
		(void)unlink(endpoint->path); /* ours, and not as it should be */
	return error;
}

static int
read_bound(int listen_fd, const struct endpoint *endpoint, struct netaddr *ret_bound)
{
	union any_address bound;
	socklen_t length = sizeof(bound);

	if (protocol_family(endpoint->protocol) == AF_UNIX) {
		*ret_bound = (struct netaddr){ .family = AF_UNIX };
		return 0;
	}
	if (getsockname(listen_fd, &bound.any, &length) < 0)
		return -errno;
	return netaddr_from_sockaddr(ret_bound, &bound.any);
}

static void
tell_bind(int listen_fd, const struct endpoint *endpoint, uint16_t port)
{
	struct netaddr address = endpoint->address;
	char room[NETADDR_TEXT_MAX];

	address.port = port != 0 ? port : address.port;
	EXPLAIN(bind, .socket_fd = listen_fd,
		.address =
			endpoint->path != NULL ? endpoint->path : netaddr_format(&address, room));
}

/* The steps after socket(2); *ret_step is the one that failed. */
static int
set_up(int listen_fd, struct netaddr *ret_bound, const struct endpoint *endpoint, uint16_t port,
	const struct listen_options *options, const char **ret_step)
{
	bool is_unix = protocol_family(endpoint->protocol) == AF_UNIX;
	int error = 0;

	*ret_step = "setsockopt";
	if (!is_unix && !options->is_first)
		error = set_option(listen_fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (error < 0)
		return error;
	*ret_step = "bind";
	error = is_unix ? bind_unix(listen_fd, endpoint, options)
			: bind_internet(listen_fd, endpoint, port);
	if (error < 0)
		return error;
	tell_bind(listen_fd, endpoint, port);
	*ret_step = "setsockopt";
	if (!is_unix && options->is_first)
		error = set_option(listen_fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (error < 0)
		return error;
	*ret_step = "listen";
	if (protocol_type(endpoint->protocol) != SOCK_DGRAM &&
		listen(listen_fd, options->backlog) < 0)
		return -errno;
	if (protocol_type(endpoint->protocol) != SOCK_DGRAM)
		EXPLAIN(listen, .socket_fd = listen_fd, .backlog = options->backlog);
	*ret_step = "getsockname";
	error = read_bound(listen_fd, endpoint, ret_bound);
	if (error == 0 && !is_unix)
		EXPLAIN(getsockname, .socket_fd = listen_fd, .address = ret_bound);
	return error;
}

int
listen_open(int *ret_listen_fd, struct netaddr *ret_bound, const struct endpoint *endpoint,
	uint16_t port, const struct listen_options *options, const char **ret_step)
{
	int listen_fd = -1;
	int error;

	*ret_step = "socket";
	error = new_socket(&listen_fd, endpoint);
	if (error < 0)
		return error;
	error = set_up(listen_fd, ret_bound, endpoint, port, options, ret_step);
	if (error < 0) {
		(void)close(listen_fd);
		return error;
	}
	*ret_listen_fd = listen_fd;
	return 0;
}

bool
listen_is_any(int listen_fd)
{
	int accepts = 0;
	int type = 0;
	union any_address peer;
	socklen_t length = sizeof(int);
	socklen_t peer_length = sizeof(peer);

	for (int i = 0; i < PROTOCOL_COUNT; i++)
		if (listen_has_protocol(listen_fd, (enum protocol)i))
			type = protocol_type((enum protocol)i);
	if (type == SOCK_DGRAM)
		return getpeername(listen_fd, &peer.any, &peer_length) < 0;
	return type != 0 &&
		getsockopt(listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length) == 0 &&
		accepts != 0;
}

bool
listen_has_protocol(int listen_fd, enum protocol protocol)
{
	int family = 0;
	int type = 0;
	socklen_t length = sizeof(int);

	return getsockopt(listen_fd, SOL_SOCKET, SO_DOMAIN, &family, &length) == 0 &&
		getsockopt(listen_fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 &&
		family == protocol_family(protocol) && type == protocol_type(protocol);
}

bool
listen_fits(int listen_fd, const struct endpoint *endpoint)
{
	union any_address bound = { .un = { .sun_family = AF_UNSPEC } };
	socklen_t length = sizeof(bound);
	struct netaddr address;

	if (!listen_has_protocol(listen_fd, endpoint->protocol) ||
		getsockname(listen_fd, &bound.any, &length) < 0)
		return false;
	if (endpoint->path != NULL) {
		size_t room = sizeof(bound.un.sun_path);

		return strnlen(endpoint->path, room) < room &&
			strncmp(bound.un.sun_path, endpoint->path, room) == 0;
	}
	return netaddr_from_sockaddr(&address, &bound.any) == 0 &&
		netaddr_equal(&address, &endpoint->address);
}

int
listen_take(int listen_fd, struct netaddr *ret_bound, const struct endpoint *endpoint)
{
	int flags = fcntl(listen_fd, F_GETFL);

	if (flags < 0 || fcntl(listen_fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return read_bound(listen_fd, endpoint, ret_bound);
}

int
listen_retune(int listen_fd, const struct endpoint *endpoint, const struct listen_options *options)
{
	if (protocol_type(endpoint->protocol) != SOCK_DGRAM &&
		listen(listen_fd, options->backlog) < 0)
		return -errno;
	if (endpoint->path == NULL)
		return 0;
	return priv_own_socket_file(endpoint->path, options->uid, options->gid, options->mode);
}

uint64_t
listen_head(int listen_fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(struct timespec))];
	} control;
	struct msghdr message = { .msg_control = &control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *header;
	struct timespec came;
	ssize_t got;

	/* A datagram that has no time yet gets one here, and keeps it. */
	if (set_option(listen_fd, SOL_SOCKET, SO_TIMESTAMPNS, 1) < 0)
		return 0;
	got = recvmsg(listen_fd, &message, MSG_PEEK | MSG_DONTWAIT);
	(void)set_option(listen_fd, SOL_SOCKET, SO_TIMESTAMPNS, 0);
	header = got < 0 ? NULL : CMSG_FIRSTHDR(&message);
	if (header == NULL || header->cmsg_level != SOL_SOCKET ||
		header->cmsg_type != SCM_TIMESTAMPNS)
		return 0;
	memcpy(&came, CMSG_DATA(header), sizeof(came));
	return (uint64_t)came.tv_sec * UINT64_C(1000000000) + (uint64_t)came.tv_nsec;
}

uint32_t
listen_queued(int listen_fd)
{
	struct tcp_info info;
	socklen_t length = sizeof(info);

	if (getsockopt(listen_fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0 ||
		info.tcpi_state != TCP_LISTEN)
		return 0;
	return info.tcpi_unacked; /* which means this where nothing is sent */
}

void
listen_clear_options(int listen_fd, enum protocol protocol)
{
	/* One that was handed in may be of another kind than the table says. */
	if (protocol == PROTOCOL_TCP4 || protocol == PROTOCOL_TCP6)
		(void)set_option(listen_fd, IPPROTO_TCP, TCP_NODELAY, 0);
	else if (protocol == PROTOCOL_UDP4)
		(void)set_option(listen_fd, IPPROTO_IP, IP_PKTINFO, 0);
	else if (protocol == PROTOCOL_UDP6)
		(void)set_option(listen_fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 0);
}

static bool
takes_clients(int listen_fd, enum protocol protocol)
{
	union any_address peer;
	socklen_t length = sizeof(peer);
	int is_listening = 0;

	if (protocol_type(protocol) == SOCK_DGRAM)
		return getpeername(listen_fd, &peer.any, &length) < 0;
	length = sizeof(is_listening);
	return getsockopt(listen_fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &length) < 0 ||
		is_listening != 0;
}

/* A port that the kernel had picked is lost. Of one that is not, it says EINVAL. */
static int
bind_again(int listen_fd, const struct netaddr *bound)
{
	union any_address address;
	socklen_t length = netaddr_to_sockaddr(bound, &address.storage);

	if (bind(listen_fd, &address.any, length) == 0 || errno == EINVAL)
		return 0;
	return -errno;
}

int
listen_mend(int listen_fd, enum protocol protocol, const struct netaddr *bound, int backlog)
{
	const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	socklen_t length = sizeof(int);
	int device = 0;
	int error = 0;

	if (takes_clients(listen_fd, protocol))
		return 0;
	/* The device goes with the peer; one that was handed in may have been bound to it. */
	(void)getsockopt(listen_fd, SOL_SOCKET, SO_BINDTOIFINDEX, &device, &length);
	if (connect(listen_fd, &nobody, sizeof(nobody)) < 0)
		return -errno;
	if (device != 0)
		error = set_option(listen_fd, SOL_SOCKET, SO_BINDTOIFINDEX, device);
	if (error == 0 && protocol_family(protocol) != AF_UNIX)
		error = bind_again(listen_fd, bound);
	if (error == 0 && protocol_type(protocol) != SOCK_DGRAM && listen(listen_fd, backlog) < 0)
		error = -errno;
	return error;
}

void
listen_remove_file(const char *path)
{
	struct stat file;

	if (lstat(path, &file) == 0 && S_ISSOCK(file.st_mode))
		(void)unlink(path);
}
