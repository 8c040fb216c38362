/* SPDX-License-Identifier: ISC */
/* LINK: src/base/loop.o */
/* The event loop: order within a turn, timers on a clock that the test owns, what unwatching
 * promises, signals as data. */
#include "base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cmocka.h>

static msec test_time;

static msec
test_clock(void)
{
	return test_time;
}

/* What happened, in order, as letters. */
static char story[32];
static size_t story_length;

static void
tell(char letter)
{
	assert_true(story_length < sizeof(story) - 1);
	story[story_length++] = letter;
	story[story_length] = '\0';
}

struct actor {
	struct loop *loop;
	struct watch watch;
	struct timer timer;
	struct after after;
	struct actor *victim;
	char letter;
	int turns_left;
	msec again_in;
};

static void
actor_turn_ends(struct after *after, msec now)
{
	struct actor *actor = CONTAINER_OF(after, struct actor, after);

	(void)now;
	tell(actor->letter);
	if (actor->turns_left-- == 0)
		loop_quit(actor->loop);
}

static void
actor_expired(struct timer *timer, msec now)
{
	struct actor *actor = CONTAINER_OF(timer, struct actor, timer);

	tell(actor->letter);
	if (actor->victim != NULL)
		loop_stop_timer(actor->loop, &actor->victim->timer);
	if (actor->again_in >= 0)
		assert_int_equal(loop_set_timer(actor->loop, timer, now + actor->again_in), 0);
}

static void
actor_ready(struct watch *watch, uint32_t events)
{
	struct actor *actor = CONTAINER_OF(watch, struct actor, watch);

	(void)events;
	tell(actor->letter);
	if (actor->victim != NULL) {
		loop_unwatch(actor->loop, &actor->victim->watch);
		free(actor->victim);
		actor->victim = NULL;
	}
}

static void
quit_at_end_of_turn(struct after *after, msec now)
{
	(void)now;
	loop_quit(CONTAINER_OF(after, struct actor, after)->loop);
}

static struct loop *
new_loop(void)
{
	struct loop *loop;

	test_time = 1000;
	story_length = 0;
	story[0] = '\0';
	loop = loop_new(test_clock);
	assert_non_null(loop);
	return loop;
}

/* A loop that ends after its first turn; whatever is ready is served in it. */
static void
run_one_turn(struct loop *loop)
{
	struct actor actor = {
		.loop = loop, .letter = '.', .turns_left = 1, .after.turn_ends = actor_turn_ends
	};

	loop_add_after(loop, &actor.after);
	assert_int_equal(loop_run(loop), 0);
}

