/* SPDX-License-Identifier: ISC */
/* LINK: src/base/refused.o src/base/shared.o src/base/shared_places.o */
/* The shared table: places are strict between processes, nobody who waits is forgotten, memory
 * that nobody used is not there. */
#include "base/shared.h"
#include "base/shared_places.h"
#include "base/shared_view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define WRITERS 3
#define ROUNDS 20000
#define MOVES 20000
#define LOOKS_AT_ONCE 3000
#define PATIENCE_S 120

static struct shared *
new_shared(uint32_t rows, uint32_t writers)
{
	struct shared *shared = NULL;
	int shared_fd = -1;

	assert_int_equal(shared_create(&shared, &shared_fd, rows, writers), 0);
	(void)close(shared_fd);
	return shared;
}

static void
places_up_to_the_limit_are_given_and_given_back(void **test)
{
	struct shared *shared = new_shared(2, WRITERS);

	(void)test;
	assert_true(shared_admit(shared, 1, 1, 2));
	assert_true(shared_admit(shared, 1, 2, 2));
	assert_false(shared_admit(shared, 1, 1, 2));
	assert_int_equal(shared_active(shared, 1), 2);
	assert_int_equal(shared_active(shared, 0), 0);
	assert_true(shared_release(shared, 1, 2));
	assert_true(shared_admit(shared, 1, 1, 2));
	(void)shared_free(shared);
}

static void
a_ceiling_bounds_the_places_below_the_limit_and_is_gone_when_it_is_raised(void **test)
{
	struct shared *shared = new_shared(2, WRITERS);

	(void)test;
	assert_int_equal(shared_ceiling(shared, 0), SHARED_NO_CEILING);
	assert_true(shared_admit(shared, 0, 1, 10));
	assert_true(shared_admit(shared, 0, 1, 10));
	shared_set_ceiling(shared, 0, 0);
	assert_false(shared_admit(shared, 0, 2, 10));
	assert_true(shared_is_full(shared, 0, 10));
	assert_true(shared_admit(shared, 1, 2, 10)); /* another service */
	/* What is taken stays, and one more is let in. */
	assert_int_equal(shared_active(shared, 0), 2);
	shared_set_ceiling(shared, 0, 3);
	assert_int_equal(shared_take_waiting(shared, 0), 1u << 2);
	assert_false(shared_is_full(shared, 0, 10));
	assert_true(shared_admit(shared, 0, 2, 10));
	assert_false(shared_admit(shared, 0, 1, 10));
	shared_set_ceiling(shared, 0, SHARED_NO_CEILING);
	assert_int_equal(shared_take_waiting(shared, 0), 1u << 1);
	assert_true(shared_admit(shared, 0, 1, 10));
	/* Above the limit it changes nothing; naming the row anew takes it away. */
	shared_set_ceiling(shared, 0, 100);
	assert_false(shared_admit(shared, 0, 1, 4));
	shared_name_row(shared, 0, "echo");
	shared_name_row(shared, 0, "chat");
	assert_int_equal(shared_ceiling(shared, 0), SHARED_NO_CEILING);
	(void)shared_free(shared);
}

static void
a_refused_writer_is_noted_as_waiting_once_and_does_not_wake_itself(void **test)
{
	struct shared *shared = new_shared(1, WRITERS);

	(void)test;
	assert_true(shared_admit(shared, 0, 1, 1));
	assert_int_equal(shared_take_waiting(shared, 0), 0);
	assert_false(shared_admit(shared, 0, 2, 1));
	assert_true(shared_release(shared, 0, 1));
	assert_int_equal(shared_take_waiting(shared, 0), 1u << 2);
	assert_int_equal(shared_take_waiting(shared, 0), 0);

	assert_true(shared_admit(shared, 0, 2, 1));
	assert_false(shared_admit(shared, 0, 2, 1));
	assert_false(shared_release(shared, 0, 2));
	(void)shared_free(shared);
}

