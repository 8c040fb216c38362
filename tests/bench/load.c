/* SPDX-License-Identifier: ISC */
/* The load: clients of one service on 127.0.0.1, in one thread, for a given time.
 *
 * usage: load MODE PORT CLIENTS SECONDS [SIZE [WINDOW]]
 *
 * Prints one line, "operations bytes faults seconds", and keeps its connections until standard
 * input ends, so that whoever reads the line can look at the server first. Every answer is
 * checked; what is wrong, cut off, refused or lost is a fault. The modes are the table at the
 * end. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64 /* datagrams of one call */
#define EVENTS 256
#define PATTERN_PERIOD 251 /* a prime: a byte lost or doubled anywhere shows */
#define LONGEST (1 << 18)
#define LONGEST_DATAGRAM 2048
#define LOST_AFTER_MS 100

struct client {
	int fd;
	bool is_new; /* nothing has been received on this connection */
	uint64_t sent;
	uint64_t received;
};

struct load {
	const struct mode *mode;
	struct sockaddr_in server;
	unsigned client_count;
	double seconds;
	size_t size;
	size_t window;
	int epoll_fd;
	struct client *clients;
	uint64_t operations;
	uint64_t bytes;
	uint64_t faults;
};

struct mode {
	const char *name;
	int socket_type;
	uint32_t events; /* waited for; 0: the sockets block, and nothing is waited for */
	void (*connected)(struct load *load, struct client *client);
	void (*ready)(struct load *load, struct client *client);
};

static char pattern[LONGEST + PATTERN_PERIOD];
static char buffer[LONGEST];

static _Noreturn void
give_up(const char *what)
{
	(void)fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(EXIT_FAILURE);
}

static double
seconds_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *
pattern_at(uint64_t position)
{
	return pattern + position % PATTERN_PERIOD;
}

