/* SPDX-License-Identifier: ISC */
/* Sources: who is the same and who is another, and what is remembered of them. */
/* LINK: src/model/client_source.o src/model/rate.o src/base/shared_sources.o src/base/siphash.o
 * src/base/netaddr.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/client_source.h"

#include <string.h>
#include <sys/resource.h>

static const struct rate two_a_second = { 2, 1000, 2 };

struct fixture {
	struct shared_sources *sources;
	struct netaddr peer;
	struct client_source source;
};

static int
set_up(void **state)
{
	static struct fixture fixture;
	int sources_fd = -1;

	memset(&fixture, 0, sizeof(fixture));
	assert_int_equal(shared_sources_create(&fixture.sources, &sources_fd, SHARED_SOURCES_LEAST,
				 2, "a secret of 16 b"),
		0);
	(void)close(sources_fd);
	fixture.source = (struct client_source){ .kind = SOURCE_ARRIVALS,
		.service = 1,
		.peer = &fixture.peer,
		.prefix4 = 32,
		.prefix6 = 64 };
	*state = &fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	(void)shared_sources_free(fixture->sources);
	return 0;
}

static uint64_t
key_of(struct fixture *fixture, const char *text)
{
	assert_int_equal(netaddr_parse_ip(&fixture->peer, text), 0);
	return client_source_key(fixture->sources, &fixture->source);
}

static void
a_source_is_a_prefix_of_an_address(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(key_of(fixture, "192.0.2.1"), key_of(fixture, "192.0.2.1"));
	assert_int_not_equal(key_of(fixture, "192.0.2.1"), key_of(fixture, "192.0.2.2"));
	assert_int_equal(key_of(fixture, "2001:db8:0:1::1"), key_of(fixture, "2001:db8:0:1:f::"));
	assert_int_not_equal(key_of(fixture, "2001:db8:0:1::1"),
		key_of(fixture, "2001:db8:0:2::1"));
	fixture->source.prefix4 = 20;
	assert_int_equal(key_of(fixture, "192.0.16.1"), key_of(fixture, "192.0.31.255"));
	assert_int_not_equal(key_of(fixture, "192.0.16.1"), key_of(fixture, "192.0.32.1"));
	fixture->source.prefix4 = 1;
	assert_int_equal(key_of(fixture, "1.2.3.4"), key_of(fixture, "127.0.0.1"));
	assert_int_not_equal(key_of(fixture, "1.2.3.4"), key_of(fixture, "128.0.0.1"));
	fixture->source.prefix6 = 128;
	assert_int_not_equal(key_of(fixture, "2001:db8::1"), key_of(fixture, "2001:db8::2"));
	fixture->source.prefix6 = 57;
	assert_int_equal(key_of(fixture, "2001:db8:0:80::"), key_of(fixture, "2001:db8:0:ff::1"));
	assert_int_not_equal(key_of(fixture, "2001:db8:0:80::"), key_of(fixture, "2001:db8::1"));
}

static void
the_port_does_not_matter_but_kind_service_and_detail_do(void **state)
{
	struct fixture *fixture = *state;
	uint64_t key = key_of(fixture, "192.0.2.1");

	fixture->peer.port = 99;
	assert_int_equal(client_source_key(fixture->sources, &fixture->source), key);
	fixture->source.kind = SOURCE_BAN;
	assert_int_not_equal(client_source_key(fixture->sources, &fixture->source), key);
	fixture->source.kind = SOURCE_ARRIVALS;
	fixture->source.service = 2;
	assert_int_not_equal(client_source_key(fixture->sources, &fixture->source), key);
	fixture->source.service = 1;
	fixture->source.detail = 1000;
	assert_int_not_equal(client_source_key(fixture->sources, &fixture->source), key);
	fixture->source.detail = 0;
	fixture->source.peer = NULL;
	assert_int_not_equal(client_source_key(fixture->sources, &fixture->source), key);
}

static bool
take(struct fixture *fixture, const char *text, msec now)
{
	(void)key_of(fixture, text);
	return client_source_take(fixture->sources, &fixture->source, &two_a_second, 1,
		rate_clock(now));
}

static void
each_source_has_a_bucket_of_its_own(void **state)
{
	struct fixture *fixture = *state;

	assert_true(take(fixture, "192.0.2.1", 1000));
	assert_true(take(fixture, "192.0.2.1", 1000));
	assert_false(take(fixture, "192.0.2.1", 1499));
	assert_true(take(fixture, "192.0.2.2", 1499));
	assert_true(take(fixture, "192.0.2.1", 1500));
	assert_false(take(fixture, "192.0.2.1", 1501));
}

/* Far more sources than places, all of them busy: those who find none share one bucket. */
static void
a_rate_that_has_changed_begins_with_a_full_bucket(void **state)
{
	static const struct rate one_a_day = { 1, 86400000, 1 };
	struct fixture *fixture = *state;

	(void)key_of(fixture, "192.0.2.1");
	assert_true(client_source_take(fixture->sources, &fixture->source, &one_a_day, 1,
		rate_clock(1000)));
	assert_false(client_source_take(fixture->sources, &fixture->source, &one_a_day, 1,
		rate_clock(1001)));
	assert_int_equal(client_source_wait(fixture->sources, &fixture->source, &two_a_second,
				 rate_clock(1001)),
		0);
	assert_true(take(fixture, "192.0.2.1", 1001));
	assert_true(take(fixture, "192.0.2.1", 1001));
	assert_false(take(fixture, "192.0.2.1", 1001));
}

