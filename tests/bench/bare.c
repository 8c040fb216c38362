/* SPDX-License-Identifier: ISC */
/* What the machine can do: each service hard-wired, on 127.0.0.1, in one thread, without
 * configuration, limits, counters, log or error handling worth the name. Nothing that serves
 * people can be expected to beat it, only to come near.
 *
 * usage: bare KIND PORT [PROGRAM [ARGUMENT]]
 *        bare answer      what the kind exec is usually told to start */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define EVENTS 256
#define ROOM (1 << 16)
#define LONGEST_DATAGRAM 2048
#define FOREVER (1 << 24)
#define SOURCE_LINE 74
#define SOURCE_BYTES (95 * SOURCE_LINE)
#define SOURCE_TIMES 64

struct kind {
	const char *name;
	int socket_type;
	void (*prepare)(char **argv);
	void (*accepted)(int conn_fd); /* NULL: the connection is watched */
	uint32_t events;
	void (*ready)(int conn_fd);
};

static char buffer[BATCH][LONGEST_DATAGRAM];
static char room[ROOM];

static _Noreturn void
give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* ---------------------------------------------------------------- streams */

static size_t
write_date(char *place, size_t size)
{
	static time_t written;
	static char date[32];
	time_t now = time(NULL);

	if (now != written) {
		written = now;
		(void)strftime(date, sizeof(date), "%a %b %e %T %Y\r\n", localtime(&now));
	}
	(void)snprintf(place, size, "%s", date);
	return strlen(place);
}

static void
daytime_accepted(int conn_fd)
{
	char date[32];
	size_t length = write_date(date, sizeof(date));

	/* The FIN goes with the data. */
	(void)send(conn_fd, date, length, MSG_NOSIGNAL | MSG_MORE);
	(void)close(conn_fd);
}

static void
echo_ready(int conn_fd)
{
	ssize_t length = recv(conn_fd, room, sizeof(room), 0);
	const char *at = room;

	if (length == 0 || (length < 0 && errno != EAGAIN))
		(void)close(conn_fd);
	while (length > 0) {
		struct pollfd writable = { .fd = conn_fd, .events = POLLOUT };
		ssize_t sent = send(conn_fd, at, (size_t)length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent < 0)
			(void)poll(&writable, 1, -1);
		else {
			at += sent;
			length -= sent;
		}
	}
}

/* The kernel sends the pages of this file without copying them. */
static int
source_file(void)
{
	static int source_fd = -1;
	char line[SOURCE_LINE];

	if (source_fd >= 0)
		return source_fd;
	source_fd = memfd_create("source", MFD_CLOEXEC);
	for (int i = 0; i < 95 * SOURCE_TIMES; i++) {
		for (int j = 0; j < SOURCE_LINE - 2; j++)
			line[j] = (char)(' ' + (i + j) % 95);
		line[SOURCE_LINE - 2] = '\r';
		line[SOURCE_LINE - 1] = '\n';
		if (write(source_fd, line, sizeof(line)) != sizeof(line))
			give_up("memfd");
	}
	return source_fd;
}

static void
source_ready(int conn_fd)
{
	static off_t offset;

	if (sendfile(conn_fd, source_file(), &offset, SOURCE_BYTES * SOURCE_TIMES) < 0 &&
		errno != EAGAIN)
		(void)close(conn_fd);
	if (offset >= SOURCE_BYTES * SOURCE_TIMES)
		offset = 0;
}

static void
sink_ready(int conn_fd)
{
	ssize_t length = recv(conn_fd, NULL, FOREVER, MSG_TRUNC);

	if (length == 0 || (length < 0 && errno != EAGAIN))
		(void)close(conn_fd);
}

/* ---------------------------------------------------------------- programs */

static char **program;

static void
exec_prepare(char **argv)
{
	if (!argv[0]) {
		errno = EINVAL;
		give_up("exec");
	}
	program = argv;
}