static void
a_place_that_is_handed_over_is_never_free_and_belongs_to_the_new_owner(void **test)
{
	struct shared *shared = new_shared(1, WRITERS);

	(void)test;
	assert_true(shared_admit(shared, 0, 2, 1));
	assert_false(shared_hand_over(shared, 0, 2, SHARED_SUPERVISOR));
	assert_int_equal(shared_active(shared, 0), 1);
	/* The gate's death frees nothing of it. */
	shared_forget_writer(shared, 2);
	assert_int_equal(shared_active(shared, 0), 1);
	assert_false(shared_admit(shared, 0, 1, 1));
	assert_true(shared_release(shared, 0, SHARED_SUPERVISOR));
	assert_int_equal(shared_active(shared, 0), 0);
	(void)shared_free(shared);
}

static void
a_dead_writers_places_are_free_in_every_row_and_its_counters_stay(void **test)
{
	struct shared *shared = new_shared(3, WRITERS);

	(void)test;
	shared_name_row(shared, 0, "echo");
	shared_name_row(shared, 2, "chat");
	assert_true(shared_admit(shared, 0, 1, 2));
	assert_true(shared_admit(shared, 2, 1, 1));
	assert_true(shared_admit(shared, 0, 2, 2));
	assert_false(shared_admit(shared, 2, 2, 1));
	shared_add(shared, 0, 1, METRIC_connections, 5);
	shared_forget_writer(shared, 1);
	assert_int_equal(shared_active(shared, 0), 1);
	assert_int_equal(shared_active(shared, 2), 0);
	assert_int_equal(shared_take_waiting(shared, 2), 1u << 2);
	assert_int_equal(shared_read(shared, 0, METRIC_connections), 5);
	(void)shared_free(shared);
}

static void
counters_of_all_writers_are_added_up_and_do_not_touch_each_other(void **test)
{
	struct shared *shared = new_shared(2, WRITERS);

	(void)test;
	for (uint32_t writer = 0; writer < WRITERS; writer++) {
		for (unsigned int metric = 0; metric < METRIC_COUNT; metric++)
			shared_add(shared, 1, writer, (enum metric)metric, metric + 1);
	}
	for (unsigned int metric = 0; metric < METRIC_COUNT; metric++) {
		assert_int_equal(shared_read(shared, 1, (enum metric)metric), 3 * (metric + 1));
		assert_int_equal(shared_read(shared, 0, (enum metric)metric), 0);
	}
	assert_int_equal(shared_active(shared, 1), 0);
	(void)shared_free(shared);
}

static void
naming_a_row_again_starts_it_from_zero_and_no_name_frees_it(void **test)
{
	struct shared *shared = new_shared(2, WRITERS);
	char name[SHARED_NAME_MAX];

	(void)test;
	assert_false(shared_row_name(shared, 0, name));
	shared_name_row(shared, 0, "echo");
	assert_true(shared_row_name(shared, 0, name));
	assert_string_equal(name, "echo");
	shared_add(shared, 0, 2, METRIC_waits, 7);
	assert_true(shared_admit(shared, 0, 2, 1));
	assert_false(shared_admit(shared, 0, 1, 1));
	shared_name_row(shared, 0, "");
	assert_false(shared_row_name(shared, 0, name));
	shared_name_row(shared, 0,
		"a-name-that-is-longer-than-the-sixty-three-bytes-that-there-are-for-a-name");
	assert_true(shared_row_name(shared, 0, name));
	assert_int_equal(strlen(name), SHARED_NAME_MAX - 1);
	assert_int_equal(shared_read(shared, 0, METRIC_waits), 0);
	assert_int_equal(shared_active(shared, 0), 0);
	assert_int_equal(shared_take_waiting(shared, 0), 0);
	(void)shared_free(shared);
}

/* --- two processes and one row */

/* What the hammering processes share beside the table: how many are inside, the most ever, and
 * for each whether it was told to wait. */
struct arena {
	_Atomic int inside;
	_Atomic int broken;
	_Atomic int wake[WRITERS];
};

static void
note_entry(struct arena *arena, int limit)
{
	if (atomic_fetch_add(&arena->inside, 1) >= limit)
		atomic_store(&arena->broken, 1);
}

