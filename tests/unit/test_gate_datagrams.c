/* SPDX-License-Identifier: ISC */
/* Datagrams of built-ins, as clients of a real gate see them. */
/* LINK: @BASE @GATE_ROOM src/config/banner_files.o src/config/banner.o src/config/complaint.o
 * src/config/meaning.o src/config/protocols.o services/chargen.o services/daytime.o
 * services/discard.o services/echo.o services/tcpmux.o tests/unit/fake_config.o
 * tests/unit/fake_services.o tests/unit/fake_supervisor.o -lseccomp */
/* WRAP: sandbox_enter */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_supervisor.h"

#include <string.h>
#include <sys/socket.h>

static void
echo_sends_every_datagram_back(void **state)
{
	static const char *const names[] = { "u4", "u6", "w4", "w6", "x" };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake,
		"u4 echo udp4\nu6 echo udp6\nw4 echo udp4*\nw6 echo udp6*\n"
		"x echo unix-dgram");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		int client_fd = fake_connect(&fake, names[i]);
		char byte;

		fake_say(client_fd, "hello", 5);
		fake_hear(client_fd, "hello", 5);
		assert_int_equal(send(client_fd, "", 0, 0), 0);
		assert_int_equal(recv(client_fd, &byte, 1, 0), 0);
		(void)close(client_fd);
	}
	fake_finish(&fake);
}

static void
the_longest_datagram_comes_back_whole(void **state)
{
	enum { LONGEST = 65507 };
	struct fake_supervisor fake;
	static char bytes[LONGEST];
	int client_fd;

	(void)state;
	for (size_t i = 0; i < LONGEST; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	fake_start(&fake, "e echo udp4");
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, bytes, LONGEST);
	fake_hear(client_fd, bytes, LONGEST);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_burst_is_answered_whole_and_in_order(void **state)
{
	enum { BURST = 100 };
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo udp4");
	client_fd = fake_connect(&fake, "e");
	for (char i = 0; i < BURST; i++)
		fake_say(client_fd, &i, 1);
	for (char i = 0; i < BURST; i++)
		fake_hear(client_fd, &i, 1);
	fake_wait_metric(&fake, "e", METRIC_sent_datagrams, BURST);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_received_datagrams), BURST);
	(void)close(client_fd);
	fake_finish(&fake);
}

/* A client of a wildcard socket that asks 127.0.0.2; the answer's source. */
static void
the_answer_leaves_from_the_address_that_was_asked(void **state)
{
	struct fake_supervisor fake;
	struct sockaddr_in asked = { .sin_family = AF_INET };
	struct sockaddr_in answered;
	socklen_t length = sizeof(answered);
	struct timeval patience = { .tv_sec = FAKE_PATIENCE_MS / 1000 };
	int client_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte;

	(void)state;
	fake_start(&fake, "e echo udp4*");
	assert_int_equal(setsockopt(client_fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
				 sizeof(patience)),
		0);
	asked.sin_port = htons(fake_find(&fake, "e")->bound.port);
	asked.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	assert_int_equal(sendto(client_fd, "x", 1, 0, (struct sockaddr *)&asked, sizeof(asked)), 1);
	assert_int_equal(recvfrom(client_fd, &byte, 1, 0, (struct sockaddr *)&answered, &length),
		1);
	assert_int_equal(answered.sin_addr.s_addr, asked.sin_addr.s_addr);
	(void)close(client_fd);
	fake_finish(&fake);
}

/* From a socket bound to the port of another of our services: only the peer's port counts. */
static void
the_port_of_an_own_service_gets_no_answer(void **state)
{
	struct fake_supervisor fake;
	const struct fake_service *echo;
	const struct fake_service *other;
	struct sockaddr_in from = { .sin_family = AF_INET };
	struct sockaddr_in to = { .sin_family = AF_INET };
	int good_fd;
	int client_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char byte;

	(void)state;
	fake_start(&fake, "e echo udp4\nd daytime udp4");
	echo = fake_find(&fake, "e");
	other = fake_find(&fake, "d");
	from.sin_port = htons(other->bound.port);
	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	assert_int_equal(bind(client_fd, (struct sockaddr *)&from, sizeof(from)), 0);
	to.sin_port = htons(echo->bound.port);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(client_fd, (struct sockaddr *)&to, sizeof(to)), 0);
	fake_say(client_fd, "x", 1);
	fake_wait_metric(&fake, "e", METRIC_verdict_refuse_loop, 1);
	/* Answers come in the order of the questions: one that was asked later is there. */
	good_fd = fake_connect(&fake, "e");
	fake_say(good_fd, "y", 1);
	fake_hear(good_fd, "y", 1);
	assert_int_equal(recv(client_fd, &byte, 1, MSG_DONTWAIT), -1);
	fake_expect_log(&fake, "loop");
	(void)close(client_fd);
	(void)close(good_fd);
	fake_finish(&fake);
}