static void
exec_accepted(int conn_fd)
{
	pid_t pid = vfork();

	if (pid == 0) {
		(void)dup2(conn_fd, STDIN_FILENO);
		(void)dup2(conn_fd, STDOUT_FILENO);
		(void)execv(program[0], program);
		_exit(127);
	}
	(void)close(conn_fd);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/* ---------------------------------------------------------------- datagrams */

static void
serve_datagrams(int socket_fd, bool is_echo)
{
	static struct mmsghdr messages[BATCH];
	static struct iovec parts[BATCH];
	static struct sockaddr_in names[BATCH];
	char date[32];

	for (;;) {
		size_t length = write_date(date, sizeof(date));
		int count;

		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ .iov_base = buffer[i],
				.iov_len = LONGEST_DATAGRAM };
			messages[i].msg_hdr = (struct msghdr){ .msg_name = &names[i],
				.msg_namelen = sizeof(names[i]),
				.msg_iov = &parts[i],
				.msg_iovlen = 1 };
		}
		count = recvmmsg(socket_fd, messages, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < count; i++) {
			if (!is_echo)
				parts[i].iov_base = date;
			parts[i].iov_len = is_echo ? messages[i].msg_len : length;
		}
		if (count > 0)
			(void)sendmmsg(socket_fd, messages, (unsigned)count, MSG_NOSIGNAL);
	}
}

/* ---------------------------------------------------------------- the whole */

static const struct kind kinds[] = {
	{ "daytime", SOCK_STREAM, NULL, daytime_accepted, 0, NULL },
	{ "echo", SOCK_STREAM, NULL, NULL, EPOLLIN, echo_ready },
	{ "chargen", SOCK_STREAM, NULL, NULL, EPOLLOUT, source_ready },
	{ "discard", SOCK_STREAM, NULL, NULL, EPOLLIN, sink_ready },
	{ "exec", SOCK_STREAM, exec_prepare, exec_accepted, 0, NULL },
	{ "udp-echo", SOCK_DGRAM, NULL, NULL, 0, NULL },
	{ "udp-daytime", SOCK_DGRAM, NULL, NULL, 0, NULL },
};

static int
open_socket(const struct kind *kind, int port)
{
	int blocks = kind->socket_type == SOCK_DGRAM ? 0 : SOCK_NONBLOCK;
	int listen_fd = socket(AF_INET, kind->socket_type | SOCK_CLOEXEC | blocks, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;

	(void)setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (kind->socket_type == SOCK_STREAM)
		(void)setsockopt(listen_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (bind(listen_fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		give_up("bind");
	if (kind->socket_type == SOCK_STREAM && listen(listen_fd, SOMAXCONN) < 0)
		give_up("listen");
	return listen_fd;
}

static void
accept_all(const struct kind *kind, int epoll_fd, int listen_fd)
{
	/* A program expects a socket that blocks. */
	int flags = SOCK_CLOEXEC | (kind->accepted == exec_accepted ? 0 : SOCK_NONBLOCK);
	int conn_fd;

	while ((conn_fd = accept4(listen_fd, NULL, NULL, flags)) >= 0) {
		struct epoll_event event = { .events = kind->events, .data.fd = conn_fd };

		if (kind->accepted)
			kind->accepted(conn_fd);
		else
			(void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, conn_fd, &event);
	}
}

static void
serve_streams(const struct kind *kind, int listen_fd)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event events[EVENTS] = { { .events = EPOLLIN, .data.fd = listen_fd } };

	if (epoll_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listen_fd, &events[0]) < 0)
		give_up("epoll");
	for (;;) {
		int count = epoll_wait(epoll_fd, events, EVENTS, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.fd == listen_fd)
				accept_all(kind, epoll_fd, listen_fd);
			else
				kind->ready(events[i].data.fd);
		}
	}
}

static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int
main(int argc, char **argv)
{
	const struct kind *kind = NULL;
	int listen_fd;

	if (argc == 2 && strcmp(argv[1], "answer") == 0)
		return write(STDOUT_FILENO, "ok\n", 3) == 3 ? EXIT_SUCCESS : EXIT_FAILURE;
	for (size_t i = 0; argc >= 3 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(argv[1], kinds[i].name) == 0)
			kind = &kinds[i];
	if (!kind) {
		(void)fprintf(stderr, "usage: bare KIND PORT [PROGRAM [ARGUMENT]]\n");
		return EXIT_FAILURE;
	}
	raise_descriptors();
	if (kind->prepare)
		kind->prepare(argv + 3);
	listen_fd = open_socket(kind, atoi(argv[2]));
	if (kind->socket_type == SOCK_DGRAM)
		serve_datagrams(listen_fd, strcmp(kind->name, "udp-echo") == 0);
	else
		serve_streams(kind, listen_fd);
	return EXIT_SUCCESS;
}
