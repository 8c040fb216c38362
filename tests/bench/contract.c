/* SPDX-License-Identifier: ISC */
/* What it costs to start a program, and what each promise of reeve-handler(7) adds to that. One
 * service, hard-wired, on 127.0.0.1, without configuration, limits, counters, judgement or log:
 * nothing that keeps the same promises the same way can be expected to start programs for less.
 *
 * usage: contract tcp|udp PORT PROMISES PROGRAM [ARGUMENT...]
 *
 * PROMISES: words with commas between, or none.
 *   session       an own session
 *   stderr        standard error is a pipe of its own, looked into when the program has ended
 *   environment   the account's variables, and the three families of names for the peer
 *   world         the account's groups, the folder and the limit of core dumps
 *   gate          (tcp) a process of its own accepts and passes the connection on
 *
 * Without any it is as lean as can be: the new process shares memory and descriptors, and leaves
 * those beyond LOW_FDS behind in one call, as reeve's do. With udp the program gets the socket, and
 * the next one is started when it has ended. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOW_FDS 64
#define BATCH 16
#define RUNNING_MAX 4096 /* a power of two */
#define REQUEST_BYTES 64 /* what a gate has to tell of a connection */
#define STACK_SIZE 65536

enum promise { SESSION = 1, STDERR = 2, ENVIRONMENT = 4, WORLD = 8, GATE = 16 };

static const struct {
	const char *word;
	enum promise promise;
} words[] = {
	{ "session", SESSION },
	{ "stderr", STDERR },
	{ "environment", ENVIRONMENT },
	{ "world", WORLD },
	{ "gate", GATE },
};

static const char *const described[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/root",
	"USER=root", "LOGNAME=root", "SHELL=/bin/bash", "PROTO=TCP", "TCPREMOTEIP=127.0.0.1",
	"TCPREMOTEPORT=50000", "TCPLOCALIP=127.0.0.1", "TCPLOCALPORT=50001",
	"REMOTE_ADDR=127.0.0.1", "REMOTE_PORT=50000", "REMOTE_HOST=127.0.0.1",
	"SERVER_ADDR=127.0.0.1", "SERVER_PORT=50001", NULL };
static const char *const undescribed[] = { NULL };

/* Of a program that runs: the read end of its standard error, by its pid. */
static struct running {
	pid_t pid;
	int error_fd;
} running[RUNNING_MAX];

static unsigned promises;
static char **program;
static int epoll_fd;
static int served_fd; /* where connections or datagrams come from */
static bool is_datagram;

struct start {
	int socket_fd;
	int error_fd;
};

static _Noreturn void
give_up(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void
watch(int operation, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll_fd, operation, fd, &event) < 0)
		give_up("epoll_ctl");
}

/* ---------------------------------------------------------------- the child */

static bool
make_world(void)
{
	const struct rlimit no_core = { 0, 0 };
	const gid_t group = getegid();

	/* Who is not root keeps his groups. */
	if (geteuid() == 0 && syscall(SYS_setgroups, 1, &group) < 0)
		return false;
	return setrlimit(RLIMIT_CORE, &no_core) == 0 && chdir("/") == 0;
}

static int
child_main(void *argument)
{
	const struct start *start = argument;
	const char *const *environment = (promises & ENVIRONMENT) != 0 ? described : undescribed;
	sigset_t none;

	if (syscall(SYS_close_range, LOW_FDS, ~0U, CLOSE_RANGE_UNSHARE) < 0)
		_exit(126);
	(void)dup2(start->socket_fd, STDIN_FILENO);
	(void)dup2(start->socket_fd, STDOUT_FILENO);
	(void)dup2(start->error_fd, STDERR_FILENO);
	if ((promises & SESSION) != 0 && setsid() < 0)
		_exit(126);
	if ((promises & WORLD) != 0 && !make_world())
		_exit(126);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)execve(program[0], program, (char *const *)(uintptr_t)environment);
	_exit(127);
}

/* ---------------------------------------------------------------- the loop */

static void
start_program(int socket_fd)
{
	static _Alignas(16) char stack[STACK_SIZE];
	struct start start = { .socket_fd = socket_fd, .error_fd = socket_fd };
	int ends[2] = { -1, -1 };
	pid_t pid;

	if ((promises & STDERR) != 0) {
		if (pipe2(ends, O_CLOEXEC) < 0)
			give_up("pipe2");
		start.error_fd = ends[1];
	}
	pid = clone(child_main, stack + sizeof(stack),
		CLONE_VM | CLONE_FILES | CLONE_VFORK | SIGCHLD, &start);
	if (pid < 0)
		give_up("clone");
	if (ends[1] >= 0)
		(void)close(ends[1]);
	running[(unsigned)pid % RUNNING_MAX] = (struct running){ pid, ends[0] };
}

static void
look_into_pipe(int error_fd)
{
	struct pollfd readable = { .fd = error_fd, .events = POLLIN };

	if (poll(&readable, 1, 0) == 1 && (readable.revents & POLLIN) != 0)
		(void)fprintf(stderr, "a program has something to say\n");
	(void)close(error_fd);
}

static void
reap_programs(int signal_fd)
{
	struct signalfd_siginfo signals[BATCH];
	pid_t pid;

	(void)!read(signal_fd, signals, sizeof(signals));
	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0) {
		struct running *ended = &running[(unsigned)pid % RUNNING_MAX];

		if (ended->pid == pid && ended->error_fd >= 0)
			look_into_pipe(ended->error_fd);
		*ended = (struct running){ 0, -1 };
		if (is_datagram)
			watch(EPOLL_CTL_MOD, served_fd, EPOLLIN | EPOLLONESHOT);
	}
}

