/* SPDX-License-Identifier: ISC */
/* Buckets of tokens, against a model that counts in fractions. */
/* LINK: src/model/rate.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/rate.h"

#define DAY_MS 86400000

/* The naive bucket: its content times the span, so that all is whole. */
struct naive {
	const struct rate *rate;
	int64_t content; /* in tokens * span */
	msec at;
};

static bool
naive_take(struct naive *naive, int64_t amount, msec now)
{
	int64_t span = naive->rate->span;
	int64_t full = (int64_t)naive->rate->burst * span;

	naive->content += (now - naive->at) * (int64_t)naive->rate->tokens;
	naive->at = now;
	if (naive->content > full)
		naive->content = full;
	if (naive->content < amount * span)
		return false;
	naive->content -= amount * span;
	return true;
}

static struct naive
naive_full(const struct rate *rate)
{
	return (struct naive){ .rate = rate, .content = (int64_t)rate->burst * rate->span };
}

static uint32_t
draw(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)*seed * below >> 32);
}

/* Spans that are multiples of their tokens: every single decision is the naive one's. */
static void
it_decides_as_counting_in_fractions_does(void **state)
{
	static const struct rate rates[] = {
		{ 1, 1000, 1 },
		{ 2, 10000, 2 },
		{ 50, 1000, 50 },
		{ 1000, 1000, 10 },
		{ 5, 1000, 400 },
		{ 1, DAY_MS, 3 },
		{ 1000000, 1000, 1000000 },
		{ 256, 1000, 1024 },
	};

	(void)state;
	for (uint32_t seed = 1; seed <= 40; seed++) {
		const struct rate *rate = &rates[seed % ARRAY_SIZE(rates)];
		struct naive naive = naive_full(rate);
		uint32_t chance = seed;
		uint64_t full_at = 0;
		msec now = 0;

		for (int i = 0; i < 20000; i++) {
			uint32_t longest = (uint32_t)(2 * rate->span / (msec)rate->tokens) + 2;
			uint64_t amount = 1 + draw(&chance, (uint32_t)rate->burst) % 3;

			now += draw(&chance, 3) > 0 ? draw(&chance, longest) : 0;
			assert_int_equal(rate_take(rate, amount, rate_clock(now), &full_at),
				naive_take(&naive, (int64_t)amount, now));
		}
	}
}

