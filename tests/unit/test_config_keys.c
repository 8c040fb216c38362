/* SPDX-License-Identifier: ISC */
/* The table of keys: every row, and every kind of value. */
/* LINK: src/config/keys.o src/config/value.o src/base/prefix.o src/config/access_rule.o
 * src/base/hostname.o
 * src/config/banner.o src/config/value_read.o src/config/value_write.o src/config/arena.o
 * src/config/map.o src/config/meaning.o src/config/protocols.o src/config/complaint.o
 * src/base/netaddr.o src/base/textbuf.o src/base/utf8.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/keys.h"
#include "config/meaning.h"
#include "config/value.h"

#include <stdio.h>
#include <string.h>

/* Room for either object. */
union object {
	struct config_daemon daemon;
	struct service_keys service;
};

struct fixture {
	struct arena *arena;
	union object object;
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->arena = arena_new();
	assert_non_null(fixture->arena);
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	(void)arena_free(fixture->arena);
	free(fixture);
	return 0;
}

static int
read_key(struct fixture *fixture, const struct key *key, const char *text)
{
	struct textbuf problem = TEXTBUF_INIT(KEY_PROBLEM_MAX);
	int error = key_read(key, &fixture->object, text, fixture->arena, &problem);

	/* Whoever is refused hears why. */
	assert_true(error == 0 || (problem.text != NULL && problem.length > 0));
	textbuf_fini(&problem);
	return error;
}

/* What the key prints after it was given a text; "refused" if it was not taken. */
static void
assert_reads(struct fixture *fixture, const char *name, const char *text, const char *wanted)
{
	const struct key *key = keys_find(name);
	struct textbuf printed = TEXTBUF_INIT(8192);
	union object before = fixture->object;

	assert_non_null(key);
	if (read_key(fixture, key, text) < 0) {
		assert_string_equal("refused", wanted);
		assert_memory_equal(&before, &fixture->object, sizeof(before));
	} else {
		assert_true(key_write(key, &fixture->object, 0, &printed));
		assert_string_equal(printed.text != NULL ? printed.text : "", wanted);
	}
	textbuf_fini(&printed);
}

static void
every_default_suits_its_own_row(void **state)
{
	struct fixture *fixture = *state;
	size_t count;
	const struct key *keys = keys_all(&count);

	assert_int_equal(count, KEY_PLACES_DAEMON + KEY_PLACES_SERVICE);
	for (size_t i = 0; i < count; i++)
		if (keys[i].default_text != NULL)
			assert_int_equal(read_key(fixture, &keys[i], keys[i].default_text), 0);
}

static void
every_row_is_found_by_its_whole_name_only_and_has_help(void **state)
{
	size_t count;
	const struct key *keys = keys_all(&count);
	char part[64];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_ptr_equal(keys_find(keys[i].name), &keys[i]);
		(void)snprintf(part, sizeof(part), "%.*s", (int)strlen(keys[i].name) - 1,
			keys[i].name);
		assert_true(keys_find(part) == NULL || strcmp(keys_find(part)->name, part) == 0);
		assert_true(strlen(keys[i].help) > 10);
		assert_int_equal(keys[i].help[strlen(keys[i].help) - 1], '.');
		assert_true(strlen(keys[i].name) < 32); /* complaint_nearest knows no longer ones */
	}
	assert_null(keys_find(""));
	assert_null(keys_find("instancess"));
}

static void
every_key_has_a_place_of_its_own_in_its_object(void **state)
{
	size_t count;
	const struct key *keys = keys_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (key_is_daemon(&keys[i]) == key_is_daemon(&keys[j])) {
				assert_int_not_equal(keys[i].offset, keys[j].offset);
				assert_int_not_equal(keys[i].place, keys[j].place);
			}
}

static void
every_key_of_services_is_found_by_its_place(void **state)
{
	size_t count;
	const struct key *keys = keys_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++)
		if (key_is_service(&keys[i]))
			assert_ptr_equal(keys_find_service(keys[i].place), &keys[i]);
}

