/* SPDX-License-Identifier: ISC */
/* Prefixes: read strictly, and the most specific one found as somebody would who looks at all. */
/* LINK: src/base/prefix.o src/base/netaddr.o src/model/prefixes.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/prefixes.h"

#include <stdio.h>
#include <string.h>

#define CLAIM(name) cmocka_unit_test(name)

/* ---------------------------------------------------------------- text */

static void
expect_text(const char *text, enum prefix_style style, const char *wanted)
{
	struct prefix prefix = { .number = 0 };
	char room[PREFIX_TEXT_MAX];
	const char *problem = prefix_parse(&prefix, text, strlen(text), style);

	if (problem)
		fail_msg("%s: %s", text, problem);
	assert_string_equal(prefix_format(&prefix, room), wanted);
}

static void
addresses_lengths_and_netmasks_are_read(void **state)
{
	(void)state;
	expect_text("192.0.2.1", PREFIX_EXACT, "192.0.2.1/32");
	expect_text("192.0.2.0/24", PREFIX_EXACT, "192.0.2.0/24");
	expect_text("192.0.2.0/255.255.255.0", PREFIX_EXACT, "192.0.2.0/24");
	expect_text("192.0.2.7/255.255.255.255", PREFIX_EXACT, "192.0.2.7/32");
	expect_text("0.0.0.0/0.0.0.0", PREFIX_EXACT, "0.0.0.0/0");
	expect_text("2001:db8::/32", PREFIX_EXACT, "2001:db8::/32");
	expect_text("::1/128", PREFIX_EXACT, "::1/128");
	expect_text("::1", PREFIX_EXACT, "::1/128");
	expect_text("::/0", PREFIX_EXACT, "::/0");
}

static void
zeros_at_the_end_stand_for_any_in_xinetds_style_only(void **state)
{
	(void)state;
	expect_text("10.1.0.0", PREFIX_TRAILING_ZEROS, "10.1.0.0/16");
	expect_text("10.0.0.0", PREFIX_TRAILING_ZEROS, "10.0.0.0/8");
	expect_text("127.3.0.0", PREFIX_TRAILING_ZEROS, "127.3.0.0/16");
	expect_text("10.0.1.0", PREFIX_TRAILING_ZEROS, "10.0.1.0/24");
	expect_text("0.0.0.0", PREFIX_TRAILING_ZEROS, "0.0.0.0/0");
	expect_text("10.1.0.0/32", PREFIX_TRAILING_ZEROS, "10.1.0.0/32");
	expect_text("10.0.0.1", PREFIX_TRAILING_ZEROS, "10.0.0.1/32");
	expect_text("2001:db8::", PREFIX_TRAILING_ZEROS, "2001:db8::/128");
	expect_text("10.1.0.0", PREFIX_EXACT, "10.1.0.0/32");
}

static void
mapped_addresses_are_ipv4(void **state)
{
	(void)state;
	expect_text("::ffff:192.0.2.1", PREFIX_EXACT, "192.0.2.1/32");
	expect_text("::ffff:192.0.2.0/120", PREFIX_EXACT, "192.0.2.0/24");
	expect_text("::ffff:0:0/96", PREFIX_EXACT, "0.0.0.0/0");
}

static void
what_is_not_quite_a_prefix_is_none(void **state)
{
	static const char *const wrong[] = { "", "/", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", "1..2.3",
		".1.2.3", "256.1.1.1", "1.2.3.4/", "1.2.3.4/-0", "1.2.3.4/+8", "1.2.3.4/33",
		"1.2.3.4/032", "1.2.3.4/1e1", "1.2.3.4/ 8", "1.2.3.4/24/24", "10.1.2.3/8",
		"10.0.0.0/255.0.255.0", "10.0.0.0/0.255.255.255", "010.0.0.1", "0x7f.0.0.1",
		"2130706433", "1.2.3.4 ", " 1.2.3.4", "::1/129", "::1/-0", "::1/",
		"::1/ffff::", ":::", "1::2::3", "2001:db8::1/32", "fe80::1%eth0", "[::1]",
		"::ffff:1.2.3.4/95", "1.2.3.4/8.", "*", "any" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct prefix prefix;

		if (!prefix_parse(&prefix, wrong[i], strlen(wrong[i]), PREFIX_TRAILING_ZEROS))
			fail_msg("\"%s\" was read", wrong[i]);
	}
}

static void
a_byte_of_zero_ends_nothing(void **state)
{
	struct prefix prefix;

	(void)state;
	assert_non_null(prefix_parse(&prefix, "::1\0:2", 6, PREFIX_EXACT));
	assert_non_null(prefix_parse(&prefix, "1.2.3.4\0", 8, PREFIX_EXACT));
}

/* ---------------------------------------------------------------- what is in one */

