/* SPDX-License-Identifier: ISC */
/* LINK: src/base/shared_sources.o src/base/shared_holds.o src/base/siphash.o */
/* What is remembered of sources: no more memory, no offender let out, strict over processes. */
#include "base/shared_holds.h"
#include "base/shared_sources.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define WRITERS 4
#define ROUNDS 20000
#define CROWD 10000000u
#define SOON 1000
#define FAR (UINT64_C(1) << 60)

static const uint64_t seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };

static struct shared_sources *
new_sources(uint32_t keys, int *ret_fd)
{
	struct shared_sources *sources = NULL;
	int sources_fd = -1;

	assert_int_equal(shared_sources_create(&sources, &sources_fd, keys, WRITERS, seed), 0);
	if (ret_fd != NULL)
		*ret_fd = sources_fd;
	else
		(void)close(sources_fd);
	return sources;
}

static uint64_t
key_of(const struct shared_sources *sources, uint32_t number)
{
	return shared_sources_key(sources, &number, sizeof(number));
}

/* --- moments */

static void
a_key_finds_its_own_word_again_and_none_before_it_took_one(void **test)
{
	struct shared_sources *sources = new_sources(SHARED_SOURCES_LEAST, NULL);
	uint64_t key = key_of(sources, 1);
	_Atomic uint64_t *word;

	(void)test;
	assert_null(shared_sources_find(sources, key));
	word = shared_sources_take(sources, key, SOON);
	assert_non_null(word);
	atomic_store(word, FAR);
	assert_ptr_equal(shared_sources_find(sources, key), word);
	assert_ptr_equal(shared_sources_take(sources, key, SOON), word);
	assert_null(shared_sources_find(sources, key_of(sources, 2)));
	(void)shared_sources_free(sources);
}

static uint64_t
blocks(int sources_fd)
{
	struct stat status;

	assert_int_equal(fstat(sources_fd, &status), 0);
	return (uint64_t)status.st_blocks * 512;
}

/* Everybody's moment is far away but the crowd's own: none of them can be forgotten. */
static void
ten_million_sources_neither_grow_the_memory_nor_let_an_offender_out(void **test)
{
	enum { OFFENDERS = 1000 };
	int sources_fd = -1;
	struct shared_sources *sources = new_sources(1u << 16, &sources_fd);
	uint32_t placed = 0;

	(void)test;
	for (uint32_t i = 0; i < OFFENDERS; i++)
		atomic_store(shared_sources_take(sources, key_of(sources, i), SOON), FAR + i);
	for (uint32_t i = OFFENDERS; i < CROWD; i++) {
		_Atomic uint64_t *word = shared_sources_take(sources, key_of(sources, i), SOON + i);

		/* Half of them are over at once, half of them stay for ever. */
		if (word != NULL && i % 2 == 0)
			atomic_store(word, FAR);
		placed += word != NULL;
	}
	for (uint32_t i = 0; i < OFFENDERS; i++) {
		_Atomic uint64_t *word = shared_sources_find(sources, key_of(sources, i));

		assert_non_null(word);
		assert_int_equal(atomic_load(word), FAR + i);
	}
	assert_true(placed < CROWD / 50);
	assert_true(blocks(sources_fd) <= (1u << 16) * 16 + (1u << 16) / 16 * 8 * WRITERS + 16384);
	(void)close(sources_fd);
	(void)shared_sources_free(sources);
}

static void
a_newcomer_takes_the_place_whose_moment_has_passed_longest_ago(void **test)
{
	struct shared_sources *sources = new_sources(SHARED_SOURCES_LEAST, NULL);
	uint64_t same_set = SHARED_SOURCES_LEAST / 8; /* keys so far apart share a set */

	(void)test;
	for (uint64_t i = 0; i < 8; i++)
		atomic_store(shared_sources_take(sources, 1 + i * same_set, 1), 100 + (i * 3) % 8);
	assert_null(shared_sources_take(sources, 1 + 8 * same_set, 99));
	assert_non_null(shared_sources_take(sources, 1 + 8 * same_set, 100));
	assert_null(shared_sources_find(sources, 1));                    /* 100 was the first's */
	assert_non_null(shared_sources_find(sources, 1 + 3 * same_set)); /* 101 */
	(void)shared_sources_free(sources);
}

static void
memory_of_another_kind_or_that_could_shrink_is_refused(void **test)
{
	int sources_fd = -1;
	struct shared_sources *sources = new_sources(SHARED_SOURCES_LEAST, &sources_fd);
	struct shared_sources *other = NULL;
	int other_fd = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	uint32_t huge = 1u << 30;

	(void)test;
	assert_int_equal(shared_sources_map(&other, other_fd), -EPROTO);
	assert_int_equal(shared_sources_map(&other, sources_fd), 0);
	assert_int_equal(shared_sources_writers(other), WRITERS);
	assert_int_equal(key_of(other, 5), key_of(sources, 5));
	other = shared_sources_free(other);
	/* Whoever has it can write it: the shape is judged all the same. */
	assert_int_equal(pwrite(sources_fd, &huge, sizeof(huge), 12), sizeof(huge));
	assert_int_equal(shared_sources_map(&other, sources_fd), -EPROTO);
	assert_int_equal(shared_sources_create(&other, &other_fd, 5, 1, seed), -EINVAL);
	(void)close(other_fd);
	(void)close(sources_fd);
	(void)shared_sources_free(sources);
}

/* --- connections */