static void
sources_without_a_place_are_judged_together_and_never_let_in_freely(void **state)
{
	struct fixture *fixture = *state;
	uint32_t let_in = 0;

	assert_true(take(fixture, "10.0.0.1", 1));
	assert_true(take(fixture, "10.0.0.1", 1));
	for (uint32_t i = 0; i < 100000; i++) {
		fixture->peer = (struct netaddr){ .family = AF_INET,
			.ip.v4.s_addr = htonl(0xc0000000 + i) };
		let_in += client_source_take(fixture->sources, &fixture->source, &two_a_second, 1,
			rate_clock(1));
	}
	assert_in_range(let_in, SHARED_SOURCES_LEAST / 2, SHARED_SOURCES_LEAST + 2);
	assert_false(take(fixture, "10.0.0.1", 1));
	/* A moment later nobody owes anything, and there is room for all. */
	assert_true(take(fixture, "198.51.100.7", 2000));
}

static void
who_is_punished_is_told_so_once_and_waits(void **state)
{
	struct fixture *fixture = *state;
	bool is_new = false;

	(void)key_of(fixture, "192.0.2.1");
	for (msec now = 100; now < 102; now++)
		assert_true(client_source_take_or_punish(fixture->sources, &fixture->source,
			&two_a_second, 60000, rate_clock(now), &is_new));
	assert_false(client_source_take_or_punish(fixture->sources, &fixture->source, &two_a_second,
		60000, rate_clock(102), &is_new));
	assert_true(is_new);
	for (msec now = 103; now < 60000; now += 500) {
		assert_false(client_source_take_or_punish(fixture->sources, &fixture->source,
			&two_a_second, 60000, rate_clock(now), &is_new));
		assert_false(is_new);
	}
	assert_true(client_source_take_or_punish(fixture->sources, &fixture->source, &two_a_second,
		60000, rate_clock(61000), &is_new));
}

static bool
note(struct fixture *fixture, msec now)
{
	return client_source_note_refusal(fixture->sources, &fixture->source, 3, 10000,
		rate_clock(now));
}

static void
refusals_count_within_their_span_of_the_first(void **state)
{
	struct fixture *fixture = *state;

	(void)key_of(fixture, "192.0.2.1");
	assert_false(note(fixture, 1000));
	assert_false(note(fixture, 9000));
	assert_true(note(fixture, 10900));
	/* Anew: and the first of these is forgotten before the third comes. */
	assert_false(note(fixture, 11000));
	assert_false(note(fixture, 12000));
	assert_false(note(fixture, 21001));
	assert_false(note(fixture, 21002));
	assert_true(note(fixture, 21003));
}

/* Who floods us has many addresses, and would like old offenders to be forgotten for them. */
static void
ten_million_sources_take_no_more_memory_and_let_no_offender_out(void **state)
{
	enum { OFFENDERS = 500, KEYS = 65536 };
	static const struct rate one_an_hour = { 1, 3600000, 1 };
	const uint32_t flood = UTIL_HAS_SANITIZER ? 1000000 : 10000000;
	struct netaddr peer = { .family = AF_INET };
	const struct client_source source = {
		.kind = SOURCE_ARRIVALS, .service = 1, .peer = &peer, .prefix4 = 32, .prefix6 = 64
	};
	uint64_t now = rate_clock(1000);
	struct shared_sources *sources;
	struct rusage before, after;
	uint32_t let_in = 0;
	int sources_fd;

	(void)state;
	assert_int_equal(shared_sources_create(&sources, &sources_fd, KEYS, 2, "a secret of 16 b"),
		0);
	(void)close(sources_fd);
	for (uint32_t i = 0; i < OFFENDERS; i++) {
		peer.ip.v4.s_addr = i;
		assert_true(client_source_take(sources, &source, &one_an_hour, 1, now));
		assert_false(client_source_take(sources, &source, &one_an_hour, 1, now));
	}
	assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
	for (uint32_t i = 0; i < flood; i++) {
		peer.ip.v4.s_addr = OFFENDERS + i;
		let_in += client_source_take(sources, &source, &one_an_hour, 1, now + i * 100);
	}
	assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
	/* So many as find a place, and one in an hour of all others. */
	assert_in_range(let_in, KEYS / 2, KEYS + 1);
	assert_true(after.ru_maxrss - before.ru_maxrss < 4096);
	now += flood * UINT64_C(100);
	for (uint32_t i = 0; i < OFFENDERS; i++) {
		peer.ip.v4.s_addr = i;
		assert_false(client_source_take(sources, &source, &one_an_hour, 1, now));
	}
	(void)shared_sources_free(sources);
}

int
main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CLAIM(a_source_is_a_prefix_of_an_address),
		CLAIM(the_port_does_not_matter_but_kind_service_and_detail_do),
		CLAIM(each_source_has_a_bucket_of_its_own),
		CLAIM(a_rate_that_has_changed_begins_with_a_full_bucket),
		CLAIM(sources_without_a_place_are_judged_together_and_never_let_in_freely),
		CLAIM(who_is_punished_is_told_so_once_and_waits),
		CLAIM(refusals_count_within_their_span_of_the_first),
		cmocka_unit_test(ten_million_sources_take_no_more_memory_and_let_no_offender_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