static void
defaults_fill_the_structs_that_the_code_reads(void **state)
{
	struct fixture *fixture = *state;

	keys_set_service_defaults(&fixture->object.service, fixture->arena);
	assert_int_equal(fixture->object.service.instances, 1000);
	assert_int_equal(fixture->object.service.idle, -1);
	assert_int_equal(fixture->object.service.mode, 0666);
	assert_int_equal(fixture->object.service.tcpmux, CONFIG_TCPMUX_NO);
	assert_null(fixture->object.service.user);
	assert_null(fixture->object.service.env);
	assert_string_equal(fixture->object.service.options.chat_room, "lobby");
	assert_int_equal(fixture->object.service.options.chat_udp_silence, 300000);
	keys_set_daemon_defaults(&fixture->object.daemon, fixture->arena);
	assert_int_equal(fixture->object.daemon.grace, 10000);
	assert_int_equal(fixture->object.daemon.log, CONFIG_LOG_AUTO);
	assert_int_equal(arena_error(fixture->arena), 0);
}

static void
spans_of_time_have_units_and_are_seconds_without(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture, "idle", "90", "90s");
	assert_reads(fixture, "idle", "90s", "90s");
	assert_reads(fixture, "idle", "120s", "2min");
	assert_reads(fixture, "idle", "1500ms", "1500ms");
	assert_reads(fixture, "idle", "2000ms", "2s");
	assert_reads(fixture, "idle", "24h", "1d");
	assert_reads(fixture, "idle", "0", "0");
	assert_reads(fixture, "idle", "30d", "30d");
	assert_reads(fixture, "idle", "31d", "refused");
	assert_reads(fixture, "idle", "99999999999999999999d", "refused");
	assert_reads(fixture, "idle", "9223372036854775807d", "refused");
	assert_reads(fixture, "idle", "1 s", "refused");
	assert_reads(fixture, "idle", "s", "refused");
	assert_reads(fixture, "idle", "1m", "refused");
	assert_reads(fixture, "chat_udp_silence", "999ms", "refused");
	assert_reads(fixture, "max_time", "auto", "refused");
}

static void
auto_is_a_word_and_not_the_number_behind_it(void **state)
{
	struct fixture *fixture = *state;
	struct textbuf range = TEXTBUF_INIT(64);

	assert_reads(fixture, "idle", "auto", "auto");
	assert_int_equal(fixture->object.service.idle, -1);
	assert_reads(fixture, "idle", "-1", "refused");
	assert_reads(fixture, "idle", "-1ms", "refused");
	assert_reads(fixture, "idle", "-9223372036854775807d", "refused");
	key_describe_values(keys_find("idle"), &range);
	assert_string_equal(range.text, "auto or 0..30d");
	textbuf_reset(&range);
	key_describe_values(keys_find("stop_timeout"), &range);
	assert_string_equal(range.text, "0..1d");
	textbuf_fini(&range);
}

static void
sizes_have_units_of_1024(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture, "reply_budget", "4096", "4k");
	assert_reads(fixture, "reply_budget", "1M", "1M");
	assert_reads(fixture, "reply_budget", "1000", "1000");
	assert_reads(fixture, "reply_budget", "0", "0");
	assert_reads(fixture, "reply_budget", "1073741825", "refused");
	assert_reads(fixture, "reply_budget", "1G", "1G");
	assert_reads(fixture, "reply_budget", "1K", "refused");
	assert_reads(fixture, "reply_budget", "-1", "refused");
	assert_reads(fixture, "reply_budget", "9999999999G", "refused");
}

