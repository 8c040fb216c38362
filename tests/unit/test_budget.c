/* SPDX-License-Identifier: ISC */
/* Budgets of datagram answers. */
/* LINK: src/model/budget.o src/base/netaddr.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/budget.h"

#include <string.h>

#define SIZE 1024
#define RATE 256

static struct netaddr
address(const char *text)
{
	struct netaddr parsed;

	assert_int_equal(netaddr_parse_ip(&parsed, text), 0);
	return parsed;
}

static bool
take(struct budget *budget, const char *source, int64_t excess, msec now)
{
	struct netaddr from = address(source);

	return budget_take(budget, &from, excess, SIZE, RATE, now);
}

static void
a_source_may_spend_its_budget_and_no_more(void **state)
{
	struct budget *budget = budget_new(64, 1);

	(void)state;
	assert_true(take(budget, "192.0.2.1", 1000, 0));
	assert_true(take(budget, "192.0.2.1", 24, 0));
	assert_false(take(budget, "192.0.2.1", 1, 0));
	budget_free(budget);
}

static void
a_refusal_costs_nothing(void **state)
{
	struct budget *budget = budget_new(64, 1);

	(void)state;
	assert_true(take(budget, "192.0.2.1", 1000, 0));
	assert_false(take(budget, "192.0.2.1", 25, 0));
	assert_true(take(budget, "192.0.2.1", 24, 0));
	budget_free(budget);
}

static void
a_budget_fills_up_again_with_time_but_never_beyond_its_size(void **state)
{
	struct budget *budget = budget_new(64, 1);

	(void)state;
	assert_true(take(budget, "192.0.2.1", SIZE, 0));
	assert_false(take(budget, "192.0.2.1", RATE, 999));
	assert_true(take(budget, "192.0.2.1", RATE, 1000));
	assert_false(take(budget, "192.0.2.1", SIZE + 1, INT64_MAX / 4));
	assert_true(take(budget, "192.0.2.1", SIZE, INT64_MAX / 4));
	assert_false(take(budget, "192.0.2.1", 1, INT64_MAX / 4));
	budget_free(budget);
}

static void
a_rate_of_zero_never_fills_it_up(void **state)
{
	struct budget *budget = budget_new(64, 1);
	struct netaddr source = address("192.0.2.1");

	(void)state;
	assert_true(budget_take(budget, &source, 100, 100, 0, 0));
	assert_false(budget_take(budget, &source, 1, 100, 0, INT64_MAX / 4));
	budget_free(budget);
}

static void
what_is_no_longer_than_the_question_is_free(void **state)
{
	struct budget *budget = budget_new(64, 1);
	struct netaddr source = address("192.0.2.1");

	(void)state;
	assert_true(budget_take(budget, &source, 0, 0, 0, 0));
	assert_true(budget_take(budget, &source, -5, 0, 0, 0));
	assert_false(budget_take(budget, &source, 1, 0, 0, 0));
	budget_free(budget);
}

static void
sources_do_not_pay_for_each_other(void **state)
{
	struct budget *budget = budget_new(64, 1);

	(void)state;
	assert_true(take(budget, "192.0.2.1", SIZE, 0));
	assert_true(take(budget, "192.0.2.2", SIZE, 0));
	assert_true(take(budget, "2001:db8::1", SIZE, 0));
	budget_free(budget);
}

static void
a_whole_v6_network_of_64_bits_is_one_source(void **state)
{
	struct budget *budget = budget_new(64, 1);

	(void)state;
	assert_true(take(budget, "2001:db8:0:1::1", SIZE, 0));
	assert_false(take(budget, "2001:db8:0:1:ffff::2", 1, 0));
	assert_true(take(budget, "2001:db8:0:2::1", SIZE, 0));
	budget_free(budget);
}

static void
the_loopback_of_v6_has_a_budget(void **state)
{
	struct budget *budget = budget_new(64, 1);

	(void)state;
	assert_true(take(budget, "::1", SIZE, 5));
	assert_false(take(budget, "::1", 1, 5));
	assert_true(take(budget, "::1", RATE, 1005));
	budget_free(budget);
}

/* Eight places: the ninth finds none that is full. */
static void
a_newcomer_gets_nothing_while_every_place_is_in_debt(void **state)
{
	struct budget *budget = budget_new(8, 1);
	char source[] = "192.0.2.0";

	(void)state;
	for (int i = 0; i < 8; i++) {
		source[8] = (char)('0' + i);
		assert_true(take(budget, source, SIZE, 0));
	}
	assert_false(take(budget, "192.0.2.8", 1, 0));
	assert_false(take(budget, "192.0.2.8", 1, 3999));
	assert_true(take(budget, "192.0.2.8", 1, 4000));
	budget_free(budget);
}

static void
a_newcomer_does_not_push_an_offender_out(void **state)
{
	struct budget *budget = budget_new(8, 1);
	char source[] = "192.0.2.0";

	(void)state;
	assert_true(take(budget, "198.51.100.1", SIZE, 0));
	for (int i = 0; i < 8; i++) {
		source[8] = (char)('0' + i);
		(void)take(budget, source, 1, 100);
	}
	assert_false(take(budget, "198.51.100.1", RATE, 100));
	budget_free(budget);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_may_spend_its_budget_and_no_more),
		cmocka_unit_test(a_refusal_costs_nothing),
		cmocka_unit_test(a_budget_fills_up_again_with_time_but_never_beyond_its_size),
		cmocka_unit_test(a_rate_of_zero_never_fills_it_up),
		cmocka_unit_test(what_is_no_longer_than_the_question_is_free),
		cmocka_unit_test(sources_do_not_pay_for_each_other),
		cmocka_unit_test(a_whole_v6_network_of_64_bits_is_one_source),
		cmocka_unit_test(the_loopback_of_v6_has_a_budget),
		cmocka_unit_test(a_newcomer_gets_nothing_while_every_place_is_in_debt),
		cmocka_unit_test(a_newcomer_does_not_push_an_offender_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