static struct prefix
prefix_of(const char *text)
{
	struct prefix prefix;

	assert_null(prefix_parse(&prefix, text, strlen(text), PREFIX_EXACT));
	return prefix;
}

static bool
contains(const char *outer_text, const char *inner_text)
{
	const struct prefix outer = prefix_of(outer_text), inner = prefix_of(inner_text);

	return prefix_contains(&outer, &inner);
}

static void
a_prefix_contains_itself_and_longer_ones_that_begin_like_it(void **state)
{
	(void)state;
	assert_true(contains("10.0.0.0/8", "10.0.0.0/8"));
	assert_true(contains("10.0.0.0/8", "10.255.0.0/16"));
	assert_false(contains("10.255.0.0/16", "10.0.0.0/8"));
	assert_false(contains("10.0.0.0/16", "10.0.0.0/8"));
	assert_false(contains("10.0.0.0/9", "10.128.0.0/9"));
	assert_true(contains("0.0.0.0/0", "255.255.255.255"));
	assert_false(contains("0.0.0.0/0", "::/0"));
	assert_false(contains("::/0", "10.0.0.0/8"));
	assert_true(contains("2001:db8::/64", "2001:db8::1"));
	assert_false(contains("2001:db8::/64", "2001:db8:0:1::/65"));
	assert_true(contains("2001:db8::/65", "2001:db8::7fff:ffff:ffff:ffff"));
	assert_false(contains("2001:db8::/65", "2001:db8::8000:0:0:0/65"));
	assert_true(contains("::1", "::1"));
	assert_false(contains("::1", "::2"));
}

static void
an_address_is_a_prefix_of_all_its_bits(void **state)
{
	static const char *const texts[] = { "192.0.2.1", "2001:db8:1:2:3:4:5:6" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct prefix wanted = prefix_of(texts[i]), alone;
		struct netaddr address;

		assert_int_equal(netaddr_parse_ip(&address, texts[i]), 0);
		alone = prefix_of_address(&address);
		assert_true(prefix_contains(&wanted, &alone));
		assert_true(prefix_contains(&alone, &wanted));
	}
}

/* ---------------------------------------------------------------- sets */

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed ^ *seed >> 29;
}

static uint64_t
mask_of(unsigned length)
{
	return length == 0 ? 0 : UINT64_MAX << (64 - length);
}

/* Few different bits, so that many nest and many are equal. */
static struct prefix
random_prefix(uint64_t *seed, uint32_t number)
{
	struct prefix prefix = { .number = number, .is_v4 = next_random(seed) % 2 };
	uint64_t bits = UINT64_C(0xc0a8000100010003);

	prefix.length = (uint8_t)((next_random(seed) >> 20) % (prefix.is_v4 ? 33 : 129));
	prefix.high = next_random(seed) & bits;
	prefix.low = prefix.is_v4 ? 0 : next_random(seed) & bits;
	if (next_random(seed) % 8 == 0)
		prefix.high = prefix.low = UINT64_MAX;
	prefix.high &= mask_of(prefix.length < 64 ? prefix.length : 64);
	prefix.low &= prefix.length <= 64 ? 0 : mask_of(prefix.length - 64);
	return prefix;
}

static struct netaddr
address_of(const struct prefix *prefix, uint64_t flip)
{
	struct netaddr address = { .family = prefix->is_v4 ? AF_INET : AF_INET6 };
	uint64_t high = prefix->high ^ flip;
	uint64_t low = prefix->low ^ (flip >> 3);

	if (prefix->is_v4) {
		address.ip.v4.s_addr = htonl((uint32_t)(high >> 32));
		return address;
	}
	for (unsigned i = 0; i < 8; i++) {
		address.ip.v6.s6_addr[i] = (uint8_t)(high >> (56 - 8 * i));
		address.ip.v6.s6_addr[8 + i] = (uint8_t)(low >> (56 - 8 * i));
	}
	return address;
}

static bool
is_around(const struct prefix *prefix, const struct netaddr *address)
{
	struct prefix other = { .is_v4 = address->family == AF_INET };
	unsigned length = prefix->length;

	if (other.is_v4 != prefix->is_v4)
		return false;
	if (other.is_v4)
		other.high = (uint64_t)ntohl(address->ip.v4.s_addr) << 32;
	for (unsigned i = 0; !other.is_v4 && i < 8; i++) {
		other.high = other.high << 8 | address->ip.v6.s6_addr[i];
		other.low = other.low << 8 | address->ip.v6.s6_addr[8 + i];
	}
	return ((other.high ^ prefix->high) & mask_of(length < 64 ? length : 64)) == 0 &&
		((other.low ^ prefix->low) & (length <= 64 ? 0 : mask_of(length - 64))) == 0;
}