static void
rates_are_a_number_and_a_span_that_is_a_second_unless_told(void **state)
{
	struct fixture *fixture = *state;
	struct config_rate rate;

	assert_reads(fixture, "cps", "50", "50");
	rate = config_rate(fixture->object.service.cps);
	assert_int_equal(rate.count, 50);
	assert_int_equal(rate.span, 1000);
	assert_reads(fixture, "cps", "50/s", "50");
	assert_reads(fixture, "cps", "50/1000ms", "50");
	assert_reads(fixture, "cps", "100/min", "100/min");
	assert_reads(fixture, "cps", "100/60s", "100/min");
	assert_reads(fixture, "cps", "2/10s", "2/10s");
	assert_reads(fixture, "cps", "1000000/1d", "1000000/d");
	rate = config_rate(fixture->object.service.cps);
	assert_int_equal(rate.count, 1000000);
	assert_int_equal(rate.span, 86400000);
	assert_reads(fixture, "cps", "5/1500ms", "5/1500ms");
	assert_reads(fixture, "cps", "0", "0");
	assert_reads(fixture, "cps", "0/min", "0");
	assert_int_equal(fixture->object.service.cps, 0);
	assert_reads(fixture, "cps", "50 10", "refused");
	assert_reads(fixture, "cps", "50/", "refused");
	assert_reads(fixture, "cps", "/s", "refused");
	assert_reads(fixture, "cps", "5/0s", "refused");
	assert_reads(fixture, "cps", "5/2d", "refused");
	assert_reads(fixture, "cps", "5/10", "refused");
	assert_reads(fixture, "cps", "5/min/min", "refused");
	assert_reads(fixture, "cps", "1000001", "refused");
	assert_reads(fixture, "cps", "-1", "refused");
	assert_reads(fixture, "cps", "99999999999999999999/min", "refused");
	assert_reads(fixture, "ban", "70000/min", "refused");
}

static void
loads_have_up_to_two_digits_behind_the_point(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture, "max_load", "8", "8");
	assert_int_equal(fixture->object.service.max_load, 800);
	assert_reads(fixture, "max_load", "2.5", "2.5");
	assert_int_equal(fixture->object.service.max_load, 250);
	assert_reads(fixture, "max_load", "0.05", "0.05");
	assert_reads(fixture, "max_load", "2.50", "2.5");
	assert_reads(fixture, "max_load", "0", "0");
	assert_reads(fixture, "max_load", "2.", "refused");
	assert_reads(fixture, "max_load", ".5", "refused");
	assert_reads(fixture, "max_load", "2.555", "refused");
	assert_reads(fixture, "max_load", "2,5", "refused");
	assert_reads(fixture, "max_load", "100001", "refused");
}

static void
counts_are_digits_within_their_range(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture, "instances", "1", "1");
	assert_reads(fixture, "instances", "1000000", "1000000");
	assert_reads(fixture, "instances", "0007", "7");
	assert_reads(fixture, "instances", "0", "refused");
	assert_reads(fixture, "instances", "1000001", "refused");
	assert_reads(fixture, "instances", "4294967297", "refused");
	assert_reads(fixture, "instances", "18446744073709551617", "refused");
	assert_reads(fixture, "instances", "", "refused");
	assert_reads(fixture, "instances", "-", "refused");
	assert_reads(fixture, "instances", "+5", "refused");
	assert_reads(fixture, "instances", "0x10", "refused");
	assert_reads(fixture, "instances", "5 ", "refused");
	assert_reads(fixture, "instances", "5k", "refused");
}

static void
a_count_may_be_negative_where_its_range_is(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture, "nice", "-20", "-20");
	assert_reads(fixture, "nice", "19", "19");
	assert_reads(fixture, "nice", "-0", "0");
	assert_reads(fixture, "nice", "-21", "refused");
	assert_reads(fixture, "nice", "20", "refused");
	assert_reads(fixture, "nice", "--1", "refused");
	assert_reads(fixture, "nice", "-99999999999999999999", "refused");
	assert_reads(fixture, "oom_score_adjust", "-1000", "-1000");
	assert_reads(fixture, "oom_score_adjust", "-1001", "refused");
	assert_reads(fixture, "instances", "-5", "refused");
}

static void
limits_are_printed_in_one_form_whatever_they_were_written_as(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture, "rlimit_as", "unlimited", "unlimited");
	assert_reads(fixture, "rlimit_as", "unlimited:unlimited", "unlimited");
	assert_reads(fixture, "rlimit_as", "64k", "65536");
	assert_reads(fixture, "rlimit_as", "1024k:2048k", "1M:2M");
	assert_reads(fixture, "rlimit_as", "1048576:1G", "1M:1G");
	assert_reads(fixture, "rlimit_as", "007:7", "7");
	assert_reads(fixture, "rlimit_as", "0:unlimited", "0:unlimited");
	assert_reads(fixture, "rlimit_as", "8589934591G", "8589934591G");
	assert_reads(fixture, "rlimit_as", "8589934592G", "refused");
	assert_reads(fixture, "rlimit_as", "9223372036854775806", "9223372036854775806");
	assert_reads(fixture, "rlimit_as", "9223372036854775807", "refused");
	assert_reads(fixture, "rlimit_as", "99999999999999999999", "refused");
	assert_reads(fixture, "rlimit_as", "2:1", "refused");
	assert_reads(fixture, "rlimit_as", "unlimited:1", "refused");
	assert_reads(fixture, "rlimit_as", "-1", "refused");
	assert_reads(fixture, "rlimit_as", "1:", "refused");
	assert_reads(fixture, "rlimit_as", ":1", "refused");
	assert_reads(fixture, "rlimit_as", "1:2:3", "refused");
	assert_reads(fixture, "rlimit_as", "1K", "refused");
	assert_reads(fixture, "rlimit_as", "", "refused");
	assert_reads(fixture, "rlimit_as", "unlimitedG", "refused");
}

