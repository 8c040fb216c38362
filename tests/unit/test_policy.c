/* SPDX-License-Identifier: ISC */
/* Which datagrams get no answer. */
/* LINK: src/base/hostname.o src/model/access.o src/model/prefixes.o src/model/policy.o
 * src/base/netaddr.o src/base/prefix.o src/config/meaning.o src/config/protocols.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/policy.h"

static enum verdict
judge(const char *peer_ip, uint16_t peer_port, const char *local_ip)
{
	struct policy_ports ports;
	struct netaddr peer;
	struct netaddr local;
	struct policy_question question;

	policy_ports_init(&ports);
	policy_ports_add(&ports, 10007);
	policy_ports_add(&ports, 65535);
	assert_int_equal(netaddr_parse_ip(&peer, peer_ip), 0);
	assert_int_equal(netaddr_parse_ip(&local, local_ip), 0);
	peer.port = peer_port;
	question = (struct policy_question){ .peer = &peer, .local = &local, .ports = &ports };
	return policy_judge(&question).verdict;
}

static void
a_client_is_admitted(void **state)
{
	(void)state;
	assert_int_equal(judge("192.0.2.1", 40000, "192.0.2.2"), VERDICT_ADMIT);
	assert_int_equal(judge("2001:db8::1", 53, "2001:db8::2"), VERDICT_ADMIT);
}

static void
ports_of_small_services_get_no_answer(void **state)
{
	static const uint16_t small[] = { 7, 9, 13, 17, 19, 37 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(small); i++)
		assert_int_equal(judge("192.0.2.1", small[i], "192.0.2.2"), VERDICT_refuse_loop);
}

static void
ports_of_own_services_get_no_answer(void **state)
{
	(void)state;
	assert_int_equal(judge("192.0.2.1", 10007, "192.0.2.2"), VERDICT_refuse_loop);
	assert_int_equal(judge("::1", 65535, "::1"), VERDICT_refuse_loop);
}

static void
port_zero_gets_no_answer(void **state)
{
	(void)state;
	assert_int_equal(judge("192.0.2.1", 0, "192.0.2.2"), VERDICT_refuse_loop);
}

static void
what_a_group_sent_or_was_sent_gets_no_answer(void **state)
{
	(void)state;
	assert_int_equal(judge("224.0.0.1", 40000, "192.0.2.2"), VERDICT_refuse_group);
	assert_int_equal(judge("255.255.255.255", 40000, "192.0.2.2"), VERDICT_refuse_group);
	assert_int_equal(judge("192.0.2.1", 40000, "224.0.0.1"), VERDICT_refuse_group);
	assert_int_equal(judge("192.0.2.1", 40000, "255.255.255.255"), VERDICT_refuse_group);
	assert_int_equal(judge("2001:db8::1", 40000, "ff02::1"), VERDICT_refuse_group);
	assert_int_equal(judge("0.0.0.0", 40000, "192.0.2.2"), VERDICT_refuse_group);
}

static void
a_peer_on_a_unix_socket_is_admitted(void **state)
{
	static const struct netaddr peer = { .family = AF_UNIX };
	struct policy_ports ports;
	const struct policy_question question = { .peer = &peer, .local = &peer, .ports = &ports };

	(void)state;
	policy_ports_init(&ports);
	assert_int_equal(policy_judge(&question).verdict, VERDICT_ADMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_is_admitted),
		cmocka_unit_test(ports_of_small_services_get_no_answer),
		cmocka_unit_test(ports_of_own_services_get_no_answer),
		cmocka_unit_test(port_zero_gets_no_answer),
		cmocka_unit_test(what_a_group_sent_or_was_sent_gets_no_answer),
		cmocka_unit_test(a_peer_on_a_unix_socket_is_admitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