/* What the supervisor does when a gate says that it freed a place. */
static void
wake_waiting(struct shared *shared, struct arena *arena)
{
	uint64_t waiting = shared_take_waiting(shared, 0);

	for (uint32_t writer = 0; writer < WRITERS; writer++) {
		if ((waiting >> writer & 1) != 0)
			atomic_store(&arena->wake[writer], 1);
	}
}

/* Take and give back a place so many times; when refused, do nothing until woken. A wake-up that
 * got lost would leave this waiting for ever: the alarm ends it. */
static void
hammer(struct shared *shared, struct arena *arena, uint32_t writer, int limit)
{
	int held = 0;

	(void)alarm(PATIENCE_S);
	for (int round = 0; round < ROUNDS;) {
		if (shared_admit(shared, 0, writer, limit)) {
			note_entry(arena, limit);
			held++;
			round++;
		} else if (held == 0) {
			while (atomic_exchange(&arena->wake[writer], 0) == 0)
				(void)sched_yield();
			continue;
		}
		/* Half of the rounds keep the place for a while. */
		if (held > 0 && (round % 2 == 0 || held == limit || round == ROUNDS)) {
			for (; held > 0; held--) {
				(void)atomic_fetch_sub(&arena->inside, 1);
				if (shared_release(shared, 0, writer))
					wake_waiting(shared, arena);
			}
		}
	}
	_exit(0);
}

