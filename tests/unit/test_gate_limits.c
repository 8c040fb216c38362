/* SPDX-License-Identifier: ISC */
/* Limits of a gate: clients wait, nobody is turned away, nothing spins. */
/* LINK: @BASE @GATE_ROOM src/config/banner_files.o src/config/banner.o src/config/complaint.o
 * src/config/meaning.o src/config/protocols.o services/chargen.o services/daytime.o
 * services/discard.o services/echo.o services/tcpmux.o tests/unit/fake_config.o
 * tests/unit/fake_services.o tests/unit/fake_supervisor.o -lseccomp */
/* WRAP: sandbox_enter */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/fake_supervisor.h"

#include "base/shared_measures.h"
#include "base/shared_places.h"
#include "base/shared_queue.h"
#include "model/ban.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

static bool
is_silent(int client_fd)
{
	struct pollfd ready = { .fd = client_fd, .events = POLLIN };

	return poll(&ready, 1, 0) == 0;
}

static void
a_client_beyond_the_instances_waits_and_is_then_served(void **state)
{
	struct fake_supervisor fake;
	int first_fd;
	int second_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4 instances=1");
	first_fd = fake_connect(&fake, "e");
	fake_say(first_fd, "a", 1);
	fake_hear(first_fd, "a", 1);
	second_fd = fake_connect(&fake, "e");
	fake_say(second_fd, "b", 1);
	fake_expect_log(&fake, "instances");
	assert_true(is_silent(second_fd));
	assert_int_equal(shared_active(fake.shared, 0), 1);
	(void)close(first_fd);
	fake_hear(second_fd, "b", 1);
	(void)close(second_fd);
	fake_wait_active(&fake, "e", 0);
	fake_expect_log(&fake, "accepted again");
	fake_finish(&fake);
}

static void
the_last_free_place_is_no_siege(void **state)
{
	/* So many at once that the gate has come to take several in one turn. */
	enum { PLACES = 30 };
	struct fake_supervisor fake;
	int client_fds[PLACES];

	(void)state;
	fake_start(&fake, "e echo tcp4 instances=30");
	assert_int_equal(kill(fake.gate_pid, SIGSTOP), 0);
	for (size_t i = 0; i < PLACES; i++)
		client_fds[i] = fake_connect(&fake, "e");
	assert_int_equal(kill(fake.gate_pid, SIGCONT), 0);
	for (size_t i = 0; i < PLACES; i++) {
		fake_say(client_fds[i], "a", 1);
		fake_hear(client_fds[i], "a", 1);
	}
	assert_int_equal(shared_read(fake.shared, 0, METRIC_waits), 0);
	assert_false(fake_has_logged(&fake, "instances"));
	for (size_t i = 0; i < PLACES; i++)
		(void)close(client_fds[i]);
	fake_wait_active(&fake, "e", 0);
	fake_finish(&fake);
}

static void
a_place_that_another_process_frees_wakes_the_gate(void **state)
{
	struct fake_supervisor fake;
	struct message_wake wake = { .row = 0 };
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4 instances=1");
	assert_true(shared_admit(fake.shared, 0, SHARED_SUPERVISOR, 1));
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_wait_metric(&fake, "e", METRIC_waits, 1);
	(void)shared_release(fake.shared, 0, SHARED_SUPERVISOR);
	fake_send(&fake, MESSAGE_wake, &wake);
	fake_hear(client_fd, "a", 1);
	(void)close(client_fd);
	fake_finish(&fake);
}

static void
leave_a_place_to_the_first(struct fake_supervisor *fake, int client_fd)
{
	struct message_wake wake = { .row = 0 };

	(void)shared_take_waiting(fake->shared, 0);
	(void)shared_release(fake->shared, 0, SHARED_SUPERVISOR);
	fake_send(fake, MESSAGE_wake, &wake);
	for (int i = 0; i < FAKE_PATIENCE_MS && is_silent(client_fd); i++) {
		/* The gate has seen the place, and wants to be told more. */
		if (shared_queue_has_others(fake->shared, 0, SHARED_SUPERVISOR))
			return;
		(void)poll(NULL, 0, 1);
	}
	fail_msg("%s", "the client was served before its turn");
}

/* The other process has two that came before ours. The patience with the first is over while it is
 * served; what tells the time is a client of another service, who waits longer. */