static void
a_source_holds_as_many_as_it_may_whoever_counts_them(void **test)
{
	struct shared_sources *sources = new_sources(SHARED_SOURCES_LEAST, NULL);
	uint64_t key = key_of(sources, 1);

	(void)test;
	assert_true(shared_holds_take(sources, 1, key, 3));
	assert_true(shared_holds_take(sources, 2, key, 3));
	assert_true(shared_holds_take(sources, 2, key, 3));
	assert_false(shared_holds_take(sources, 1, key, 3));
	assert_true(shared_holds_take(sources, 1, key_of(sources, 2), 3));
	assert_int_equal(shared_holds_count(sources, key), 3);
	shared_holds_drop(sources, 2, key);
	assert_true(shared_holds_take(sources, 3, key, 3));
	shared_holds_drop(sources, 1, key_of(sources, 77)); /* nobody's: nothing happens */
	assert_int_equal(shared_holds_count(sources, key), 3);
	(void)shared_sources_free(sources);
}

static void
a_dead_writers_connections_are_given_back_and_no_others(void **test)
{
	static const uint32_t sizes[] = { SHARED_SOURCES_LEAST, 1u << 16, 1u << 22 };

	(void)test;
	for (size_t size = 0; size < ARRAY_SIZE(sizes); size++) {
		struct shared_sources *sources = new_sources(sizes[size], NULL);

		for (uint32_t i = 0; i < 40; i++) {
			assert_true(shared_holds_take(sources, 1, key_of(sources, i), 9));
			assert_true(shared_holds_take(sources, 2, key_of(sources, i), 9));
			assert_true(shared_holds_take(sources, 3, key_of(sources, i), 9));
		}
		shared_holds_forget_writer(sources, 2);
		for (uint32_t i = 0; i < 40; i++)
			assert_int_equal(shared_holds_count(sources, key_of(sources, i)), 2);
		(void)shared_sources_free(sources);
	}
}

static void
what_is_handed_over_survives_its_gate_and_ends_with_its_program(void **test)
{
	struct shared_sources *sources = new_sources(SHARED_SOURCES_LEAST, NULL);
	uint64_t key = key_of(sources, 1);

	(void)test;
	assert_true(shared_holds_take(sources, 2, key, 1));
	assert_true(shared_holds_hand_over(sources, 2, 0, key));
	shared_holds_forget_writer(sources, 2);
	assert_int_equal(shared_holds_count(sources, key), 1);
	assert_false(shared_holds_take(sources, 1, key, 1));
	shared_holds_drop(sources, 0, key);
	assert_true(shared_holds_take(sources, 1, key, 1));
	(void)shared_sources_free(sources);
}

static void
a_source_that_finds_no_place_is_refused_and_one_that_ends_makes_room(void **test)
{
	struct shared_sources *sources = new_sources(SHARED_SOURCES_LEAST, NULL);
	uint32_t refused = 0;
	uint32_t count = 0;

	(void)test;
	/* 64 places: the ten thousandth has none. */
	for (uint32_t i = 0; i < 10000; i++)
		refused += !shared_holds_take(sources, 1, key_of(sources, i), 5);
	for (uint32_t i = 0; i < 10000; i++)
		count += shared_holds_count(sources, key_of(sources, i));
	assert_int_equal(count, 10000 - refused);
	assert_int_equal(count, 64);
	for (uint32_t i = 0; i < 10000; i++)
		if (shared_holds_count(sources, key_of(sources, i)) > 0)
			shared_holds_drop(sources, 1, key_of(sources, i));
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(shared_holds_count(sources, key_of(sources, i)), 0);
	assert_true(shared_holds_take(sources, 1, key_of(sources, 12345), 5));
	(void)shared_sources_free(sources);
}

/* One of two processes that take and give back the few connections of one source. `inside` is
 * what really happens. */
static void
come_and_go(struct shared_sources *sources, uint32_t writer, uint32_t limit,
	_Atomic uint32_t *inside)
{
	uint64_t key = key_of(sources, 1);
	uint32_t served = 0;

	(void)alarm(60);
	while (served < ROUNDS) {
		if (!shared_holds_take(sources, writer, key, limit))
			continue;
		if (atomic_fetch_add(inside, 1) >= limit)
			_exit(1);
		served++;
		(void)atomic_fetch_sub(inside, 1);
		shared_holds_drop(sources, writer, key);
	}
	(void)shared_sources_free(sources);
	_exit(0);
}

static void
the_limit_is_strict_between_processes(void **test)
{
	struct shared_sources *sources = new_sources(SHARED_SOURCES_LEAST, NULL);
	_Atomic uint32_t *inside =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t children[3];

	(void)test;
	assert_true(inside != MAP_FAILED);
	for (uint32_t i = 0; i < 3; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			come_and_go(sources, i + 1, 1 + i / 3, inside);
	}
	for (uint32_t i = 0; i < 3; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(shared_holds_count(sources, key_of(sources, 1)), 0);
	(void)munmap(inside, 4096);
	(void)shared_sources_free(sources);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_finds_its_own_word_again_and_none_before_it_took_one),
		cmocka_unit_test(
			ten_million_sources_neither_grow_the_memory_nor_let_an_offender_out),
		cmocka_unit_test(a_newcomer_takes_the_place_whose_moment_has_passed_longest_ago),
		cmocka_unit_test(memory_of_another_kind_or_that_could_shrink_is_refused),
		cmocka_unit_test(a_source_holds_as_many_as_it_may_whoever_counts_them),
		cmocka_unit_test(a_dead_writers_connections_are_given_back_and_no_others),
		cmocka_unit_test(what_is_handed_over_survives_its_gate_and_ends_with_its_program),
		cmocka_unit_test(
			a_source_that_finds_no_place_is_refused_and_one_that_ends_makes_room),
		cmocka_unit_test(the_limit_is_strict_between_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