static struct prefixes_match
look_at_all(const struct prefix *list, size_t count, const struct netaddr *address)
{
	struct prefixes_match match = { .length = -1 };

	for (size_t i = 0; i < count; i++)
		if (list[i].length > match.length && is_around(&list[i], address))
			match = (struct prefixes_match){ .number = list[i].number,
				.length = list[i].length };
	return match;
}

static void
check_round(uint64_t *seed, size_t count)
{
	struct prefix *list = calloc(count + 1, sizeof(*list));
	struct prefix *sorted = calloc(count + 1, sizeof(*list));
	struct prefixes *set;

	assert_non_null(list);
	assert_non_null(sorted);
	for (size_t i = 0; i < count; i++)
		list[i] = random_prefix(seed, (uint32_t)i);
	memcpy(sorted, list, count * sizeof(*list));
	set = prefixes_new(sorted, count);
	assert_non_null(set);
	for (unsigned i = 0; i < 400; i++) {
		struct prefix somewhere = random_prefix(seed, 0);
		const struct prefix *near =
			count > 0 && i % 4 > 0 ? &list[next_random(seed) % count] : &somewhere;
		struct netaddr address = address_of(near, i % 4 < 2 ? 0 : next_random(seed) >> 20);
		struct prefixes_match match = prefixes_find(set, &address);
		struct prefixes_match wanted = look_at_all(list, count, &address);

		assert_int_equal(match.length, wanted.length);
		if (wanted.length >= 0)
			assert_int_equal(match.number, wanted.number);
	}
	free(set);
	free(sorted);
	free(list);
}

static void
a_set_answers_as_a_look_at_all_prefixes_would(void **state)
{
	uint64_t seed = 4;

	(void)state;
	for (size_t count = 0; count < 70; count++)
		check_round(&seed, count);
	for (unsigned round = 0; round < 20; round++)
		check_round(&seed, 100 + 37 * round);
	check_round(&seed, 3000);
}

static void
a_set_may_be_copied_anywhere(void **state)
{
	struct prefix list[2];
	struct netaddr address;
	struct prefixes *set;
	void *copy;

	(void)state;
	assert_null(prefix_parse(&list[0], "10.0.0.0/8", 10, PREFIX_EXACT));
	assert_null(prefix_parse(&list[1], "10.1.0.0/16", 11, PREFIX_EXACT));
	list[0].number = 0;
	list[1].number = 1;
	set = prefixes_new(list, 2);
	copy = malloc(prefixes_size(set));
	memcpy(copy, set, prefixes_size(set));
	free(set);
	assert_int_equal(netaddr_parse_ip(&address, "10.1.255.255"), 0);
	assert_int_equal(prefixes_find(copy, &address).number, 1);
	assert_int_equal(netaddr_parse_ip(&address, "10.2.0.0"), 0);
	assert_int_equal(prefixes_find(copy, &address).number, 0);
	assert_int_equal(netaddr_parse_ip(&address, "11.0.0.0"), 0);
	assert_int_equal(prefixes_find(copy, &address).length, -1);
	free(copy);
}

static void
a_set_of_nothing_is_around_nobody(void **state)
{
	struct prefixes *set = prefixes_new(NULL, 0);
	struct netaddr address;

	(void)state;
	assert_non_null(set);
	assert_int_equal(netaddr_parse_ip(&address, "192.0.2.1"), 0);
	assert_int_equal(prefixes_find(set, &address).length, -1);
	assert_int_equal(netaddr_parse_ip(&address, "2001:db8::1"), 0);
	assert_int_equal(prefixes_find(set, &address).length, -1);
	free(set);
}

static void
a_unix_peer_is_in_no_set(void **state)
{
	struct netaddr address = { .family = AF_UNIX };
	struct prefix list[1];
	struct prefixes *set;

	(void)state;
	assert_null(prefix_parse(&list[0], "0.0.0.0/0", 9, PREFIX_EXACT));
	set = prefixes_new(list, 1);
	assert_int_equal(prefixes_find(set, &address).length, -1);
	free(set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(addresses_lengths_and_netmasks_are_read),
		CLAIM(zeros_at_the_end_stand_for_any_in_xinetds_style_only),
		CLAIM(mapped_addresses_are_ipv4),
		CLAIM(what_is_not_quite_a_prefix_is_none),
		CLAIM(a_byte_of_zero_ends_nothing),
		CLAIM(a_prefix_contains_itself_and_longer_ones_that_begin_like_it),
		CLAIM(an_address_is_a_prefix_of_all_its_bits),
		CLAIM(a_set_answers_as_a_look_at_all_prefixes_would),
		CLAIM(a_set_may_be_copied_anywhere),
		CLAIM(a_set_of_nothing_is_around_nobody),
		CLAIM(a_unix_peer_is_in_no_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
