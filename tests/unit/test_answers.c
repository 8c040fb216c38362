/* SPDX-License-Identifier: ISC */
/* Names of hosts, and answers about clients that are remembered for a while. */
/* LINK: src/base/hostname.o src/base/siphash.o src/base/netaddr.o src/model/answers.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/answers.h"

#include <stdio.h>
#include <string.h>

#define CLAIM(name) cmocka_unit_test(name)
#define COUNT 64

static const struct siphash_key secret = { 1, 2 };

static struct answer_key
key_of(const char *text, uint32_t asks, uint32_t row)
{
	struct netaddr address;

	assert_int_equal(netaddr_parse_ip(&address, text), 0);
	return answer_key_of(&address, asks, row);
}

static struct answer
answer_of(const char *text, msec expires)
{
	struct answer answer = { .key = key_of(text, 1, 0), .expires = expires };

	answer.names.count = 1;
	(void)snprintf(answer.names.names[0], HOSTNAME_ROOM, "of-%s.example.org", text);
	return answer;
}

static void
an_answer_is_found_as_long_as_it_is_true(void **state)
{
	struct answers *answers = answers_new(COUNT, &secret);
	struct answer answer = answer_of("192.0.2.1", 1000);
	struct answer newer = answer_of("192.0.2.1", 3000);

	(void)state;
	newer.error = 7;
	answers_add(answers, &answer, 0);
	assert_non_null(answers_find(answers, &answer.key, 999));
	assert_string_equal(answers_find(answers, &answer.key, 999)->names.names[0],
		"of-192.0.2.1.example.org");
	assert_null(answers_find(answers, &answer.key, 1000));
	answers_add(answers, &newer, 500);
	assert_int_equal(answers_find(answers, &answer.key, 2999)->error, 7);
	answers_free(answers);
}

static void
the_same_address_on_another_link_is_another_client(void **state)
{
	struct answers *answers = answers_new(COUNT, &secret);
	struct answer answer = answer_of("fe80::1%1", 1000);
	struct answer_key other = key_of("fe80::1%2", 1, 0);

	(void)state;
	answers_add(answers, &answer, 0);
	assert_non_null(answers_find(answers, &answer.key, 0));
	assert_null(answers_find(answers, &other, 0));
	answers_free(answers);
}

static void
another_question_about_the_same_client_has_another_answer(void **state)
{
	struct answers *answers = answers_new(COUNT, &secret);
	struct answer answer = answer_of("192.0.2.1", 1000);
	struct answer_key asks = key_of("192.0.2.1", 2, 0);
	struct answer_key row = key_of("192.0.2.1", 1, 1);
	struct answer_key other = key_of("2001:db8::1", 1, 0);

	(void)state;
	answers_add(answers, &answer, 0);
	assert_null(answers_find(answers, &asks, 0));
	assert_null(answers_find(answers, &row, 0));
	assert_null(answers_find(answers, &other, 0));
	answers_free(answers);
}

/* Whoever is told to be remembered longest stays, and what is found is never somebody else's. */
static void
strangers_make_us_forget_and_nothing_else(void **state)
{
	struct answers *answers = answers_new(COUNT, &secret);
	struct answer friend = answer_of("192.0.2.1", 1000000);
	unsigned found = 0;

	(void)state;
	answers_add(answers, &friend, 0);
	for (unsigned i = 0; i < 100 * COUNT; i++) {
		char text[32];
		struct answer answer;

		(void)snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
		answer = answer_of(text, 1000 + i);
		answers_add(answers, &answer, 0);
		assert_memory_equal(answers_find(answers, &answer.key, 0), &answer, sizeof(answer));
	}
	for (unsigned i = 0; i < 100 * COUNT; i++) {
		char text[32];
		struct answer answer;

		(void)snprintf(text, sizeof(text), "10.%u.%u.%u", i >> 16, (i >> 8) & 255, i & 255);
		answer = answer_of(text, 0);
		found += answers_find(answers, &answer.key, 0) != NULL;
	}
	assert_true(found < 2 * COUNT);
	assert_non_null(answers_find(answers, &friend.key, 0));
	answers_free(answers);
}

static void
a_name_is_read_in_one_form_or_not_at_all(void **state)
{
	static const struct {
		const char *text;
		const char *name; /* NULL: it is none */
	} rows[] = {
		{ "Host.Example.ORG", "host.example.org" },
		{ "host.example.org.", "host.example.org" },
		{ "localhost", "localhost" },
		{ "_x.a-b.xn--p1ai", "_x.a-b.xn--p1ai" },
		{ "4.example.org", "4.example.org" },
		{ "", NULL },
		{ ".", NULL },
		{ "..", NULL },
		{ "a..org", NULL },
		{ "-a.org", NULL },
		{ "a-.org", NULL },
		{ "a b.org", NULL },
		{ "a\x1b[31m.org", NULL },
		{ "\xc3\xa4.org", NULL },
		{ "10.0.0.1", NULL },
		{ "10.0.0.o", NULL },
		{ "example.123", NULL },
		{ "x", NULL },
	};
	char name[HOSTNAME_ROOM];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool is_name = hostname_read(rows[i].text, strlen(rows[i].text), name);

		if (is_name != (rows[i].name != NULL))
			fail_msg("\"%s\"", rows[i].text);
		if (is_name)
			assert_string_equal(name, rows[i].name);
	}
	assert_false(hostname_read("a\0b.org", 7, name));
}

static void
a_name_has_bounds(void **state)
{
	char text[300];
	char name[HOSTNAME_ROOM];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(hostname_read(text, 63, name));
	assert_false(hostname_read(text, 64, name));
	for (size_t i = 50; i < sizeof(text); i += 50)
		text[i] = '.';
	assert_true(hostname_read(text, HOSTNAME_BYTES_MAX, name));
	assert_false(hostname_read(text, HOSTNAME_BYTES_MAX + 1, name));
}

static void
a_domain_has_what_is_below_it_and_not_itself(void **state)
{
	(void)state;
	assert_true(hostname_is_of("a.example.org", ".example.org"));
	assert_true(hostname_is_of("a.b.example.org", ".example.org"));
	assert_false(hostname_is_of("example.org", ".example.org"));
	assert_false(hostname_is_of("notexample.org", ".example.org"));
	assert_false(hostname_is_of("example.org.evil.net", ".example.org"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CLAIM(an_answer_is_found_as_long_as_it_is_true),
		CLAIM(the_same_address_on_another_link_is_another_client),
		CLAIM(another_question_about_the_same_client_has_another_answer),
		CLAIM(strangers_make_us_forget_and_nothing_else),
		CLAIM(a_name_is_read_in_one_form_or_not_at_all),
		CLAIM(a_name_has_bounds),
		CLAIM(a_domain_has_what_is_below_it_and_not_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