static void
each_older_client_of_another_process_is_waited_for_anew(void **state)
{
	struct fake_supervisor fake;
	const struct message_wake wake = { .row = 0 };
	uint64_t first;
	uint64_t second;
	int our_fd;
	int other_fds[2];

	(void)state;
	fake_start(&fake,
		"e echo tcp4 instances=1 queue=9 queue_time=60000\n"
		"w echo tcp4 instances=1 queue=1 queue_time=1500");
	assert_true(shared_admit(fake.shared, 0, SHARED_SUPERVISOR, 1));
	first = shared_queue_draw(fake.shared, 0);
	second = shared_queue_draw(fake.shared, 0);
	shared_queue_show(fake.shared, 0, SHARED_SUPERVISOR, first);
	our_fd = fake_connect(&fake, "e");
	fake_say(our_fd, "a", 1);
	fake_wait_metric(&fake, "e", METRIC_verdict_wait_queue, 1);
	leave_a_place_to_the_first(&fake, our_fd);
	assert_true(shared_admit(fake.shared, 0, SHARED_SUPERVISOR, 1));
	shared_queue_show(fake.shared, 0, SHARED_SUPERVISOR, second);
	for (size_t i = 0; i < 2; i++) {
		other_fds[i] = fake_connect(&fake, "w");
		fake_wait_active(&fake, "w", 1);
	}
	fake_hear_end(other_fds[1]);
	leave_a_place_to_the_first(&fake, our_fd);
	shared_queue_show(fake.shared, 0, SHARED_SUPERVISOR, SHARED_NO_TICKET);
	fake_send(&fake, MESSAGE_wake, &wake);
	fake_hear(our_fd, "a", 1);
	for (size_t i = 0; i < 2; i++)
		(void)close(other_fds[i]);
	(void)close(our_fd);
	fake_wait_active(&fake, "e", 0);
	fake_finish(&fake);
}

static void
the_supervisor_hears_when_a_place_is_free_that_it_waits_for(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4 instances=1");
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_hear(client_fd, "a", 1);
	assert_false(shared_admit(fake.shared, 0, SHARED_SUPERVISOR, 1));
	(void)close(client_fd);
	fake_expect(&fake, MESSAGE_freed);
	assert_int_equal(fake.message.body.freed.row, 0);
	fake_finish(&fake);
}

static void
clients_beyond_the_descriptors_wait_and_are_then_served(void **state)
{
	struct fake_supervisor fake;
	int client_fds[5];

	(void)state;
	fake_start(&fake, NULL);
	fake.descriptors = 1; /* so few that the gate takes what it cannot do without: three */
	assert_int_equal(fake_configure(&fake, "e echo tcp4"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(client_fds); i++) {
		client_fds[i] = fake_connect(&fake, "e");
		fake_say(client_fds[i], "a", 1);
	}
	for (size_t i = 0; i < 3; i++)
		fake_hear(client_fds[i], "a", 1);
	fake_expect_log(&fake, "descriptors");
	assert_true(is_silent(client_fds[3]));
	(void)close(client_fds[0]);
	fake_hear(client_fds[3], "a", 1);
	assert_true(is_silent(client_fds[4]));
	fake_wait_metric(&fake, "e", METRIC_verdict_wait_descriptors, 2);
	(void)close(client_fds[1]);
	fake_hear(client_fds[4], "a", 1);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_verdict_wait_descriptors), 2);
	for (size_t i = 2; i < ARRAY_SIZE(client_fds); i++)
		(void)close(client_fds[i]);
	fake_finish(&fake);
}

/* The same for descriptors: all that there are. */
static void
the_last_free_descriptor_is_no_siege(void **state)
{
	enum { ROOM = 200 };
	struct fake_supervisor fake;
	int client_fds[ROOM];
	uint64_t count;

	(void)state;
	fake_start(&fake, NULL);
	fake.descriptors = ROOM - 9; /* of which the gate keeps most for itself */
	assert_int_equal(fake_configure(&fake, "e echo tcp4"), 0);
	client_fds[0] = fake_connect(&fake, "e");
	/* What the first answer's turn has told is there with the second one. */
	for (size_t i = 0; i < 2; i++) {
		fake_say(client_fds[0], "a", 1);
		fake_hear(client_fds[0], "a", 1);
	}
	count = shared_told(fake.shared, 1, PROCESS_gate_descriptors_limit);
	assert_in_range(count, 20, ROOM);
	assert_int_equal(kill(fake.gate_pid, SIGSTOP), 0);
	for (size_t i = 1; i < count; i++)
		client_fds[i] = fake_connect(&fake, "e");
	assert_int_equal(kill(fake.gate_pid, SIGCONT), 0);
	for (size_t i = 1; i < count; i++) {
		fake_say(client_fds[i], "a", 1);
		fake_hear(client_fds[i], "a", 1);
	}
	assert_int_equal(shared_read(fake.shared, 0, METRIC_verdict_wait_descriptors), 0);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_waits), 0);
	assert_false(fake_has_logged(&fake, "descriptors"));
	for (size_t i = 0; i < count; i++)
		(void)close(client_fds[i]);
	fake_wait_active(&fake, "e", 0);
	fake_finish(&fake);
}