static void
answers_longer_than_questions_are_paid_from_a_budget(void **state)
{
	struct fake_supervisor fake;
	char answer[64];
	int client_fd;

	(void)state;
	fake_start(&fake, "d daytime udp4 reply_budget=60 reply_budget_rate=0");
	client_fd = fake_connect(&fake, "d");
	/* Two of 26 bytes fit; what the question pays for is free. */
	for (int i = 0; i < 2; i++) {
		fake_say(client_fd, "", 0);
		assert_int_equal(send(client_fd, "", 0, 0), 0);
		assert_int_equal(recv(client_fd, answer, sizeof(answer), 0), 26);
	}
	assert_int_equal(send(client_fd, "", 0, 0), 0);
	fake_wait_metric(&fake, "d", METRIC_verdict_refuse_budget, 1);
	assert_int_equal(recv(client_fd, answer, sizeof(answer), MSG_DONTWAIT), -1);
	memset(answer, ' ', sizeof(answer));
	fake_say(client_fd, answer, 26);
	assert_int_equal(recv(client_fd, answer, sizeof(answer), 0), 26);
	fake_expect_log(&fake, "budget");
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
the_budget_is_whole_however_many_gates_there_are(void **state)
{
	static const char table[] = "d daytime udp4 reply_budget=1040 reply_budget_rate=0";
	struct fake_supervisor fake;
	char answer[64];
	int client_fd;

	(void)state;
	fake_start(&fake, table);
	fake.gate_count = 4;
	assert_int_equal(fake_configure(&fake, table), 0);
	client_fd = fake_connect(&fake, "d");
	for (int i = 0; i < 1040 / 26; i++) {
		assert_int_equal(send(client_fd, "", 0, 0), 0);
		assert_int_equal(recv(client_fd, answer, sizeof(answer), 0), 26);
	}
	assert_int_equal(send(client_fd, "", 0, 0), 0);
	fake_wait_metric(&fake, "d", METRIC_verdict_refuse_budget, 1);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
a_unix_client_without_a_name_does_no_harm(void **state)
{
	struct fake_supervisor fake;
	struct sockaddr_storage to;
	socklen_t length = sizeof(to);
	int client_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int named_fd;

	(void)state;
	fake_start(&fake, "x echo unix-dgram");
	assert_int_equal(getsockname(fake_find(&fake, "x")->listen_fd, (struct sockaddr *)&to,
				 &length),
		0);
	assert_int_equal(sendto(client_fd, "a", 1, 0, (struct sockaddr *)&to, length), 1);
	named_fd = fake_connect(&fake, "x");
	fake_say(named_fd, "b", 1);
	fake_hear(named_fd, "b", 1);
	(void)close(client_fd);
	(void)close(named_fd);
	fake_finish(&fake);
}

static void
a_reload_keeps_the_socket_with_what_waits_in_it(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo udp4");
	client_fd = fake_connect(&fake, "e");
	for (int i = 0; i < 10; i++) {
		fake_say(client_fd, "x", 1);
		assert_int_equal(fake_configure(&fake, "e echo udp4"), 0);
		fake_hear(client_fd, "x", 1);
	}
	(void)close(client_fd);
	fake_finish(&fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo_sends_every_datagram_back),
		cmocka_unit_test(the_longest_datagram_comes_back_whole),
		cmocka_unit_test(a_burst_is_answered_whole_and_in_order),
		cmocka_unit_test(the_answer_leaves_from_the_address_that_was_asked),
		cmocka_unit_test(the_port_of_an_own_service_gets_no_answer),
		cmocka_unit_test(answers_longer_than_questions_are_paid_from_a_budget),
		cmocka_unit_test(the_budget_is_whole_however_many_gates_there_are),
		cmocka_unit_test(a_unix_client_without_a_name_does_no_harm),
		cmocka_unit_test(a_reload_keeps_the_socket_with_what_waits_in_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
