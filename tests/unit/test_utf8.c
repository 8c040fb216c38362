/* SPDX-License-Identifier: ISC */
/* LINK: src/base/utf8.o */
/* UTF-8: every code point forth and back, every malformed kind refused, nothing that hides or
 * steers called printable. */
#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define LAST_POINT 0x10FFFFu

/* Any value as if it were a code point, of the length asked for; overlong if told to. */
static void
encode(uint32_t value, size_t length, char bytes[4])
{
	static const unsigned int marks[] = { 0, 0x00, 0xC0, 0xE0, 0xF0 };

	for (size_t i = length - 1; i > 0; i--) {
		bytes[i] = (char)(0x80 | (value & 0x3F));
		value >>= 6;
	}
	bytes[0] = (char)(marks[length] | value);
}

static size_t
shortest(uint32_t point)
{
	if (point < 0x80)
		return 1;
	if (point < 0x800)
		return 2;
	return point < 0x10000 ? 3 : 4;
}

static void
every_code_point_is_decoded_and_no_surrogate(void **test)
{
	char bytes[4];
	uint32_t decoded;

	(void)test;
	for (uint32_t point = 0; point <= LAST_POINT; point++) {
		size_t length = shortest(point);
		bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;

		encode(point, length, bytes);
		decoded = UINT32_MAX;
		assert_int_equal(utf8_next(bytes, 4, &decoded), is_surrogate ? 0 : length);
		assert_int_equal(decoded, is_surrogate ? UINT32_MAX : point);
	}
}

static void
overlong_forms_and_values_beyond_the_end_are_refused(void **test)
{
	char bytes[4];

	(void)test;
	for (size_t length = 2; length <= 4; length++) {
		for (uint32_t point = 0; point < 0x10000; point++) {
			if (shortest(point) >= length)
				break;
			encode(point, length, bytes);
			assert_int_equal(utf8_next(bytes, 4, NULL), 0);
		}
	}
	for (uint32_t value = LAST_POINT + 1; value < 0x200000; value += 0x3FF) {
		encode(value, 4, bytes);
		assert_int_equal(utf8_next(bytes, 4, NULL), 0);
	}
	assert_int_equal(utf8_next("\xF5\x80\x80\x80", 4, NULL), 0);
	assert_int_equal(utf8_next("\xF8\x88\x80\x80\x80", 5, NULL), 0);
	assert_int_equal(utf8_next("\xFF\xFF\xFF\xFF", 4, NULL), 0);
}

static void
what_is_cut_off_or_broken_in_the_middle_is_refused_without_reading_on(void **test)
{
	static const char *const whole[] = { "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };

	(void)test;
	assert_int_equal(utf8_next("", 0, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		size_t length = strlen(whole[i]);

		for (size_t cut = 1; cut < length; cut++) {
			/* Exactly so many bytes in their own memory, for the sanitizer to watch. */
			char *bytes = malloc(cut);
			char broken[5] = { 0 };

			assert_non_null(bytes);
			memcpy(bytes, whole[i], cut);
			assert_int_equal(utf8_next(bytes, cut, NULL), 0);
			free(bytes);
			memcpy(broken, whole[i], length);
			broken[cut] = 'x';
			assert_int_equal(utf8_next(broken, 4, NULL), 0);
		}
	}
	assert_int_equal(utf8_next("\x80", 1, NULL), 0);
	assert_int_equal(utf8_next("\xBF", 1, NULL), 0);
}

static void
the_first_bad_byte_is_found(void **test)
{
	(void)test;
	assert_int_equal(utf8_check("", 0), 0);
	assert_int_equal(utf8_check("a\xC3\xA9z", 4), 4);
	assert_int_equal(utf8_check("a\0b", 3), 3);
	assert_int_equal(utf8_check("ab\xFFz", 4), 2);
	assert_int_equal(utf8_check("a\xC3", 2), 1);
	assert_int_equal(utf8_check("a\xED\xA0\x80", 4), 1);
}

static void
what_hides_or_steers_is_not_printable(void **test)
{
	static const uint32_t hidden[] = { 0x00, 0x07, 0x0A, 0x1B, 0x7F, 0x85, 0x9B, 0xAD, 0x61C,
		0x180E, 0x200B, 0x200D, 0x200E, 0x200F, 0x2028, 0x2029, 0x202A, 0x202E, 0x2060,
		0x2066, 0x2069, 0x3164, 0xD800, 0xE000, 0xF8FF, 0xFDD0, 0xFDEF, 0xFE0F, 0xFEFF,
		0xFFF9, 0xFFFE, 0xFFFF, 0x1D173, 0x1FFFE, 0xE0001, 0xE007F, 0xF0000, 0x10FFFF,
		0x110000, UINT32_MAX };

	(void)test;
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (utf8_is_printable(hidden[i]))
			fail_msg("U+%04X is called printable", hidden[i]);
	}
}

static void
what_people_write_is_printable(void **test)
{
	static const uint32_t shown[] = { ' ', '!', '~', 0xA0, 0xE9, 0x301, 0x3B1, 0x5D0, 0x623,
		0x915, 0x1100, 0x1161, 0x2013, 0x20AC, 0x3042, 0x4E2D, 0xAC00, 0xF900, 0xFDF0,
		0xFE10, 0xFF21, 0xFFFD, 0x10000, 0x1F600, 0x20000, 0x30000 };

	(void)test;
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		if (!utf8_is_printable(shown[i]))
			fail_msg("U+%04X is called not printable", shown[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_point_is_decoded_and_no_surrogate),
		cmocka_unit_test(overlong_forms_and_values_beyond_the_end_are_refused),
		cmocka_unit_test(
			what_is_cut_off_or_broken_in_the_middle_is_refused_without_reading_on),
		cmocka_unit_test(the_first_bad_byte_is_found),
		cmocka_unit_test(what_hides_or_steers_is_not_printable),
		cmocka_unit_test(what_people_write_is_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