/* Three a second do not divide it: not one too many, and too few by a nanosecond for each. */
static void
a_rate_that_does_not_divide_its_span_loses_a_nanosecond_a_token_at_most(void **state)
{
	static const struct rate rates[] = { { 3, 1000, 3 }, { 7, 60000, 20 }, { 999, 1000, 5 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		const struct rate *rate = &rates[i];
		int64_t taken = 0;
		int64_t due = (int64_t)rate->burst +
			(int64_t)DAY_MS / 10 * (int64_t)rate->tokens / rate->span;
		int64_t lost = 1 + due * (int64_t)rate->tokens / (rate->span * 1000000);
		uint64_t full_at = 0;

		for (msec now = 0; now <= DAY_MS / 10; now++)
			while (rate_take(rate, 1, rate_clock(now), &full_at))
				taken++;
		assert_in_range(taken, due - lost, due);
	}
}

static void
a_clock_that_stands_still_gives_the_burst_and_no_more(void **state)
{
	const struct rate rate = { 3, 1000, 7 };
	uint64_t full_at = 0;

	(void)state;
	for (int i = 0; i < 7; i++)
		assert_true(rate_take(&rate, 1, rate_clock(5), &full_at));
	for (int i = 0; i < 1000; i++)
		assert_false(rate_take(&rate, 1, rate_clock(5), &full_at));
}

static void
a_refusal_costs_nothing(void **state)
{
	const struct rate rate = { 1, 1000, 10 };
	uint64_t full_at = 0;

	(void)state;
	assert_true(rate_take(&rate, 8, rate_clock(0), &full_at));
	assert_false(rate_take(&rate, 3, rate_clock(0), &full_at));
	assert_true(rate_take(&rate, 2, rate_clock(0), &full_at));
	assert_false(rate_take(&rate, 11, rate_clock(DAY_MS), &full_at));
}

static void
nothing_overflows_at_the_ends_of_time_and_of_amounts(void **state)
{
	const struct rate rates[] = {
		{ 1, INT64_MAX, RATE_BURST_MAX },
		{ RATE_BURST_MAX, 1, RATE_BURST_MAX },
		{ 1, DAY_MS, RATE_BURST_MAX },
		{ 0, 1000, RATE_BURST_MAX },
	};
	const msec moments[] = { INT64_MIN, -1, 0, 1, DAY_MS, INT64_MAX / 4, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		for (size_t j = 0; j < ARRAY_SIZE(moments); j++) {
			uint64_t now = rate_clock(moments[j]);
			uint64_t spoilt = UINT64_MAX;
			uint64_t full_at = 0;

			assert_true(rate_take(&rates[i], 1, now, &full_at));
			assert_true(full_at >= now);
			assert_false(rate_take(&rates[i], 1, now, &spoilt));
			assert_true(rate_wait(&rates[i], 1, now, spoilt) > 0);
		}
}

static void
a_rate_of_zero_gives_the_burst_once(void **state)
{
	const struct rate rate = { 0, 1000, 100 };
	const struct rate nothing = { 0, 1000, 0 };
	uint64_t full_at = 0;

	(void)state;
	assert_true(rate_take(&rate, 60, rate_clock(0), &full_at));
	assert_true(rate_take(&rate, 40, rate_clock(0), &full_at));
	assert_false(rate_take(&rate, 1, rate_clock(100 * (msec)DAY_MS), &full_at));
	full_at = 0;
	assert_false(rate_take(&nothing, 1, rate_clock(DAY_MS), &full_at));
}

static void
who_waits_as_long_as_told_is_served_and_not_a_millisecond_earlier(void **state)
{
	const struct rate rate = { 3, 10000, 2 };
	uint64_t full_at = 0;
	msec now = 1000;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		msec wait = rate_wait(&rate, 1, rate_clock(now), full_at);

		if (wait > 0)
			assert_false(rate_take(&rate, 1, rate_clock(now + wait - 1), &full_at));
		now += wait;
		assert_true(rate_take(&rate, 1, rate_clock(now), &full_at));
	}
}

static void
what_was_taken_on_credit_is_paid_before_the_next(void **state)
{
	const struct rate rate = { 1, 1000, 1 };
	uint64_t full_at = 0;

	(void)state;
	assert_true(rate_take(&rate, 1, rate_clock(0), &full_at));
	full_at = rate_take_on_credit(&rate, 1, rate_clock(0), full_at);
	assert_int_equal(rate_wait(&rate, 1, rate_clock(0), full_at), 2000);
}

static void
who_is_punished_waits_for_the_penalty_and_then_for_nothing_but_the_rate(void **state)
{
	const struct rate rate = { 10, 1000, 10 };
	uint64_t full_at = rate_punish(&rate, 5000, rate_clock(0));

	(void)state;
	assert_false(rate_take(&rate, 1, rate_clock(5099), &full_at));
	assert_true(rate_take(&rate, 1, rate_clock(5100), &full_at));
	assert_false(rate_take(&rate, 1, rate_clock(5100), &full_at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_decides_as_counting_in_fractions_does),
		cmocka_unit_test(
			a_rate_that_does_not_divide_its_span_loses_a_nanosecond_a_token_at_most),
		cmocka_unit_test(a_clock_that_stands_still_gives_the_burst_and_no_more),
		cmocka_unit_test(a_refusal_costs_nothing),
		cmocka_unit_test(nothing_overflows_at_the_ends_of_time_and_of_amounts),
		cmocka_unit_test(a_rate_of_zero_gives_the_burst_once),
		cmocka_unit_test(who_waits_as_long_as_told_is_served_and_not_a_millisecond_earlier),
		cmocka_unit_test(what_was_taken_on_credit_is_paid_before_the_next),
		cmocka_unit_test(
			who_is_punished_waits_for_the_penalty_and_then_for_nothing_but_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
