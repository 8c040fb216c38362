/* SPDX-License-Identifier: ISC */
/* The map and the arena that readers and checks stand on. */
/* LINK: src/config/map.o src/config/arena.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/arena.h"
#include "config/map.h"

#include <errno.h>
#include <stdalign.h>
#include <string.h>

#define MANY 20000

static void
every_key_of_many_is_found_and_no_other(void **state)
{
	struct map *map = map_new();
	static uint32_t keys[MANY];
	uint32_t other = MANY;

	(void)state;
	assert_non_null(map);
	assert_null(map_find(map, &other, sizeof(other)));
	for (uint32_t i = 0; i < MANY; i++) {
		keys[i] = i;
		assert_int_equal(map_add(map, &keys[i], sizeof(keys[i]), &keys[i]), 0);
	}
	for (uint32_t i = 0; i < MANY; i++)
		assert_ptr_equal(map_find(map, &i, sizeof(i)), &keys[i]);
	assert_null(map_find(map, &other, sizeof(other)));
	/* The same bytes, but fewer of them, are another key. */
	assert_null(map_find(map, &keys[1], sizeof(keys[1]) - 1));
	assert_null(map_free(map));
	assert_null(map_free(NULL));
}

static void
a_key_may_be_empty(void **state)
{
	struct map *map = map_new();
	char value;

	(void)state;
	assert_non_null(map);
	assert_int_equal(map_add(map, "", 0, &value), 0);
	assert_ptr_equal(map_find(map, "x", 0), &value);
	assert_null(map_find(map, "x", 1));
	(void)map_free(map);
}

static void
what_an_arena_gives_is_zeroed_aligned_and_apart(void **state)
{
	struct arena *arena = arena_new();
	char *before = NULL;
	size_t before_size = 0;

	(void)state;
	assert_non_null(arena);
	for (size_t size = 1; size < 40000; size += 97) {
		char *text = arena_copy(arena, "abc", size % 4);
		char *taken = arena_take(arena, size);

		assert_non_null(taken);
		assert_int_equal((uintptr_t)taken % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(taken[i], 0);
		assert_memory_equal(text, "abc", size % 4);
		assert_int_equal(text[size % 4], '\0');
		memset(taken, 'x', size);
		for (size_t i = 0; i < before_size; i++)
			assert_int_equal(before[i], 'x');
		before = taken;
		before_size = size;
	}
	assert_int_equal(arena_error(arena), 0);
	assert_null(arena_free(arena));
	assert_null(arena_free(NULL));
}

static void
equal_objects_are_kept_once_and_no_other(void **state)
{
	struct arena *arena = arena_new();
	uint64_t object[2] = { 1, 2 };
	const void *kept, *other;

	(void)state;
	assert_non_null(arena);
	kept = arena_intern_object(arena, object, sizeof(object));
	assert_ptr_equal(arena_intern_object(arena, object, sizeof(object)), kept);
	assert_ptr_not_equal(arena_intern_object(arena, object, sizeof(object[0])), kept);
	object[1] = 3;
	other = arena_intern_object(arena, object, sizeof(object));
	assert_ptr_not_equal(other, kept);
	assert_memory_equal(other, object, sizeof(object));
	object[1] = 2;
	assert_memory_equal(kept, object, sizeof(object));
	(void)arena_free(arena);
}

static void
an_arena_remembers_that_there_was_no_memory(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	assert_non_null(arena);
	assert_null(arena_take(arena, SIZE_MAX));
	assert_non_null(arena_take(arena, 1));
	assert_int_equal(arena_error(arena), -ENOMEM);
	(void)arena_free(arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_of_many_is_found_and_no_other),
		cmocka_unit_test(a_key_may_be_empty),
		cmocka_unit_test(what_an_arena_gives_is_zeroed_aligned_and_apart),
		cmocka_unit_test(equal_objects_are_kept_once_and_no_other),
		cmocka_unit_test(an_arena_remembers_that_there_was_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
