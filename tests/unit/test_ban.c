/* SPDX-License-Identifier: ISC */
/* Bans: who is kept out of what, by which prefix, and how little is looked for otherwise. */
/* LINK: src/model/ban.o src/model/client_source.o src/model/rate.o src/base/shared_sources.o
 * src/base/siphash.o src/base/netaddr.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/ban.h"
#include "model/rate.h"

#include <string.h>

struct fixture {
	struct shared_sources *sources;
	uint64_t echo;
	uint64_t chat;
	uint64_t now;
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
	fixture.echo = ban_service(fixture.sources, "echo");
	fixture.chat = ban_service(fixture.sources, "chat");
	fixture.now = rate_clock(1000);
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

static struct netaddr
peer_of(const char *text)
{
	struct netaddr peer;

	assert_int_equal(netaddr_parse_ip(&peer, text), 0);
	peer.port = 4711;
	return peer;
}

static struct ban_source
source_of(const char *text, uint32_t length)
{
	const struct netaddr peer = peer_of(text);
	struct ban_source source;

	ban_source_of(&source, &peer, length, length, BAN_NO_USER);
	return source;
}

static void
impose(const struct fixture *fixture, uint64_t service, const char *text, uint32_t length)
{
	const struct ban_source source = source_of(text, length);

	assert_true(ban_impose(fixture->sources, service, &source, fixture->now + rate_clock(5000),
		fixture->now));
}

static bool
is_out(const struct fixture *fixture, uint64_t service, const char *text)
{
	const struct netaddr peer = peer_of(text);

	return ban_holds(fixture->sources, service, &peer, BAN_NO_USER, fixture->now);
}

static void
a_ban_from_one_service_is_none_from_another(void **state)
{
	const struct fixture *fixture = *state;

	assert_false(ban_are_any(fixture->sources));
	impose(fixture, fixture->echo, "192.0.2.1", 32);
	assert_true(ban_are_any(fixture->sources));
	assert_true(is_out(fixture, fixture->echo, "192.0.2.1"));
	assert_false(is_out(fixture, fixture->chat, "192.0.2.1"));
	assert_false(is_out(fixture, fixture->echo, "192.0.2.2"));
	impose(fixture, BAN_OF_ALL, "192.0.2.2", 32);
	assert_true(is_out(fixture, fixture->echo, "192.0.2.2"));
	assert_true(is_out(fixture, fixture->chat, "192.0.2.2"));
}

static void
a_network_is_kept_out_whatever_tells_sources_apart_by_now(void **state)
{
	const struct fixture *fixture = *state;

	impose(fixture, fixture->echo, "192.0.2.77", 24);
	impose(fixture, fixture->echo, "198.51.100.1", 32);
	impose(fixture, fixture->echo, "2001:db8:1:2::7", 64);
	impose(fixture, fixture->echo, "2001:db8:ff::1", 128);
	impose(fixture, BAN_OF_ALL, "2001:db8:8000::", 33);
	assert_true(is_out(fixture, fixture->echo, "192.0.2.0"));
	assert_true(is_out(fixture, fixture->echo, "192.0.2.255"));
	assert_false(is_out(fixture, fixture->echo, "192.0.3.0"));
	assert_true(is_out(fixture, fixture->echo, "198.51.100.1"));
	assert_true(is_out(fixture, fixture->echo, "2001:db8:1:2:ffff::1"));
	assert_false(is_out(fixture, fixture->echo, "2001:db8:1:3::1"));
	assert_true(is_out(fixture, fixture->echo, "2001:db8:ff::1"));
	assert_false(is_out(fixture, fixture->echo, "2001:db8:ff::2"));
	assert_true(is_out(fixture, fixture->chat, "2001:db8:ffff::1"));
	assert_false(is_out(fixture, fixture->chat, "2001:db8:7fff::1"));
}

static void
everybody_can_be_kept_out_and_the_first_address_of_a_network_alone(void **state)
{
	const struct fixture *fixture = *state;

	impose(fixture, fixture->echo, "10.0.0.0", 32);
	impose(fixture, fixture->echo, "192.0.2.1", 8); /* its length is looked for, too */
	assert_true(is_out(fixture, fixture->echo, "10.0.0.0"));
	assert_false(is_out(fixture, fixture->echo, "10.0.0.1"));
	impose(fixture, fixture->echo, "0.0.0.0", 0);
	assert_true(is_out(fixture, fixture->echo, "10.0.0.1"));
	assert_false(is_out(fixture, fixture->echo, "::1"));
}