static void
modes_are_octal(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture, "mode", "0660", "0660");
	assert_reads(fixture, "mode", "660", "0660");
	assert_reads(fixture, "mode", "0", "0000");
	assert_reads(fixture, "mode", "0777", "0777");
	assert_reads(fixture, "mode", "01777", "refused");
	assert_reads(fixture, "mode", "0668", "refused");
	assert_reads(fixture, "mode", "u+x", "refused");
}

static void
words_are_whole_words(void **state)
{
	struct fixture *fixture = *state;

	assert_reads(fixture, "wait", "yes", "yes");
	assert_reads(fixture, "wait", "true", "yes");
	assert_reads(fixture, "wait", "on", "yes");
	assert_reads(fixture, "wait", "no", "no");
	assert_reads(fixture, "wait", "off", "no");
	assert_reads(fixture, "wait", "false", "no");
	assert_reads(fixture, "wait", "1", "refused");
	assert_reads(fixture, "wait", "Yes", "refused");
	assert_reads(fixture, "tcpmux", "plus", "plus");
	assert_reads(fixture, "tcpmux", "plu", "refused");
	assert_reads(fixture, "tcpmux", "pluss", "refused");
	assert_reads(fixture, "tcpmux", "no|plain", "refused");
	assert_reads(fixture, "tcpmux", "", "refused");
}

static void
texts_are_bounded_utf8_without_control_bytes(void **state)
{
	struct fixture *fixture = *state;
	char longest[4098];

	memset(longest, 'a', sizeof(longest) - 1);
	longest[4097] = '\0';
	assert_reads(fixture, "argv0", longest, "refused");
	longest[4096] = '\0';
	assert_reads(fixture, "argv0", longest, longest);
	assert_reads(fixture, "argv0", "two\twords \xc3\xa9", "two\twords \xc3\xa9");
	assert_reads(fixture, "argv0", "", "refused");
	assert_reads(fixture, "argv0", "two\nlines", "refused");
	assert_reads(fixture, "argv0", "del\x7f", "refused");
	assert_reads(fixture, "argv0", "\xff", "refused");
	assert_reads(fixture, "user", "two words", "refused");
	assert_reads(fixture, "user", "nobody:nogroup", "nobody:nogroup");
}

static void
a_list_grows_by_one_with_each_value(void **state)
{
	struct fixture *fixture = *state;
	const struct key *key = keys_find("env");
	union object other = { 0 };

	assert_non_null(key);
	assert_int_equal(read_key(fixture, key, "A=1"), 0);
	key_copy(key, &other, &fixture->object);
	assert_true(key_is_equal(key, &other, &fixture->object));
	assert_int_equal(read_key(fixture, key, "B=two words"), 0);
	assert_string_equal(fixture->object.service.env[0], "A=1");
	assert_string_equal(fixture->object.service.env[1], "B=two words");
	assert_null(fixture->object.service.env[2]);
	/* What was copied before is another list. */
	assert_null(other.service.env[1]);
	assert_false(key_is_equal(key, &other, &fixture->object));
	for (size_t i = 2; i < 256; i++)
		assert_int_equal(read_key(fixture, key, "C=3"), 0);
	assert_true(read_key(fixture, key, "C=3") < 0);
}