static bool
is_for_later(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* ---------------------------------------------------------------- clients */

static void
client_open(struct load *load, struct client *client)
{
	int flags = SOCK_CLOEXEC | (load->mode->events != 0 ? SOCK_NONBLOCK : 0);
	struct epoll_event event = { .events = load->mode->events, .data.ptr = client };
	const int on = 1;

	*client = (struct client){ .is_new = true };
	client->fd = socket(AF_INET, load->mode->socket_type | flags, 0);
	if (client->fd < 0)
		give_up("socket");
	if (load->mode->socket_type == SOCK_STREAM)
		(void)setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(client->fd, (const struct sockaddr *)&load->server, sizeof(load->server)) < 0 &&
		errno != EINPROGRESS)
		load->faults++;
	if (load->mode->events != 0 &&
		epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
		give_up("epoll_ctl");
	if (load->mode->connected)
		load->mode->connected(load, client);
}

static void
client_begin_again(struct load *load, struct client *client)
{
	(void)close(client->fd);
	client_open(load, client);
}

static void
client_fail(struct load *load, struct client *client)
{
	load->faults++;
	client_begin_again(load, client);
}

/* ---------------------------------------------------------------- get: connect, read, close */

static void
get_ready(struct load *load, struct client *client)
{
	ssize_t length = recv(client->fd, buffer, sizeof(buffer), 0);

	if (length < 0 && is_for_later())
		return;
	if (length > 0) {
		client->received += (uint64_t)length;
		/* Its end is there with it as a rule, and spares a turn. */
		length = recv(client->fd, buffer, sizeof(buffer), 0);
		if (length < 0 && is_for_later())
			return;
	}
	if (length > 0) {
		client->received += (uint64_t)length;
		return;
	}
	if (length < 0 || client->received == 0) {
		client_fail(load, client);
		return;
	}
	load->operations++;
	load->bytes += client->received;
	client_begin_again(load, client);
}

/* ---------------------------------------------------------------- echo, bulk */

static void
echo_say(struct load *load, struct client *client)
{
	ssize_t length = send(client->fd, pattern_at(client->sent), load->size, MSG_NOSIGNAL);

	if (length > 0)
		client->sent += (uint64_t)length;
}

/* Read what is there; false when the connection is no good any more. */
static bool
echo_take(struct load *load, struct client *client)
{
	ssize_t length = recv(client->fd, buffer, sizeof(buffer), 0);

	if (length < 0 && is_for_later())
		return true;
	if (length <= 0 || memcmp(buffer, pattern_at(client->received), (size_t)length) != 0)
		return false;
	client->received += (uint64_t)length;
	load->bytes += (uint64_t)length;
	return true;
}

static void
echo_ready(struct load *load, struct client *client)
{
	if (client->sent == 0) {
		echo_say(load, client); /* the connection stands */
		return;
	}
	if (!echo_take(load, client)) {
		client_fail(load, client);
		return;
	}
	if (client->received == client->sent) {
		load->operations++;
		echo_say(load, client);
	}
}

static void
bulk_ready(struct load *load, struct client *client)
{
	uint64_t before = client->received;

	if (client->sent > 0 && !echo_take(load, client)) {
		client_fail(load, client);
		return;
	}
	load->operations += client->received / load->size - before / load->size;
	while (client->sent - client->received < load->window * load->size) {
		uint64_t sent = client->sent;

		echo_say(load, client);
		if (client->sent == sent)
			return;
	}
}

/* ---------------------------------------------------------------- source, sink */

static void
source_ready(struct load *load, struct client *client)
{
	/* The first bytes are looked at; the others only counted, which leaves the processor to
	 * the server. */
	ssize_t length = recv(client->fd, buffer, sizeof(buffer), client->is_new ? 0 : MSG_TRUNC);

	if (length < 0 && is_for_later())
		return;
	if (length <= 0 || (client->is_new && (buffer[0] < ' ' || buffer[0] > '~'))) {
		client_fail(load, client);
		return;
	}
	client->is_new = false;
	load->bytes += (uint64_t)length;
	load->operations = load->bytes >> 20;
}

static void
sink_ready(struct load *load, struct client *client)
{
	ssize_t length = send(client->fd, pattern, LONGEST, MSG_NOSIGNAL);

	if (length < 0 && is_for_later())
		return;
	if (length <= 0) {
		client_fail(load, client);
		return;
	}
	load->bytes += (uint64_t)length;
	load->operations = load->bytes >> 20;
}

/* ---------------------------------------------------------------- datagrams */

static struct mmsghdr messages[BATCH];
static struct iovec parts[BATCH];

static void
datagrams_prepare(char *bytes, size_t stride, size_t length)
{
	for (size_t i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){ .iov_base = bytes + i * stride, .iov_len = length };
		messages[i].msg_hdr = (struct msghdr){ .msg_iov = &parts[i], .msg_iovlen = 1 };
	}
}

static void
datagrams_ask(struct load *load, struct client *client)
{
	datagrams_prepare(pattern, 0, load->size);
	while (client->sent - client->received < load->window) {
		uint64_t room = load->window - (client->sent - client->received);
		unsigned count = room < BATCH ? (unsigned)room : BATCH;
		int sent = sendmmsg(client->fd, messages, count, 0);

		if (sent <= 0)
			return;
		client->sent += (uint64_t)sent;
	}
}

static void
datagrams_ready(struct load *load, struct client *client)
{
	bool is_echo = strcmp(load->mode->name, "udp-echo") == 0;
	int count;

	datagrams_prepare(buffer, LONGEST_DATAGRAM, LONGEST_DATAGRAM);
	count = recvmmsg(client->fd, messages, BATCH, 0, NULL);
	for (int i = 0; i < count; i++) {
		size_t length = messages[i].msg_len;
		bool is_right = length > load->size;

		if (is_echo)
			is_right = length == load->size &&
				memcmp(parts[i].iov_base, pattern, length) == 0;
		load->operations += is_right;
		load->faults += !is_right;
		load->bytes += length;
	}
	/* One that was given up for lost may come after all. */
	if (count > 0)
		client->received += (uint64_t)count;
	if (client->received > client->sent)
		client->received = client->sent;
	datagrams_ask(load, client);
}

