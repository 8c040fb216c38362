/* SPDX-License-Identifier: ISC */
/* Which addresses of a host are kept. */
/* LINK: src/base/netaddr.o src/model/host_addresses.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/host_addresses.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define TOO_MANY (HOST_ADDRESSES_MAX + 1)

static void
add(struct host_addresses *addresses, const char *text)
{
	struct netaddr address;

	assert_int_equal(netaddr_parse_ip(&address, text), 0);
	host_addresses_add(addresses, &address);
}

/* 192.0.2.1 and so on. */
static void
add_number(struct host_addresses *addresses, int number)
{
	char text[NETADDR_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "192.0.2.%d", number);
	add(addresses, text);
}

static int
number_at(const struct host_addresses *addresses, uint32_t place)
{
	assert_int_equal(addresses->list[place].family, AF_INET);
	return (int)(ntohl(addresses->list[place].ip.v4.s_addr) & 0xff);
}

static void
assert_text(const struct host_addresses *addresses, uint32_t place, const char *wanted)
{
	char text[NETADDR_TEXT_MAX];

	assert_true(place < addresses->count);
	assert_string_equal(netaddr_format_ip(&addresses->list[place], text), wanted);
}

static void
assert_first_ones_are_kept(const struct host_addresses *addresses)
{
	assert_true(addresses->is_cut);
	assert_int_equal(addresses->count, HOST_ADDRESSES_MAX);
	for (uint32_t i = 0; i < HOST_ADDRESSES_MAX; i++)
		assert_int_equal(number_at(addresses, i), i + 1);
}

static void
whatever_their_order_the_lowest_are_kept(void **state)
{
	struct host_addresses up = { .count = 0 };
	struct host_addresses down = { .count = 0 };
	struct host_addresses mixed = { .count = 0 };

	(void)state;
	for (int i = 1; i <= TOO_MANY; i++) {
		add_number(&up, i);
		add_number(&down, TOO_MANY + 1 - i);
		add_number(&mixed, i * 7 % TOO_MANY + 1);
	}
	assert_first_ones_are_kept(&up);
	assert_first_ones_are_kept(&down);
	assert_first_ones_are_kept(&mixed);
}

static void
each_is_kept_once(void **state)
{
	struct host_addresses addresses = { .count = 0 };

	(void)state;
	add(&addresses, "192.0.2.2");
	add(&addresses, "192.0.2.1");
	add(&addresses, "192.0.2.2");
	add(&addresses, "192.0.2.1");
	add(&addresses, "2001:db8::1");
	add(&addresses, "2001:db8::1");
	assert_int_equal(addresses.count, 3);
	assert_text(&addresses, 0, "192.0.2.1");
	assert_text(&addresses, 1, "192.0.2.2");
	assert_text(&addresses, 2, "2001:db8::1");
}

static void
one_that_comes_again_is_not_one_more(void **state)
{
	struct host_addresses addresses = { .count = 0 };

	(void)state;
	for (int i = 1; i <= HOST_ADDRESSES_MAX; i++)
		add_number(&addresses, i);
	for (int i = 1; i <= HOST_ADDRESSES_MAX; i++)
		add_number(&addresses, i);
	assert_int_equal(addresses.count, HOST_ADDRESSES_MAX);
	assert_false(addresses.is_cut);
	add_number(&addresses, HOST_ADDRESSES_MAX + 1);
	assert_first_ones_are_kept(&addresses);
}

static void
all_of_ipv4_come_before_those_of_ipv6(void **state)
{
	struct host_addresses addresses = { .count = 0 };

	(void)state;
	add(&addresses, "::1");
	for (int i = 2; i <= HOST_ADDRESSES_MAX; i++)
		add_number(&addresses, i);
	assert_false(addresses.is_cut);
	assert_text(&addresses, HOST_ADDRESSES_MAX - 1, "::1");
	add_number(&addresses, 1);
	assert_first_ones_are_kept(&addresses);
}

static void
its_port_and_scope_make_no_other_address(void **state)
{
	struct host_addresses addresses = { .count = 0 };
	struct netaddr address;

	(void)state;
	assert_int_equal(netaddr_parse_ip(&address, "192.0.2.1"), 0);
	host_addresses_add(&addresses, &address);
	address.port = 7;
	/* What is behind the four bytes of IPv4 is nobody's. */
	memset((char *)&address.ip + sizeof(address.ip.v4), 0x55,
		sizeof(address.ip) - sizeof(address.ip.v4));
	host_addresses_add(&addresses, &address);
	assert_int_equal(addresses.count, 1);
	assert_int_equal(addresses.list[0].port, 0);
	assert_int_equal(netaddr_parse_ip(&address, "fe80::1"), 0);
	host_addresses_add(&addresses, &address);
	address.scope = 2;
	host_addresses_add(&addresses, &address);
	assert_int_equal(addresses.count, 2);
	assert_int_equal(addresses.list[1].scope, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_their_order_the_lowest_are_kept),
		cmocka_unit_test(each_is_kept_once),
		cmocka_unit_test(one_that_comes_again_is_not_one_more),
		cmocka_unit_test(all_of_ipv4_come_before_those_of_ipv6),
		cmocka_unit_test(its_port_and_scope_make_no_other_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