union descriptor {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* A connection from the gate; -1 with EAGAIN. */
static int
receive_connection(int channel_fd)
{
	char request[REQUEST_BYTES];
	struct iovec part = { .iov_base = request, .iov_len = sizeof(request) };
	union descriptor control;
	struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	int conn_fd = -1;

	if (recvmsg(channel_fd, &message, MSG_CMSG_CLOEXEC) <= 0)
		return -1;
	memcpy(&conn_fd, CMSG_DATA(&control.header), sizeof(conn_fd));
	return conn_fd;
}

static void
serve_connections(void)
{
	for (int i = 0; i < BATCH; i++) {
		int conn_fd = (promises & GATE) != 0 ? receive_connection(served_fd)
						     : accept4(served_fd, NULL, NULL, SOCK_CLOEXEC);

		if (conn_fd < 0)
			return;
		start_program(conn_fd);
		(void)close(conn_fd);
	}
}

static _Noreturn void
serve(int signal_fd)
{
	struct epoll_event events[BATCH];

	for (;;) {
		int count = epoll_wait(epoll_fd, events, BATCH, -1);

		for (int i = 0; i < count; i++)
			if (events[i].data.fd == signal_fd)
				reap_programs(signal_fd);
			else if (is_datagram)
				start_program(served_fd);
			else
				serve_connections();
	}
}

/* ---------------------------------------------------------------- the gate */

static void
send_connection(int channel_fd, int conn_fd)
{
	char request[REQUEST_BYTES] = { 0 };
	struct iovec part = { .iov_base = request, .iov_len = sizeof(request) };
	union descriptor control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
					     .cmsg_level = SOL_SOCKET,
					     .cmsg_type = SCM_RIGHTS } };
	const struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct pollfd writable = { .fd = channel_fd, .events = POLLOUT };

	memcpy(CMSG_DATA(&control.header), &conn_fd, sizeof(conn_fd));
	while (sendmsg(channel_fd, &message, MSG_NOSIGNAL) < 0) {
		if (errno != EAGAIN)
			exit(EXIT_FAILURE);
		(void)poll(&writable, 1, -1);
	}
}

static _Noreturn void
accept_for_others(int listen_fd, int channel_fd)
{
	struct epoll_event event;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	watch(EPOLL_CTL_ADD, listen_fd, EPOLLIN);
	watch(EPOLL_CTL_ADD, channel_fd, EPOLLRDHUP);
	while (epoll_wait(epoll_fd, &event, 1, -1) == 1 && event.data.fd == listen_fd) {
		int conn_fd;

		for (int i = 0; i < BATCH; i++) {
			conn_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
			if (conn_fd < 0)
				break;
			send_connection(channel_fd, conn_fd);
			(void)close(conn_fd);
		}
	}
	exit(EXIT_SUCCESS);
}

/* Where its connections come from. */
static int
start_gate(int listen_fd)
{
	int channel[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, channel) < 0)
		give_up("socketpair");
	pid = fork();
	if (pid < 0)
		give_up("fork");
	(void)close(channel[pid == 0 ? 0 : 1]);
	if (pid == 0)
		accept_for_others(listen_fd, channel[1]);
	(void)close(listen_fd);
	return channel[0];
}

/* ---------------------------------------------------------------- the whole */

static int
open_socket(int port)
{
	int type = is_datagram ? SOCK_DGRAM : SOCK_STREAM | SOCK_NONBLOCK;
	int socket_fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int on = 1;

	(void)setsockopt(socket_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(socket_fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		give_up("bind");
	if (!is_datagram && listen(socket_fd, SOMAXCONN) < 0)
		give_up("listen");
	return socket_fd;
}

static int
watch_children(void)
{
	sigset_t ended;
	int signal_fd;

	(void)sigemptyset(&ended);
	(void)sigaddset(&ended, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &ended, NULL);
	signal_fd = signalfd(-1, &ended, SFD_NONBLOCK | SFD_CLOEXEC);
	watch(EPOLL_CTL_ADD, signal_fd, EPOLLIN);
	return signal_fd;
}

static bool
read_promises(char *text)
{
	for (char *word = strtok(text, ","); word != NULL; word = strtok(NULL, ",")) {
		unsigned before = promises;

		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strcmp(word, words[i].word) == 0)
				promises |= words[i].promise;
		if (promises == before && strcmp(word, "none") != 0)
			return false;
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct rlimit limit;
	int socket_fd;

	if (argc < 5 || !read_promises(argv[3])) {
		(void)fprintf(stderr, "usage: contract tcp|udp PORT PROMISES PROGRAM...\n");
		return EXIT_FAILURE;
	}
	is_datagram = strcmp(argv[1], "udp") == 0;
	program = argv + 4;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	socket_fd = open_socket((int)strtol(argv[2], NULL, 10));
	if ((promises & GATE) != 0 && !is_datagram)
		socket_fd = start_gate(socket_fd);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	served_fd = socket_fd;
	watch(EPOLL_CTL_ADD, served_fd, EPOLLIN | (is_datagram ? EPOLLONESHOT : 0U));
	serve(watch_children());
}