static void
names_may_be_one_text_with_commas_and_an_empty_text_is_a_list_of_none(void **state)
{
	struct fixture *fixture = *state;
	struct service_keys *keys = &fixture->object.service;

	assert_reads(fixture, "groups", "audio,video", "audio,video");
	assert_reads(fixture, "groups", "disk", "audio,video,disk");
	assert_string_equal(keys->groups[2], "disk");
	assert_null(keys->groups[3]);
	assert_reads(fixture, "groups", "", "refused");
	assert_reads(fixture, "groups", "a,", "refused");
	assert_reads(fixture, "groups", ",a", "refused");
	assert_reads(fixture, "groups", "a,,b", "refused");
	assert_reads(fixture, "groups", ",", "refused");
	assert_reads(fixture, "groups", "a b", "refused");
	assert_reads(fixture, "capabilities", "", "");
	assert_non_null(keys->capabilities);
	assert_null(keys->capabilities[0]);
	assert_reads(fixture, "capabilities", "", "");
	assert_reads(fixture, "capabilities", "net_raw", "refused");
}

static void
names_that_are_not_set_are_another_thing_than_none(void **state)
{
	struct fixture *fixture = *state;
	const struct key *key = keys_find("groups");
	struct textbuf printed = TEXTBUF_INIT(64);
	union object other = { 0 };

	assert_false(key_write(key, &other, 0, &printed));
	assert_int_equal(read_key(fixture, key, ""), 0);
	assert_false(key_is_equal(key, &other, &fixture->object));
	assert_true(key_write(key, &fixture->object, 0, &printed));
	assert_false(key_write(key, &fixture->object, 1, &printed));
	textbuf_fini(&printed);
}

static void
equal_texts_and_equal_lists_are_kept_once(void **state)
{
	static const char *const names[] = { "env", "groups", "rlimit_as", "argv0" };
	static const char *const texts[] = { "A=1", "b,c", "1M", "x" };
	struct fixture *fixture = *state;
	union object other = { 0 };

	memset(&fixture->object, 0, sizeof(fixture->object));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct textbuf problem = TEXTBUF_INIT(KEY_PROBLEM_MAX);
		char copy[8];

		(void)strcpy(copy, texts[i]);
		assert_int_equal(read_key(fixture, keys_find(names[i]), texts[i]), 0);
		assert_int_equal(key_read(keys_find(names[i]), &other, copy, fixture->arena,
					 &problem),
			0);
	}
	assert_memory_equal(&other, &fixture->object, sizeof(other));
}

static void
capabilities_are_found_by_either_name(void **state)
{
	(void)state;
	assert_int_equal(config_capability("net_raw"), 13);
	assert_int_equal(config_capability("CAP_NET_RAW"), 13);
	assert_int_equal(config_capability("Cap_Chown"), 0);
	assert_int_equal(config_capability("checkpoint_restore"), 40);
	assert_int_equal(config_capability("CAP_"), -1);
	assert_int_equal(config_capability(""), -1);
	assert_int_equal(config_capability("net_ra"), -1);
	assert_int_equal(config_capability("13"), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_default_suits_its_own_row, set_up, tear_down),
		cmocka_unit_test(every_row_is_found_by_its_whole_name_only_and_has_help),
		cmocka_unit_test(every_key_has_a_place_of_its_own_in_its_object),
		cmocka_unit_test(every_key_of_services_is_found_by_its_place),
		cmocka_unit_test_setup_teardown(defaults_fill_the_structs_that_the_code_reads,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(spans_of_time_have_units_and_are_seconds_without,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(auto_is_a_word_and_not_the_number_behind_it, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(sizes_have_units_of_1024, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			rates_are_a_number_and_a_span_that_is_a_second_unless_told, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(loads_have_up_to_two_digits_behind_the_point,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(counts_are_digits_within_their_range, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(a_count_may_be_negative_where_its_range_is, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			limits_are_printed_in_one_form_whatever_they_were_written_as, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(modes_are_octal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_are_whole_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(texts_are_bounded_utf8_without_control_bytes,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_list_grows_by_one_with_each_value, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			names_may_be_one_text_with_commas_and_an_empty_text_is_a_list_of_none,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_that_are_not_set_are_another_thing_than_none,
			set_up, tear_down),
		cmocka_unit_test_setup_teardown(equal_texts_and_equal_lists_are_kept_once, set_up,
			tear_down),
		cmocka_unit_test(capabilities_are_found_by_either_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