static void
datagrams_lost(struct load *load)
{
	for (unsigned i = 0; i < load->client_count; i++) {
		struct client *client = &load->clients[i];

		load->faults += client->sent - client->received;
		client->received = client->sent;
		datagrams_ask(load, client);
	}
}

/* ---------------------------------------------------------------- idle */

/* Say one byte, hear it back, then nothing. */
static void
idle_connected(struct load *load, struct client *client)
{
	char byte = 0;

	if (send(client->fd, "i", 1, MSG_NOSIGNAL) != 1 || recv(client->fd, &byte, 1, 0) != 1 ||
		byte != 'i')
		load->faults++;
	load->operations++;
}

/* ---------------------------------------------------------------- the whole */

static const struct mode modes[] = {
	{ "get", SOCK_STREAM, EPOLLIN, NULL, get_ready },
	{ "echo", SOCK_STREAM, EPOLLIN | EPOLLOUT | EPOLLET, NULL, echo_ready },
	{ "bulk", SOCK_STREAM, EPOLLIN | EPOLLOUT | EPOLLET, NULL, bulk_ready },
	{ "source", SOCK_STREAM, EPOLLIN, NULL, source_ready },
	{ "sink", SOCK_STREAM, EPOLLOUT, NULL, sink_ready },
	{ "udp-echo", SOCK_DGRAM, EPOLLIN, datagrams_ask, datagrams_ready },
	{ "udp-get", SOCK_DGRAM, EPOLLIN, datagrams_ask, datagrams_ready },
	{ "idle", SOCK_STREAM, 0, idle_connected, NULL },
};

static double
run_until(struct load *load, double end)
{
	bool is_udp = load->mode->socket_type == SOCK_DGRAM;
	struct epoll_event events[EVENTS];
	double now = seconds_now();

	while (now < end) {
		int wait = is_udp ? LOST_AFTER_MS : (int)((end - now) * 1000) + 1;
		int count = epoll_wait(load->epoll_fd, events, EVENTS, wait);

		for (int i = 0; i < count; i++)
			load->mode->ready(load, events[i].data.ptr);
		if (count == 0 && is_udp)
			datagrams_lost(load);
		now = seconds_now();
	}
	return now;
}

static void
read_arguments(struct load *load, int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argc >= 5 && strcmp(argv[1], modes[i].name) == 0)
			load->mode = &modes[i];
	if (!load->mode) {
		(void)fprintf(stderr, "usage: load MODE PORT CLIENTS SECONDS [SIZE [WINDOW]]\n");
		exit(EXIT_FAILURE);
	}
	load->server.sin_family = AF_INET;
	load->server.sin_port = htons((uint16_t)atoi(argv[2]));
	load->server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	load->client_count = (unsigned)atoi(argv[3]);
	load->seconds = atof(argv[4]);
	load->size = argc > 5 ? (size_t)atoi(argv[5]) : 64;
	load->window = argc > 6 ? (size_t)atoi(argv[6]) : 1;
	if (load->size == 0 || load->size > LONGEST ||
		(load->mode->socket_type == SOCK_DGRAM && load->size > LONGEST_DATAGRAM)) {
		errno = EINVAL;
		give_up(argv[5]);
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
	struct load load = { .mode = NULL };
	double begin, end;

	read_arguments(&load, argc, argv);
	raise_descriptors();
	for (size_t i = 0; i < sizeof(pattern); i++)
		pattern[i] = (char)(i % PATTERN_PERIOD);
	load.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	load.clients = calloc(load.client_count, sizeof(struct client));
	if (load.epoll_fd < 0 || !load.clients)
		give_up("start");
	begin = seconds_now();
	for (unsigned i = 0; i < load.client_count; i++)
		client_open(&load, &load.clients[i]);
	end = load.mode->events == 0 ? seconds_now() : run_until(&load, begin + load.seconds);
	(void)printf("%llu %llu %llu %.6f\n", (unsigned long long)load.operations,
		(unsigned long long)load.bytes, (unsigned long long)load.faults, end - begin);
	(void)fflush(stdout);
	while (read(STDIN_FILENO, buffer, sizeof(buffer)) > 0)
		;
	free(load.clients);
	return EXIT_SUCCESS;
}
