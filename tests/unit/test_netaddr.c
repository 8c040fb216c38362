/* SPDX-License-Identifier: ISC */
/* LINK: src/base/netaddr.o */
/* Addresses: one text for one address, and back. */
#include "base/netaddr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct netaddr
parsed(const char *text, uint16_t port)
{
	struct netaddr address;

	memset(&address, 0xff, sizeof(address));
	assert_int_equal(netaddr_parse_ip(&address, text), 0);
	address.port = port;
	return address;
}

static void
assert_text(const char *ip, uint16_t port, const char *wanted, const char *wanted_ip)
{
	struct netaddr address = parsed(ip, port);
	char text[NETADDR_TEXT_MAX];

	assert_string_equal(netaddr_format(&address, text), wanted);
	assert_string_equal(netaddr_format_ip(&address, text), wanted_ip);
}

static void
addresses_are_written_one_way(void **test)
{
	(void)test;
	assert_text("127.0.0.1", 13, "127.0.0.1:13", "127.0.0.1");
	assert_text("255.200.30.0", 65535, "255.200.30.0:65535", "255.200.30.0");
	assert_text("::1", 13, "[::1]:13", "::1");
	assert_text("2001:0DB8:0:0::1", 0, "[2001:db8::1]:0", "2001:db8::1");
	assert_text("0.0.0.0", 0, "0.0.0.0:0", "0.0.0.0");
	assert_text("fe80::1%7", 9, "[fe80::1%7]:9", "fe80::1%7");
}

static void
the_longest_address_fits_its_room(void **test)
{
	struct netaddr address = { .family = AF_INET6, .port = 65535, .scope = UINT32_MAX };
	char text[NETADDR_TEXT_MAX];

	(void)test;
	memset(&address.ip.v6, 0xff, sizeof(address.ip.v6));
	assert_string_equal(netaddr_format(&address, text),
		"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff%4294967295]:65535");
}

static void
an_ipv4_peer_of_an_ipv6_socket_is_an_ipv4_address(void **test)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(4711), .sin6_scope_id = 3
	};
	struct netaddr address;
	struct netaddr plain = parsed("192.0.2.1", 4711);
	char text[NETADDR_TEXT_MAX];

	(void)test;
	assert_int_equal(inet_pton(AF_INET6, "::ffff:192.0.2.1", &in6.sin6_addr), 1);
	assert_int_equal(netaddr_from_sockaddr(&address,
				 (const struct sockaddr *)(const void *)&in6),
		0);
	assert_string_equal(netaddr_format(&address, text), "192.0.2.1:4711");
	assert_true(netaddr_equal(&address, &plain));
	assert_text("::ffff:192.0.2.1", 1, "192.0.2.1:1", "192.0.2.1");
}

static void
what_went_to_the_kernels_form_comes_back_equal(void **test)
{
	static const char *const texts[] = { "192.0.2.7", "2001:db8::7", "fe80::7%3" };
	struct sockaddr_storage storage;
	struct netaddr back;

	(void)test;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct netaddr address = parsed(texts[i], 8080);

		memset(&storage, 0xff, sizeof(storage));
		assert_int_equal(netaddr_to_sockaddr(&address, &storage),
			i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_int_equal(netaddr_from_sockaddr(&back,
					 (const struct sockaddr *)(const void *)&storage),
			0);
		assert_true(netaddr_equal(&address, &back));
	}
}

static void
a_unix_peer_is_unix_and_an_unknown_family_changes_nothing(void **test)
{
	struct sockaddr from = { .sa_family = AF_UNIX };
	struct netaddr address = { .family = AF_UNSPEC };
	char text[NETADDR_TEXT_MAX];

	(void)test;
	assert_string_equal(netaddr_format(&address, text), "none");
	assert_int_equal(netaddr_from_sockaddr(&address, &from), 0);
	assert_string_equal(netaddr_format(&address, text), "unix");
	assert_string_equal(netaddr_format_ip(&address, text), "unix");
	from.sa_family = AF_APPLETALK;
	assert_int_equal(netaddr_from_sockaddr(&address, &from), -EAFNOSUPPORT);
	assert_int_equal(address.family, AF_UNIX);
}