static int
readable_fd(void)
{
	int pair_fds[2];

	assert_int_equal(pipe2(pair_fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(write(pair_fds[1], "x", 1), 1);
	(void)close(pair_fds[1]);
	return pair_fds[0];
}

static void
an_owner_freed_in_anothers_callback_gets_no_event_of_the_same_batch(void **test)
{
	struct loop *loop = new_loop();
	struct actor *actors[2];
	int pipe_fds[2];

	(void)test;
	for (size_t i = 0; i < 2; i++) {
		pipe_fds[i] = readable_fd();
		actors[i] = calloc(1, sizeof(struct actor));
		assert_non_null(actors[i]);
		*actors[i] = (struct actor){ .loop = loop,
			.letter = (char)('a' + i),
			.watch = { .fd = pipe_fds[i], .events = EPOLLIN, .ready = actor_ready } };
		assert_int_equal(loop_watch(loop, &actors[i]->watch), 0);
	}
	/* Whichever is served first frees the other; served again it would be a use after free. */
	actors[0]->victim = actors[1];
	actors[1]->victim = actors[0];
	run_one_turn(loop);
	assert_int_equal(story_length, 3);
	assert_true(story[1] == 'a' || story[1] == 'b');
	free(story[1] == 'a' ? actors[0] : actors[1]);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
	(void)loop_free(loop);
}

static void
ready_rearms_while_turns_are_left(struct watch *watch, uint32_t events)
{
	struct actor *actor = CONTAINER_OF(watch, struct actor, watch);

	(void)events;
	tell(actor->letter);
	if (actor->turns_left-- > 0)
		assert_int_equal(loop_rewatch(actor->loop, watch, watch->events), 0);
}

static void
who_asks_for_one_event_gets_one_more_each_time_it_is_armed_again(void **test)
{
	struct loop *loop = new_loop();
	struct actor once = { .loop = loop,
		.letter = '1',
		.turns_left = 2,
		.watch = { .fd = readable_fd(),
			.events = EPOLLIN | (uint32_t)EPOLLONESHOT,
			.ready = ready_rearms_while_turns_are_left } };
	struct actor always = { .loop = loop,
		.letter = '+',
		.watch = { .fd = readable_fd(), .events = EPOLLIN, .ready = actor_ready } };
	struct actor end = {
		.loop = loop, .letter = '.', .turns_left = 6, .after.turn_ends = actor_turn_ends
	};
	size_t count = 0;

	(void)test;
	loop_add_after(loop, &end.after);
	assert_int_equal(loop_watch(loop, &once.watch), 0);
	assert_int_equal(loop_watch(loop, &always.watch), 0);
	assert_int_equal(loop_run(loop), 0);
	for (const char *letter = story; *letter != '\0'; letter++)
		count += *letter == '1';
	assert_int_equal(count, 3);
	loop_unwatch(loop, &once.watch);
	assert_int_equal(loop_rewatch(loop, &once.watch, once.watch.events), 0);
	(void)close(once.watch.fd);
	(void)close(always.watch.fd);
	(void)loop_free(loop);
}

static void
ready_no_longer_asks(struct watch *watch, uint32_t events)
{
	struct actor *actor = CONTAINER_OF(watch, struct actor, watch);

	(void)events;
	tell(actor->letter);
	assert_int_equal(loop_rewatch(actor->loop, &actor->victim->watch, 0), 0);
}

static void
what_is_no_longer_asked_for_is_not_told_not_even_in_the_same_batch(void **test)
{
	struct loop *loop = new_loop();
	struct actor actors[2];

	(void)test;
	for (size_t i = 0; i < 2; i++) {
		actors[i] = (struct actor){ .loop = loop,
			.letter = 'r',
			.victim = &actors[1 - i],
			.watch = { .fd = readable_fd(),
				.events = EPOLLIN,
				.ready = ready_no_longer_asks } };
		assert_int_equal(loop_watch(loop, &actors[i].watch), 0);
	}
	run_one_turn(loop);
	assert_string_equal(story, ".r.");
	for (size_t i = 0; i < 2; i++) {
		loop_unwatch(loop, &actors[i].watch);
		(void)close(actors[i].watch.fd);
	}
	(void)loop_free(loop);
}

static void
who_asks_for_nothing_is_not_told_of_a_hang_up_until_it_asks_again(void **test)
{
	struct loop *loop = new_loop();
	struct actor actor = {
		.loop = loop, .letter = 'h', .watch = { .events = 0, .ready = actor_ready }
	};
	struct actor timer = {
		.loop = loop, .letter = 't', .again_in = -1, .timer.expired = actor_expired
	};

	(void)test;
	actor.watch.fd = readable_fd();
	assert_int_equal(loop_watch(loop, &actor.watch), 0);
	assert_int_equal(loop_set_timer(loop, &timer.timer, 1000), 0);
	run_one_turn(loop);
	assert_string_equal(story, ".t.");
	(void)loop_free(loop);

	loop = new_loop();
	actor.loop = loop;
	actor.watch.events = 0;
	assert_int_equal(loop_watch(loop, &actor.watch), 0);
	assert_int_equal(loop_rewatch(loop, &actor.watch, EPOLLIN), 0);
	run_one_turn(loop);
	assert_string_equal(story, ".h.");
	loop_unwatch(loop, &actor.watch);
	(void)close(actor.watch.fd);
	(void)loop_free(loop);
}

static void
timers_expire_in_the_order_of_their_time_and_not_before_it(void **test)
{
	struct loop *loop = new_loop();
	static const msec due[] = { 1050, 1010, 1040, 1020, 1060, 1030 };
	struct actor actors[ARRAY_SIZE(due)];

	(void)test;
	for (size_t i = 0; i < ARRAY_SIZE(due); i++) {
		actors[i] = (struct actor){ .loop = loop,
			.again_in = -1,
			.letter = (char)('0' + (due[i] - 1000) / 10),
			.timer.expired = actor_expired };
		assert_int_equal(loop_set_timer(loop, &actors[i].timer, due[i]), 0);
	}
	test_time = 1050;
	run_one_turn(loop);
	assert_string_equal(story, ".12345.");
	assert_int_not_equal(actors[4].timer.place, 0);
	assert_int_equal(actors[0].timer.place, 0);
	(void)loop_free(loop);
}

static void
a_timer_can_be_moved_both_ways_and_stopped_anywhere_in_the_heap(void **test)
{
	struct loop *loop = new_loop();
	enum { TIMERS = 300 };
	struct actor *actors = calloc(TIMERS, sizeof(struct actor));
	msec last = 0;
	size_t expired = 0;

	(void)test;
	assert_non_null(actors);
	for (size_t i = 0; i < TIMERS; i++) {
		actors[i].timer.expired = actor_expired;
		assert_int_equal(loop_set_timer(loop, &actors[i].timer, (msec)(i * 7919 % 1009)),
			0);
	}
	for (size_t i = 0; i < TIMERS; i++) {
		if (i % 3 == 0)
			loop_stop_timer(loop, &actors[i].timer);
		else if (i % 3 == 1)
			(void)loop_set_timer(loop, &actors[i].timer, (msec)(i * 104729 % 2003));
	}
	loop_stop_timer(loop, &actors[0].timer);
	/* The heap's property, seen through the places that the timers know. */
	for (size_t i = 0; i < TIMERS; i++) {
		for (size_t j = 0; j < TIMERS; j++) {
			if (actors[j].timer.place != 0 &&
				actors[i].timer.place == actors[j].timer.place / 2 &&
				actors[i].timer.place != 0)
				assert_true(actors[i].timer.due <= actors[j].timer.due);
		}
		expired += actors[i].timer.place != 0;
		last = actors[i].timer.place > (size_t)last ? (msec)actors[i].timer.place : last;
	}
	assert_int_equal(expired, 200);
	assert_int_equal(last, 200);
	free(actors);
	(void)loop_free(loop);
}

static void
a_timer_that_sets_itself_again_for_now_does_not_hold_the_turn(void **test)
{
	struct loop *loop = new_loop();
	struct actor actor = {
		.loop = loop, .letter = 't', .again_in = 0, .timer.expired = actor_expired
	};

	(void)test;
	assert_int_equal(loop_set_timer(loop, &actor.timer, 900), 0);
	run_one_turn(loop);
	assert_string_equal(story, ".t.");
	(void)loop_free(loop);
}

static void
a_timer_stopped_by_one_that_is_due_too_does_not_expire(void **test)
{
	struct loop *loop = new_loop();
	struct actor second = {
		.loop = loop, .letter = '2', .again_in = -1, .timer.expired = actor_expired
	};
	struct actor first = { .loop = loop,
		.letter = '1',
		.again_in = -1,
		.victim = &second,
		.timer.expired = actor_expired };

	(void)test;
	assert_int_equal(loop_set_timer(loop, &second.timer, 999), 0);
	assert_int_equal(loop_set_timer(loop, &first.timer, 998), 0);
	run_one_turn(loop);
	assert_string_equal(story, ".1.");
	(void)loop_free(loop);
}

static void
what_takes_long_before_the_first_turn_makes_no_timer_early(void **test)
{
	struct loop *loop = new_loop();
	msec begun = loop_now(loop);

	(void)test;
	test_time += 5000;
	assert_int_equal(loop_now(loop), begun + 5000);
	(void)loop_free(loop);
}

static void
the_wait_lasts_until_the_next_timer_by_the_real_clock(void **test)
{
	struct loop *loop = loop_new(NULL);
	struct actor actor = { .loop = loop,
		.letter = 't',
		.again_in = -1,
		.timer.expired = actor_expired,
		.after.turn_ends = actor_turn_ends,
		.turns_left = 1 };
	msec due;

	(void)test;
	assert_non_null(loop);
	story_length = 0;
	due = loop_now(loop) + 20;
	assert_int_equal(loop_set_timer(loop, &actor.timer, due), 0);
	loop_add_after(loop, &actor.after);
	assert_int_equal(loop_run(loop), 0);
	/* One wait was enough: the hook ran before it and after it, no more. */
	assert_string_equal(story, "ttt");
	assert_true(loop_now(loop) >= due);
	(void)loop_free(loop);
}

static void
hooks_run_in_order_before_the_first_wait_and_after_timers_and_watches(void **test)
{
	struct loop *loop = new_loop();
	struct actor first = {
		.loop = loop, .letter = '1', .turns_left = 9, .after.turn_ends = actor_turn_ends
	};
	struct actor second = {
		.loop = loop, .letter = '2', .turns_left = 1, .after.turn_ends = actor_turn_ends
	};
	struct actor timer = {
		.loop = loop, .letter = 't', .again_in = -1, .timer.expired = actor_expired
	};
	struct actor watch = {
		.loop = loop, .letter = 'w', .watch = { .events = EPOLLIN, .ready = actor_ready }
	};

	(void)test;
	watch.watch.fd = readable_fd();
	loop_add_after(loop, &first.after);
	loop_add_after(loop, &second.after);
	assert_int_equal(loop_watch(loop, &watch.watch), 0);
	assert_int_equal(loop_set_timer(loop, &timer.timer, 1000), 0);
	assert_int_equal(loop_run(loop), 0);
	assert_string_equal(story, "12tw12");
	loop_unwatch(loop, &watch.watch);
	(void)close(watch.watch.fd);
	(void)loop_free(loop);
}

static void
quitting_before_the_first_turn_waits_for_nothing(void **test)
{
	struct loop *loop = new_loop();
	struct actor actor = { .loop = loop, .after.turn_ends = quit_at_end_of_turn };

	(void)test;
	loop_add_after(loop, &actor.after);
	assert_int_equal(loop_run(loop), 0);
	(void)loop_free(loop);
}

static void
caught(void *owner, int signo)
{
	tell(signo == SIGUSR1 ? 'u' : '?');
	loop_quit(owner);
}

static void
a_signal_is_read_as_data_and_catching_twice_is_refused(void **test)
{
	struct loop *loop = new_loop();
	sigset_t set;

	(void)test;
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	assert_int_equal(loop_catch_signals(loop, &set, caught, loop), 0);
	assert_int_equal(loop_catch_signals(loop, &set, caught, loop), -EBUSY);
	assert_int_equal(raise(SIGUSR1), 0);
	assert_string_equal(story, "");
	assert_int_equal(loop_run(loop), 0);
	assert_string_equal(story, "u");
	(void)loop_free(loop);
}

static void
watching_what_is_no_descriptor_fails_with_its_errno(void **test)
{
	struct loop *loop = new_loop();
	struct watch watch = { .fd = -1, .events = EPOLLIN, .ready = actor_ready };

	(void)test;
	assert_int_equal(loop_watch(loop, &watch), -EBADF);
	(void)loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_owner_freed_in_anothers_callback_gets_no_event_of_the_same_batch),
		cmocka_unit_test(
			what_is_no_longer_asked_for_is_not_told_not_even_in_the_same_batch),
		cmocka_unit_test(who_asks_for_one_event_gets_one_more_each_time_it_is_armed_again),
		cmocka_unit_test(who_asks_for_nothing_is_not_told_of_a_hang_up_until_it_asks_again),
		cmocka_unit_test(timers_expire_in_the_order_of_their_time_and_not_before_it),
		cmocka_unit_test(a_timer_can_be_moved_both_ways_and_stopped_anywhere_in_the_heap),
		cmocka_unit_test(a_timer_that_sets_itself_again_for_now_does_not_hold_the_turn),
		cmocka_unit_test(a_timer_stopped_by_one_that_is_due_too_does_not_expire),
		cmocka_unit_test(what_takes_long_before_the_first_turn_makes_no_timer_early),
		cmocka_unit_test(the_wait_lasts_until_the_next_timer_by_the_real_clock),
		cmocka_unit_test(
			hooks_run_in_order_before_the_first_wait_and_after_timers_and_watches),
		cmocka_unit_test(quitting_before_the_first_turn_waits_for_nothing),
		cmocka_unit_test(a_signal_is_read_as_data_and_catching_twice_is_refused),
		cmocka_unit_test(watching_what_is_no_descriptor_fails_with_its_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