static void
set_descriptors(const struct fake_supervisor *fake, rlim_t limit)
{
	struct rlimit limits;

	assert_int_equal(prlimit(fake->gate_pid, RLIMIT_NOFILE, NULL, &limits), 0);
	limits.rlim_cur = limit;
	assert_int_equal(prlimit(fake->gate_pid, RLIMIT_NOFILE, &limits, NULL), 0);
}

static void
being_out_of_descriptors_neither_spins_nor_costs_the_listener(void **state)
{
	struct fake_supervisor fake;
	int client_fd;

	(void)state;
	fake_start(&fake, "e echo tcp4");
	set_descriptors(&fake, 1);
	client_fd = fake_connect(&fake, "e");
	fake_say(client_fd, "a", 1);
	fake_expect_log(&fake, "EMFILE");
	/* Each try is counted; a spin would make thousands of the time until the next one. */
	fake_wait_metric(&fake, "e", METRIC_waits, 2);
	assert_true(shared_read(fake.shared, 0, METRIC_waits) < 10);
	fake_wait_active(&fake, "e", 0); /* a try has a place while it lasts */
	set_descriptors(&fake, 1000);
	fake_hear(client_fd, "a", 1);
	(void)close(client_fd);
	fake_finish(&fake);
}

/* A relay takes three descriptors, of which two are left. The gate tries both listeners again in
 * the same second, and counts each failure of the other one. */
static void
a_client_that_waits_for_descriptors_is_counted_once(void **state)
{
	struct fake_supervisor fake;
	int holder_fd;
	int waiting_fd;
	int witness_fd;

	(void)state;
	fake_start(&fake, NULL);
	fake.descriptors = 1;
	assert_int_equal(fake_configure(&fake, "p program tcp4 stdio=1\ne echo tcp4"), 0);
	holder_fd = fake_connect(&fake, "e");
	fake_say(holder_fd, "a", 1);
	fake_hear(holder_fd, "a", 1);
	waiting_fd = fake_connect(&fake, "p");
	fake_wait_metric(&fake, "p", METRIC_verdict_wait_descriptors, 1);
	set_descriptors(&fake, 1);
	witness_fd = fake_connect(&fake, "e");
	fake_wait_metric(&fake, "e", METRIC_waits, 3);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_verdict_wait_descriptors), 1);
	assert_int_equal(shared_read(fake.shared, 0, METRIC_waits), 1);
	set_descriptors(&fake, 1000);
	(void)close(witness_fd);
	(void)close(holder_fd);
	fake_expect(&fake, MESSAGE_spawn);
	(void)close(waiting_fd);
	fake_finish(&fake);
}

/* As the supervisor forgets them that has not heard of any. */
static void
a_ban_whose_marks_were_swept_away_is_made_anew(void **state)
{
	const struct ban_marks none = { .filter = { 0 } };
	struct fake_supervisor fake;

	(void)state;
	fake_start(&fake, "e echo tcp4 sensor=1 ban_time=600000");
	for (int i = 0; i < 2; i++) {
		int client_fd = fake_connect(&fake, "e");

		fake_hear_end(client_fd);
		(void)close(client_fd);
		fake_expect(&fake, MESSAGE_banned);
		assert_true(ban_are_any(fake.sources));
		ban_marks_set(fake.sources, &none);
	}
	fake_finish(&fake);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_beyond_the_instances_waits_and_is_then_served),
		cmocka_unit_test(the_last_free_place_is_no_siege),
		cmocka_unit_test(a_place_that_another_process_frees_wakes_the_gate),
		cmocka_unit_test(each_older_client_of_another_process_is_waited_for_anew),
		cmocka_unit_test(the_supervisor_hears_when_a_place_is_free_that_it_waits_for),
		cmocka_unit_test(clients_beyond_the_descriptors_wait_and_are_then_served),
		cmocka_unit_test(the_last_free_descriptor_is_no_siege),
		cmocka_unit_test(being_out_of_descriptors_neither_spins_nor_costs_the_listener),
		cmocka_unit_test(a_client_that_waits_for_descriptors_is_counted_once),
		cmocka_unit_test(a_ban_whose_marks_were_swept_away_is_made_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