static void
a_ban_ends_at_its_moment_and_is_never_made_shorter(void **state)
{
	struct fixture *fixture = *state;
	const struct ban_source source = source_of("192.0.2.1", 32);

	impose(fixture, fixture->echo, "192.0.2.1", 32);
	assert_true(ban_impose(fixture->sources, fixture->echo, &source, fixture->now + 1,
		fixture->now));
	assert_int_equal(ban_until(fixture->sources, fixture->echo, &source), rate_clock(6000));
	fixture->now = rate_clock(6000) - 1;
	assert_true(is_out(fixture, fixture->echo, "192.0.2.1"));
	fixture->now++;
	assert_false(is_out(fixture, fixture->echo, "192.0.2.1"));
}

static void
a_ban_that_is_lifted_holds_no_longer(void **state)
{
	const struct fixture *fixture = *state;
	const struct ban_source source = source_of("2001:db8::1", 64);

	impose(fixture, fixture->echo, "2001:db8::1", 64);
	impose(fixture, fixture->chat, "2001:db8::1", 64);
	ban_lift(fixture->sources, fixture->echo, &source);
	ban_lift(fixture->sources, fixture->echo, &source);
	assert_false(is_out(fixture, fixture->echo, "2001:db8::2"));
	assert_true(is_out(fixture, fixture->chat, "2001:db8::2"));
}

static void
a_user_is_kept_out_and_nobody_who_is_not_known(void **state)
{
	const struct fixture *fixture = *state;
	const struct netaddr peer = { .family = AF_UNIX };
	struct ban_source source;

	ban_source_of(&source, &peer, 32, 64, 0);
	assert_true(ban_impose(fixture->sources, fixture->echo, &source, UINT64_MAX, 1));
	assert_true(ban_holds(fixture->sources, fixture->echo, &peer, 0, 1));
	assert_false(ban_holds(fixture->sources, fixture->echo, &peer, 1, 1));
	assert_false(ban_holds(fixture->sources, fixture->echo, &peer, BAN_NO_USER, 1));
	ban_source_of(&source, &peer, 32, 64, BAN_NO_USER);
	assert_false(ban_impose(fixture->sources, fixture->echo, &source, UINT64_MAX, 1));
	assert_false(ban_holds(fixture->sources, fixture->echo, &peer, BAN_NO_USER, 1));
}

/* Only their owner may forget lengths; what a gate marks meanwhile is not his to forget. */
static void
lengths_that_no_ban_has_are_not_looked_for(void **state)
{
	const struct fixture *fixture = *state;
	const struct ban_source kept = source_of("192.0.2.1", 32);
	struct ban_marks *marks = test_calloc(1, sizeof(*marks));

	impose(fixture, fixture->echo, "192.0.2.1", 32);
	impose(fixture, fixture->echo, "2001:db8::1", 128);
	ban_marks_add(marks, ban_key(fixture->sources, fixture->echo, &kept), fixture->echo, &kept);
	ban_marks_set(fixture->sources, marks);
	assert_true(is_out(fixture, fixture->echo, "192.0.2.1"));
	assert_false(is_out(fixture, fixture->echo, "2001:db8::1"));
	memset(marks, 0, sizeof(*marks));
	ban_marks_set(fixture->sources, marks);
	test_free(marks);
	assert_false(ban_are_any(fixture->sources));
}

/* A gate gone bad can write there what it likes. */
static void
nonsense_in_the_marks_is_survived(void **state)
{
	const struct fixture *fixture = *state;
	const struct netaddr user = { .family = AF_UNIX };
	struct ban_marks *marks = test_malloc(sizeof(*marks));

	memset(marks, 0xff, sizeof(*marks));
	ban_marks_set(fixture->sources, marks);
	test_free(marks);
	assert_false(is_out(fixture, fixture->echo, "255.255.255.255"));
	assert_false(is_out(fixture, fixture->echo, "ffff:ffff::ffff"));
	assert_false(ban_holds(fixture->sources, fixture->echo, &user, 0, fixture->now));
}

int
main(void)
{
#define CLAIM(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CLAIM(a_ban_from_one_service_is_none_from_another),
		CLAIM(a_network_is_kept_out_whatever_tells_sources_apart_by_now),
		CLAIM(everybody_can_be_kept_out_and_the_first_address_of_a_network_alone),
		CLAIM(a_ban_ends_at_its_moment_and_is_never_made_shorter),
		CLAIM(a_ban_that_is_lifted_holds_no_longer),
		CLAIM(a_user_is_kept_out_and_nobody_who_is_not_known),
		CLAIM(lengths_that_no_ban_has_are_not_looked_for),
		CLAIM(nonsense_in_the_marks_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
