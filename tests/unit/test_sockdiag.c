/* LINK: src/effects/sockdiag.o src/base/netaddr.o */
/* SPDX-License-Identifier: ISC */
/* What the kernel tells about real connections on loopback. */
#include "effects/sockdiag.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define PATIENCE_MS 30000
#define MANY 300000

struct line {
	int client_fd;
	int conn_fd; /* the program's end */
	int ask_fd;
	int notice_fd;
	struct sockdiag_name name;
	struct sockdiag facts;
};

static void
take_address(struct netaddr *ret_address, int (*ask)(int, struct sockaddr *, socklen_t *), int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_storage room;
	} address;
	socklen_t length = sizeof(address);

	assert_int_equal(ask(fd, &address.any, &length), 0);
	assert_int_equal(netaddr_from_sockaddr(ret_address, &address.any), 0);
}

static void
connect_both(struct line *line, int family, const char *ip)
{
	struct netaddr loopback = { .family = AF_UNSPEC };
	struct sockaddr_storage address;
	socklen_t length;
	auto_close int listen_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(netaddr_parse_ip(&loopback, ip), 0);
	length = netaddr_to_sockaddr(&loopback, &address);
	if (listen_fd < 0 || bind(listen_fd, (struct sockaddr *)&address, length) < 0)
		skip();
	assert_int_equal(listen(listen_fd, 1), 0);
	assert_int_equal(getsockname(listen_fd, (struct sockaddr *)&address, &length), 0);
	line->client_fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(line->client_fd, (struct sockaddr *)&address, length), 0);
	line->conn_fd = accept(listen_fd, NULL, NULL);
	assert_true(line->conn_fd >= 0);
}

static void
begin_at(struct line *line, int family, const char *ip)
{
	socklen_t length = sizeof(line->name.cookie);

	*line = (struct line){ .client_fd = -1 };
	if (sockdiag_open(&line->ask_fd) < 0 || sockdiag_subscribe(&line->notice_fd) < 0)
		skip(); /* a kernel without it; reeve does without it too */
	connect_both(line, family, ip);
	take_address(&line->name.local, getsockname, line->conn_fd);
	take_address(&line->name.peer, getpeername, line->conn_fd);
	assert_int_equal(getsockopt(line->conn_fd, SOL_SOCKET, SO_COOKIE, &line->name.cookie,
				 &length),
		0);
}

static void
begin(struct line *line)
{
	begin_at(line, AF_INET, "127.0.0.1");
	if (sockdiag_ask(line->ask_fd, &line->name, &line->facts) == -ENOENT)
		skip(); /* the kernel cannot be asked about TCP */
}

