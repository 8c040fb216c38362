/* SPDX-License-Identifier: ISC */
/* Which connections are meant, and what is believed of a gate's rows. */
/* LINK: src/model/census.o src/base/prefix.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/census.h"

#include <arpa/inet.h>

static struct netaddr
address(const char *text)
{
	struct netaddr result = { .family = AF_INET };

	if (inet_pton(AF_INET, text, &result.ip.v4) == 1)
		return result;
	result.family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, &result.ip.v6), 1);
	return result;
}

static bool
is_meant(const char *wanted, const char *peer)
{
	struct census_filter filter = { .row = CENSUS_ANY_ROW };
	const struct netaddr from = address(peer);

	assert_null(census_read_peer(&filter, wanted));
	return census_is_meant(&filter, 1, 1, &from);
}

static void
without_a_wish_everybody_is_meant(void **state)
{
	const struct census_filter filter = { .row = CENSUS_ANY_ROW };
	const struct netaddr none = { .family = AF_UNSPEC };

	(void)state;
	assert_true(census_is_meant(&filter, 7, 3, &none));
}

static void
ids_and_rows_are_compared(void **state)
{
	const struct netaddr peer = address("127.0.0.1");
	const struct census_filter by_id = { .connection = 7, .row = CENSUS_ANY_ROW };
	const struct census_filter by_row = { .row = 3 };

	(void)state;
	assert_true(census_is_meant(&by_id, 7, 1, &peer));
	assert_false(census_is_meant(&by_id, 8, 1, &peer));
	assert_true(census_is_meant(&by_row, 1, 3, &peer));
	assert_false(census_is_meant(&by_row, 1, 4, &peer));
}

static void
peers_are_compared_up_to_the_length_of_the_prefix(void **state)
{
	(void)state;
	assert_true(is_meant("192.0.2.1", "192.0.2.1"));
	assert_false(is_meant("192.0.2.1", "192.0.2.2"));
	assert_true(is_meant("192.0.2.0/25", "192.0.2.127"));
	assert_false(is_meant("192.0.2.0/25", "192.0.2.128"));
	assert_true(is_meant("0.0.0.0/0", "255.1.2.3"));
	assert_false(is_meant("0.0.0.0/0", "2001:db8::1"));
	assert_true(is_meant("2001:db8::/33", "2001:db8:7fff::1"));
	assert_false(is_meant("2001:db8::/33", "2001:db8:8000::1"));
	assert_true(is_meant("2001:db8::8/127", "2001:db8::9"));
	assert_false(is_meant("2001:db8::8/127", "2001:db8::a"));
	assert_true(is_meant("::/0", "2001:db8::1"));
	assert_false(is_meant("::/0", "192.0.2.1"));
}

static void
unix_peers_have_a_word_and_no_prefix(void **state)
{
	const struct netaddr peer = { .family = AF_UNIX };
	struct census_filter by_word = { .row = CENSUS_ANY_ROW };
	struct census_filter by_prefix = { .row = CENSUS_ANY_ROW };

	(void)state;
	assert_null(census_read_peer(&by_word, "unix"));
	assert_null(census_read_peer(&by_prefix, "::/0"));
	assert_true(census_is_meant(&by_word, 1, 1, &peer));
	assert_false(census_is_meant(&by_prefix, 1, 1, &peer));
	assert_false(is_meant("unix", "192.0.2.1"));
}

static void
what_is_no_address_is_refused(void **state)
{
	struct census_filter filter = { .row = CENSUS_ANY_ROW };

	(void)state;
	assert_non_null(census_read_peer(&filter, ""));
	assert_non_null(census_read_peer(&filter, "localhost"));
	assert_non_null(census_read_peer(&filter, "192.0.2.1/24"));
	assert_int_equal(filter.peer, CENSUS_ANY_PEER);
}

static void
rows_that_cannot_be_true_are_not_believed(void **state)
{
	const struct census_row good = { .connection = 1, .row = 9, .peer.family = AF_INET };
	struct census_row bad = good;

	(void)state;
	assert_true(census_is_sound(&good, 10));
	assert_false(census_is_sound(&good, 9));
	bad.kind = CENSUS_PROGRAM;
	assert_false(census_is_sound(&bad, 10));
	bad = good;
	bad.connection = 0;
	assert_false(census_is_sound(&bad, 10));
	bad.kind = CENSUS_WAITING;
	assert_true(census_is_sound(&bad, 10));
	bad = good;
	bad.peer.family = 4711;
	assert_false(census_is_sound(&bad, 10));
	bad = good;
	bad.age_ms = -1;
	assert_false(census_is_sound(&bad, 10));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_wish_everybody_is_meant),
		cmocka_unit_test(ids_and_rows_are_compared),
		cmocka_unit_test(peers_are_compared_up_to_the_length_of_the_prefix),
		cmocka_unit_test(unix_peers_have_a_word_and_no_prefix),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(rows_that_cannot_be_true_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
