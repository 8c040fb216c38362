/* SPDX-License-Identifier: ISC */
/* Slowing a service whose programs fail. */
/* LINK: src/model/backoff.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/backoff.h"

static void
slow_down(struct backoff *backoff, msec now)
{
	for (int i = 1; i < BACKOFF_FAILURES; i++)
		assert_int_equal(backoff_failed(backoff, false, now), BACKOFF_SAME);
	assert_int_equal(backoff_failed(backoff, false, now), BACKOFF_BEGINS);
}

static void
a_few_failures_in_a_row_begin_a_pause(void **state)
{
	struct backoff backoff = { .state = BACKOFF_NONE };

	(void)state;
	slow_down(&backoff, 7000);
	assert_int_equal(backoff.state, BACKOFF_PAUSE);
	assert_int_equal(backoff.failures, BACKOFF_FAILURES);
	assert_int_equal(backoff.pause, BACKOFF_FIRST_MS);
	assert_int_equal(backoff.began, 7000);
}

static void
one_that_does_well_in_between_begins_the_count_anew(void **state)
{
	struct backoff backoff = { .state = BACKOFF_NONE };

	(void)state;
	for (int round = 0; round < 10; round++) {
		for (int i = 1; i < BACKOFF_FAILURES; i++)
			assert_int_equal(backoff_failed(&backoff, false, 0), BACKOFF_SAME);
		assert_int_equal(backoff_did_well(&backoff, false), BACKOFF_SAME);
	}
	assert_int_equal(backoff.state, BACKOFF_NONE);
}

static void
each_trial_that_fails_doubles_the_pause_up_to_a_bound(void **state)
{
	static const msec pauses[] = { 200, 400, 800, 1600, 3000, 3000 };
	struct backoff backoff = { .state = BACKOFF_NONE };

	(void)state;
	slow_down(&backoff, 0);
	for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
		backoff_try(&backoff);
		assert_int_equal(backoff.state, BACKOFF_TRIAL);
		assert_int_equal(backoff_failed(&backoff, true, 0), BACKOFF_AGAIN);
		assert_int_equal(backoff.state, BACKOFF_PAUSE);
		assert_int_equal(backoff.pause, pauses[i]);
	}
}

static void
what_was_started_before_is_no_trial(void **state)
{
	struct backoff backoff = { .state = BACKOFF_NONE };

	(void)state;
	slow_down(&backoff, 0);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(backoff_failed(&backoff, false, 0), BACKOFF_SAME);
		assert_int_equal(backoff_did_well(&backoff, false), BACKOFF_SAME);
	}
	assert_int_equal(backoff.pause, BACKOFF_FIRST_MS);
	backoff_try(&backoff);
	assert_int_equal(backoff_did_well(&backoff, false), BACKOFF_SAME);
	assert_int_equal(backoff.state, BACKOFF_TRIAL);
}

static void
a_trial_that_does_well_restores_full_speed_and_every_chance(void **state)
{
	struct backoff backoff = { .state = BACKOFF_NONE };

	(void)state;
	slow_down(&backoff, 4000);
	backoff_try(&backoff);
	assert_int_equal(backoff_failed(&backoff, true, 4100), BACKOFF_AGAIN);
	backoff_try(&backoff);
	assert_int_equal(backoff_did_well(&backoff, true), BACKOFF_ENDS);
	assert_int_equal(backoff.state, BACKOFF_NONE);
	assert_int_equal(backoff.began, 4000);
	slow_down(&backoff, 9000);
	assert_int_equal(backoff.pause, BACKOFF_FIRST_MS);
}

static void
at_full_speed_there_is_nothing_to_try(void **state)
{
	struct backoff backoff = { .state = BACKOFF_NONE };

	(void)state;
	backoff_try(&backoff);
	assert_int_equal(backoff.state, BACKOFF_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_few_failures_in_a_row_begin_a_pause),
		cmocka_unit_test(one_that_does_well_in_between_begins_the_count_anew),
		cmocka_unit_test(each_trial_that_fails_doubles_the_pause_up_to_a_bound),
		cmocka_unit_test(what_was_started_before_is_no_trial),
		cmocka_unit_test(a_trial_that_does_well_restores_full_speed_and_every_chance),
		cmocka_unit_test(at_full_speed_there_is_nothing_to_try),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