static void
hammer_with_two_processes(int limit)
{
	struct shared *shared = new_shared(1, WRITERS);
	struct arena *arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t gates[WRITERS];
	int status;

	assert_true(arena != MAP_FAILED);
	shared_name_row(shared, 0, "hammered");
	for (uint32_t writer = 1; writer < WRITERS; writer++) {
		gates[writer] = fork();
		assert_true(gates[writer] >= 0);
		if (gates[writer] == 0)
			hammer(shared, arena, writer, limit);
	}
	for (uint32_t writer = 1; writer < WRITERS; writer++) {
		assert_int_equal(waitpid(gates[writer], &status, 0), gates[writer]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(atomic_load(&arena->broken), 0);
	assert_int_equal(atomic_load(&arena->inside), 0);
	assert_int_equal(shared_active(shared, 0), 0);
	(void)munmap(arena, sizeof(*arena));
	(void)shared_free(shared);
}

static void
one_place_is_never_given_to_two_processes_and_no_wake_up_is_lost(void **test)
{
	(void)test;
	hammer_with_two_processes(1);
}

static void
three_places_are_never_given_to_four_and_no_wake_up_is_lost(void **test)
{
	(void)test;
	hammer_with_two_processes(3);
}

/* Hand the only place over, from the highest writer to the lowest, once for each round that the
 * observer opens, and give it back to the highest between the rounds. */
static void
hand_over_each_round(struct shared *shared, _Atomic int *round, _Atomic int *done)
{
	(void)alarm(PATIENCE_S);
	for (int i = 1; i <= MOVES; i++) {
		while (atomic_load(round) < i)
			(void)sched_yield();
		(void)shared_hand_over(shared, 0, SHARED_WRITERS_MAX - 1, SHARED_SUPERVISOR);
		atomic_store(done, i);
	}
	_exit(0);
}

static void
a_place_is_not_missed_while_it_is_handed_over(void **test)
{
	struct shared *shared = new_shared(1, SHARED_WRITERS_MAX);
	_Atomic int *rounds =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned int looks = 0;
	int given = 0;
	int status;
	pid_t mover;

	(void)test;
	assert_true(rounds != MAP_FAILED);
	mover = fork();
	assert_true(mover >= 0);
	if (mover == 0)
		hand_over_each_round(shared, &rounds[0], &rounds[64]);
	(void)alarm(PATIENCE_S); /* without the mover there is no end */
	for (int i = 1; i <= MOVES; i++) {
		assert_true(shared_admit(shared, 0, SHARED_WRITERS_MAX - 1, 1));
		atomic_store(&rounds[0], i);
		do {
			given += shared_admit(shared, 0, 1, 1);
			/* Both may have to do with one processor. */
			if (++looks % LOOKS_AT_ONCE == 0)
				(void)sched_yield();
		} while (atomic_load(&rounds[64]) < i && given == 0);
		if (given > 0)
			break;
		(void)shared_release(shared, 0, SHARED_SUPERVISOR);
	}
	if (given > 0)
		(void)kill(mover, SIGKILL);
	assert_int_equal(waitpid(mover, &status, 0), mover);
	(void)alarm(0);
	assert_int_equal(given, 0);
	assert_int_equal(status, 0);
	(void)munmap(rounds, 4096);
	(void)shared_free(shared);
}

/* --- the memory */

static void
another_process_maps_the_same_memory_by_the_descriptor(void **test)
{
	struct shared *first = NULL;
	struct shared *second = NULL;
	int shared_fd = -1;

	(void)test;
	assert_int_equal(shared_create(&first, &shared_fd, 5, WRITERS), 0);
	assert_int_equal(shared_map(&second, shared_fd), 0);
	assert_int_equal(shared_rows(second), 5);
	assert_int_equal(shared_writers(second), WRITERS);
	shared_add(first, 4, 1, METRIC_handlers, 3);
	shared_add(second, 4, 2, METRIC_handlers, 4);
	assert_int_equal(shared_read(first, 4, METRIC_handlers), 7);
	assert_int_equal(fcntl(shared_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(shared_fd);
	(void)shared_free(first);
	(void)shared_free(second);
}

static void
memory_that_could_shrink_or_is_of_another_kind_is_refused(void **test)
{
	struct shared *shared = NULL;
	int shared_fd = -1;
	int other_fd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	static char bytes[1 << 20];
	ssize_t length;

	(void)test;
	assert_int_equal(shared_create(&shared, &shared_fd, 1, 1), 0);
	assert_int_equal(ftruncate(shared_fd, 0), -1);
	assert_int_equal(errno, EPERM);
	(void)shared_free(shared);

	/* A true copy of the bytes, but its owner could shrink it. */
	assert_true(other_fd >= 0);
	length = pread(shared_fd, bytes, sizeof(bytes), 0);
	assert_in_range(length, 64, sizeof(bytes) - 1);
	assert_int_equal(write(other_fd, bytes, (size_t)length), length);
	assert_int_equal(shared_map(&shared, other_fd), -EPROTO);
	assert_int_equal(fcntl(other_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
		0);
	assert_int_equal(shared_map(&shared, other_fd), 0);
	(void)shared_free(shared);
	/* More rows than the size has room for. */
	assert_int_equal(pwrite(other_fd, "\2", 1, 20), 1);
	assert_int_equal(shared_map(&shared, other_fd), -EPROTO);
	(void)close(other_fd);
	(void)close(shared_fd);
}

static void
who_watches_sees_what_all_writers_count_and_cannot_change_it(void **test)
{
	struct shared *shared = NULL;
	const struct shared *view = NULL;
	char name[SHARED_NAME_MAX];
	struct stat status;
	int shared_fd = -1;
	int view_fd;

	(void)test;
	assert_int_equal(shared_create(&shared, &shared_fd, 3, WRITERS), 0);
	view_fd = shared_open_view(shared_fd);
	assert_true(view_fd >= 0);
	assert_int_equal(fcntl(view_fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(shared_view(&view, view_fd), 0);
	shared_name_row(shared, 1, "echo");
	shared_add(shared, 1, 1, METRIC_connections, 3);
	shared_add(shared, 1, 2, METRIC_connections, 4);
	assert_true(shared_admit(shared, 1, 2, 5));
	assert_int_equal(shared_rows(view), 3);
	assert_int_equal(shared_writers(view), WRITERS);
	assert_true(shared_row_name(view, 1, name));
	assert_string_equal(name, "echo");
	assert_int_equal(shared_read(view, 1, METRIC_connections), 7);
	assert_int_equal(shared_active(view, 1), 1);

	assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, view_fd, 0) == MAP_FAILED);
	assert_int_equal(errno, EACCES);
	assert_int_equal(pwrite(view_fd, "x", 1, 0), -1);
	assert_int_equal(fstat(view_fd, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0600);
	assert_null(shared_view_free(view));
	assert_null(shared_view_free(NULL));
	(void)close(view_fd);
	(void)close(shared_fd);
	(void)shared_free(shared);
}

static void
a_view_of_other_memory_is_refused(void **test)
{
	const struct shared *view = NULL;
	int other_fd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct shared *shared = NULL;
	int shared_fd = -1;

	(void)test;
	assert_int_equal(shared_create(&shared, &shared_fd, 1, 1), 0);
	/* What is counted is another table's. */
	assert_int_equal(pwrite(shared_fd, "\1", 1, 8), 1);
	assert_int_equal(shared_view(&view, shared_fd), -EPROTO);
	assert_int_equal(ftruncate(other_fd, 4096), 0);
	assert_int_equal(shared_view(&view, other_fd), -EPROTO);
	assert_int_equal(shared_view(&view, -1), -EPROTO);
	assert_null(view);
	(void)close(other_fd);
	(void)close(shared_fd);
	(void)shared_free(shared);
}

static void
a_shape_out_of_range_is_refused(void **test)
{
	struct shared *shared = NULL;
	int shared_fd = -1;

	(void)test;
	assert_int_equal(shared_create(&shared, &shared_fd, 0, 1), -EINVAL);
	assert_int_equal(shared_create(&shared, &shared_fd, 1, 0), -EINVAL);
	assert_int_equal(shared_create(&shared, &shared_fd, 1, SHARED_WRITERS_MAX + 1), -EINVAL);
	assert_int_equal(shared_create(&shared, &shared_fd, SHARED_ROWS_MAX + 1, 1), -EINVAL);
	assert_int_equal(shared_fd, -1);
}

static void
ten_thousand_named_services_touch_less_than_a_megabyte_and_a_half(void **test)
{
	struct shared *shared = NULL;
	struct stat status;
	int shared_fd = -1;

	(void)test;
	assert_int_equal(shared_create(&shared, &shared_fd, 20000, WRITERS), 0);
	for (uint32_t row = 0; row < 10000; row++)
		shared_name_row(shared, row, "service");
	assert_int_equal(fstat(shared_fd, &status), 0);
	assert_true(status.st_blocks * 512 < 1500000);
	(void)close(shared_fd);
	(void)shared_free(shared);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_up_to_the_limit_are_given_and_given_back),
		cmocka_unit_test(
			a_ceiling_bounds_the_places_below_the_limit_and_is_gone_when_it_is_raised),
		cmocka_unit_test(
			a_refused_writer_is_noted_as_waiting_once_and_does_not_wake_itself),
		cmocka_unit_test(
			a_place_that_is_handed_over_is_never_free_and_belongs_to_the_new_owner),
		cmocka_unit_test(a_dead_writers_places_are_free_in_every_row_and_its_counters_stay),
		cmocka_unit_test(counters_of_all_writers_are_added_up_and_do_not_touch_each_other),
		cmocka_unit_test(naming_a_row_again_starts_it_from_zero_and_no_name_frees_it),
		cmocka_unit_test(one_place_is_never_given_to_two_processes_and_no_wake_up_is_lost),
		cmocka_unit_test(three_places_are_never_given_to_four_and_no_wake_up_is_lost),
		cmocka_unit_test(a_place_is_not_missed_while_it_is_handed_over),
		cmocka_unit_test(another_process_maps_the_same_memory_by_the_descriptor),
		cmocka_unit_test(memory_that_could_shrink_or_is_of_another_kind_is_refused),
		cmocka_unit_test(who_watches_sees_what_all_writers_count_and_cannot_change_it),
		cmocka_unit_test(a_view_of_other_memory_is_refused),
		cmocka_unit_test(a_shape_out_of_range_is_refused),
		cmocka_unit_test(ten_thousand_named_services_touch_less_than_a_megabyte_and_a_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