static void
end(struct line *line)
{
	const int fds[] = { line->client_fd, line->conn_fd, line->ask_fd, line->notice_fd };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

static void
close_end(int *fd)
{
	assert_int_equal(close(util_take_fd(fd)), 0);
}

static void
move(int from_fd, int to_fd, size_t length)
{
	char room[4096] = "";

	while (length > 0) {
		size_t part = length < sizeof(room) ? length : sizeof(room);

		assert_int_equal(send(from_fd, room, part, 0), part);
		assert_int_equal(recv(to_fd, room, part, MSG_WAITALL), part);
		length -= part;
	}
}

static void
hear_end(int fd)
{
	char byte;

	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void
ask(struct line *line)
{
	assert_int_equal(sockdiag_ask(line->ask_fd, &line->name, &line->facts), 0);
	sockdiag_settle(line->ask_fd, &line->name, &line->facts);
}

/* Other programs' connections end too. */
static void
await_notice(struct line *line)
{
	struct pollfd notice = { .fd = line->notice_fd, .events = POLLIN };
	int got;

	do {
		got = sockdiag_next(line->notice_fd, &line->facts);
		if (got == 0)
			assert_int_equal(poll(&notice, 1, PATIENCE_MS), 1);
		assert_true(got >= 0 || got == -ENOBUFS);
	} while (got <= 0 || line->facts.cookie != line->name.cookie);
	assert_true(line->facts.has_counters);
	sockdiag_settle(line->ask_fd, &line->name, &line->facts);
}

static void
a_live_connection_is_counted_to_the_byte(void **state)
{
	struct line line;

	(void)state;
	begin(&line);
	ask(&line);
	assert_int_equal(line.facts.bytes_in, 0);
	assert_int_equal(line.facts.bytes_out, 0);
	move(line.client_fd, line.conn_fd, 7);
	move(line.conn_fd, line.client_fd, MANY);
	ask(&line);
	assert_int_equal(line.facts.cookie, line.name.cookie);
	assert_int_equal(line.facts.bytes_in, 7);
	assert_int_equal(line.facts.bytes_out, MANY);
	assert_true(line.facts.rtt_us > 0);
	end(&line);
}

static void
a_live_connection_over_ipv6_is_found_too(void **state)
{
	struct line line;

	(void)state;
	begin_at(&line, AF_INET6, "::1");
	move(line.client_fd, line.conn_fd, 9);
	ask(&line);
	assert_int_equal(line.facts.bytes_in, 9);
	close_end(&line.conn_fd);
	await_notice(&line);
	assert_int_equal(line.facts.bytes_in, 9);
	end(&line);
}

static void
the_clients_fin_is_no_byte_while_the_program_still_has_the_connection(void **state)
{
	struct line line;

	(void)state;
	begin(&line);
	assert_int_equal(shutdown(line.client_fd, SHUT_WR), 0);
	hear_end(line.conn_fd);
	ask(&line);
	assert_int_equal(line.facts.bytes_in, 0);
	move(line.conn_fd, line.client_fd, 5);
	ask(&line);
	assert_int_equal(line.facts.bytes_in, 0);
	assert_int_equal(line.facts.bytes_out, 5);
	end(&line);
}

static void
an_end_by_the_client_is_told_to_the_byte(void **state)
{
	struct line line;

	(void)state;
	begin(&line);
	move(line.client_fd, line.conn_fd, MANY);
	move(line.conn_fd, line.client_fd, 11);
	close_end(&line.client_fd);
	hear_end(line.conn_fd);
	close_end(&line.conn_fd);
	await_notice(&line);
	assert_int_equal(line.facts.bytes_in, MANY);
	assert_int_equal(line.facts.bytes_out, 11);
	end(&line);
}

static void
an_end_by_the_client_that_the_program_did_not_look_at_is_told_to_the_byte(void **state)
{
	struct line line;

	(void)state;
	begin(&line);
	move(line.client_fd, line.conn_fd, 13);
	close_end(&line.client_fd);
	close_end(&line.conn_fd);
	await_notice(&line);
	assert_int_equal(line.facts.bytes_in, 13);
	assert_int_equal(line.facts.bytes_out, 0);
	end(&line);
}

static void
an_end_by_the_program_is_told_to_the_byte(void **state)
{
	struct line line;

	(void)state;
	begin(&line);
	move(line.client_fd, line.conn_fd, 17);
	move(line.conn_fd, line.client_fd, MANY);
	close_end(&line.conn_fd);
	await_notice(&line);
	assert_int_equal(line.facts.bytes_in, 17);
	assert_int_equal(line.facts.bytes_out, MANY);
	end(&line);
}

static void
a_connection_without_a_byte_has_none(void **state)
{
	struct line line;

	(void)state;
	begin(&line);
	close_end(&line.client_fd);
	hear_end(line.conn_fd);
	close_end(&line.conn_fd);
	await_notice(&line);
	assert_int_equal(line.facts.bytes_in, 0);
	assert_int_equal(line.facts.bytes_out, 0);
	end(&line);
}

static void
a_connection_that_is_gone_is_not_found(void **state)
{
	struct line line;

	(void)state;
	begin(&line);
	close_end(&line.client_fd);
	hear_end(line.conn_fd);
	close_end(&line.conn_fd);
	await_notice(&line);
	assert_int_equal(sockdiag_ask(line.ask_fd, &line.name, &line.facts), -ENOENT);
	end(&line);
}

static void
a_connection_of_another_cookie_is_another(void **state)
{
	struct line line;

	(void)state;
	begin(&line);
	line.name.cookie++;
	assert_true(sockdiag_ask(line.ask_fd, &line.name, &line.facts) < 0);
	end(&line);
}

static void
what_is_no_tcp_address_is_not_asked_for(void **state)
{
	struct sockdiag_name name = { .local.family = AF_UNIX, .peer.family = AF_UNIX };
	struct sockdiag facts;

	(void)state;
	assert_int_equal(sockdiag_ask(-1, &name, &facts), -EAFNOSUPPORT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_live_connection_is_counted_to_the_byte),
		cmocka_unit_test(a_live_connection_over_ipv6_is_found_too),
		cmocka_unit_test(
			the_clients_fin_is_no_byte_while_the_program_still_has_the_connection),
		cmocka_unit_test(an_end_by_the_client_is_told_to_the_byte),
		cmocka_unit_test(
			an_end_by_the_client_that_the_program_did_not_look_at_is_told_to_the_byte),
		cmocka_unit_test(an_end_by_the_program_is_told_to_the_byte),
		cmocka_unit_test(a_connection_without_a_byte_has_none),
		cmocka_unit_test(a_connection_that_is_gone_is_not_found),
		cmocka_unit_test(a_connection_of_another_cookie_is_another),
		cmocka_unit_test(what_is_no_tcp_address_is_not_asked_for),
	};

	return cmocka_run_group_tests_name("sockdiag", tests, NULL, NULL);
}
