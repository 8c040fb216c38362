/* SPDX-License-Identifier: ISC */
/* Many clients of one TCP service, from many addresses of 127.0.0.0/8: each connects, reads until
 * the end and goes. Says how many were answered and how many refused.
 *
 * usage: visits PORT COUNT SOURCES [SEED]
 *
 * Without a seed the sources come in turn, with one by chance. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define AT_ONCE 32
#define FIRST_SOURCE UINT32_C(0x7f400000) /* 127.64.0.0 */

struct visits {
	int epoll_fd;
	struct sockaddr_in server;
	unsigned long count, begun, answered, refused;
	uint32_t sources;
	uint64_t seed;
	bool has_answer[1 << 16]; /* by descriptor */
};

static uint32_t
next_source(struct visits *visits)
{
	if (visits->seed == 0)
		return (uint32_t)(visits->begun % visits->sources);
	visits->seed = visits->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((visits->seed >> 33) % visits->sources);
}

static void
give_up(const char *step)
{
	perror(step);
	exit(1);
}

static void
begin_one(struct visits *visits)
{
	struct sockaddr_in source = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(FIRST_SOURCE + next_source(visits)) };
	struct epoll_event event = { .events = EPOLLIN };
	int conn_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1;

	if (conn_fd < 0 || conn_fd >= (int)sizeof(visits->has_answer))
		give_up("socket");
	(void)setsockopt(conn_fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(conn_fd, (struct sockaddr *)(void *)&source, sizeof(source)) < 0)
		give_up("bind");
	if (connect(conn_fd, (struct sockaddr *)(void *)&visits->server, sizeof(visits->server)) <
			0 &&
		errno != EINPROGRESS)
		give_up("connect");
	event.data.fd = conn_fd;
	visits->has_answer[conn_fd] = false;
	if (epoll_ctl(visits->epoll_fd, EPOLL_CTL_ADD, conn_fd, &event) < 0)
		give_up("epoll_ctl");
	visits->begun++;
}

static void
go_on(struct visits *visits, int conn_fd)
{
	char bytes[4096];
	ssize_t length = recv(conn_fd, bytes, sizeof(bytes), 0);

	if (length > 0) {
		visits->has_answer[conn_fd] = true;
		return;
	}
	if (length < 0 && errno == EAGAIN)
		return;
	if (visits->has_answer[conn_fd])
		visits->answered++;
	else
		visits->refused++;
	(void)close(conn_fd);
	if (visits->begun < visits->count)
		begin_one(visits);
}

int
main(int argc, char **argv)
{
	static struct visits visits;
	struct epoll_event events[AT_ONCE];

	if (argc < 4) {
		(void)fprintf(stderr, "usage: visits PORT COUNT SOURCES [SEED]\n");
		return 2;
	}
	visits.server = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(argv[1])),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	visits.count = strtoul(argv[2], NULL, 10);
	visits.sources = (uint32_t)strtoul(argv[3], NULL, 10);
	visits.seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	visits.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	for (int i = 0; i < AT_ONCE && visits.begun < visits.count; i++)
		begin_one(&visits);
	while (visits.answered + visits.refused < visits.count) {
		int ready = epoll_wait(visits.epoll_fd, events, AT_ONCE, 10000);

		if (ready <= 0)
			give_up("epoll_wait");
		for (int i = 0; i < ready; i++)
			go_on(&visits, events[i].data.fd);
	}
	(void)printf("%lu %lu\n", visits.answered, visits.refused);
	return 0;
}