static void
what_is_no_address_is_refused_and_changes_nothing(void **test)
{
	static const char *const texts[] = { "", "1.2.3", "1.2.3.256", "1.2.3.4 ", "localhost",
		"[::1]", "::1:", ":::", "1.2.3.4:80", "fe80::1%", "fe80::1%0",
		"fe80::1%no-such-interface", "fe80::1%-1", "fe80::1%4294967296", "127.0.0.1%lo",
		"2001:db8::1%lo", "%lo",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc" };
	struct netaddr address = { .family = AF_UNIX, .port = 5 };

	(void)test;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(netaddr_parse_ip(&address, texts[i]), -EINVAL);
	assert_int_equal(address.family, AF_UNIX);
	assert_int_equal(address.port, 5);
}

static void
a_scope_may_be_an_interfaces_name(void **test)
{
	char wanted[NETADDR_TEXT_MAX];
	char wanted_ip[NETADDR_TEXT_MAX];
	unsigned int loopback = if_nametoindex("lo");

	(void)test;
	if (loopback == 0) {
		skip();
		return;
	}
	(void)snprintf(wanted, sizeof(wanted), "[fe80::1%%%u]:5", loopback);
	(void)snprintf(wanted_ip, sizeof(wanted_ip), "fe80::1%%%u", loopback);
	assert_text("fe80::1%lo", 5, wanted, wanted_ip);
}

static void
addresses_differ_by_family_port_scope_and_bytes(void **test)
{
	struct netaddr v4 = parsed("192.0.2.1", 1);
	struct netaddr v6 = parsed("fe80::1%1", 1);
	struct netaddr other = v4;

	(void)test;
	assert_true(netaddr_equal(&v4, &other));
	assert_false(netaddr_equal(&v4, &v6));
	other.port = 2;
	assert_false(netaddr_equal(&v4, &other));
	other = parsed("192.0.2.2", 1);
	assert_false(netaddr_equal(&v4, &other));
	other = parsed("fe80::1%2", 1);
	assert_false(netaddr_equal(&v6, &other));
	other = parsed("fe80::2%1", 1);
	assert_false(netaddr_equal(&v6, &other));
	/* What lies behind an IPv4 address in the union says nothing. */
	other = v4;
	other.ip.v6.s6_addr[15] = 7;
	assert_true(netaddr_equal(&v4, &other));
}

static void
groups_are_told_from_hosts(void **test)
{
	static const char *const groups[] = { "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255",
		"255.255.255.255", "::", "ff02::1", "ff0e::1", "::ffff:224.0.0.1" };
	static const char *const hosts[] = { "127.0.0.1", "10.0.0.255", "223.255.255.255",
		"240.0.0.1", "::1", "fe80::1", "2001:db8::1", "::ffff:10.0.0.1" };

	(void)test;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		struct netaddr address = parsed(groups[i], 7);

		assert_true(netaddr_is_group(&address));
	}
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct netaddr address = parsed(hosts[i], 7);

		assert_false(netaddr_is_group(&address));
	}
}

static void
an_address_takes_28_bytes_at_most(void **test)
{
	(void)test;
	assert_true(sizeof(struct netaddr) <= 28);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_written_one_way),
		cmocka_unit_test(the_longest_address_fits_its_room),
		cmocka_unit_test(an_ipv4_peer_of_an_ipv6_socket_is_an_ipv4_address),
		cmocka_unit_test(what_went_to_the_kernels_form_comes_back_equal),
		cmocka_unit_test(a_unix_peer_is_unix_and_an_unknown_family_changes_nothing),
		cmocka_unit_test(what_is_no_address_is_refused_and_changes_nothing),
		cmocka_unit_test(a_scope_may_be_an_interfaces_name),
		cmocka_unit_test(addresses_differ_by_family_port_scope_and_bytes),
		cmocka_unit_test(groups_are_told_from_hosts),
		cmocka_unit_test(an_address_takes_28_bytes_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
