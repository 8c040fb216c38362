/* SPDX-License-Identifier: ISC */
/* Banners: texts and files, and what is put into them. */
/* LINK: src/config/banner.o src/config/banner_files.o src/config/complaint.o
 * src/base/netaddr.o src/base/textbuf.o src/base/utf8.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/banner_files.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct netaddr peer = { .family = AF_INET, .port = 4711, .ip.v4.s_addr = 0x0100007f };

static struct banner_facts
facts_of(msec wait)
{
	return (struct banner_facts){ .peer = &peer,
		.service = "echo",
		.reason = "all is full",
		.wait = wait,
		.position = 3 };
}

/* What is sent of these bytes. */
static void
must_send(const char *bytes, bool is_file, const char *wanted)
{
	const struct banner_text text = {
		.bytes = bytes, .length = strlen(bytes), .is_file = is_file
	};
	const struct banner_facts facts = facts_of(30000);
	char sent[BANNER_SENT_MAX];
	size_t length = banner_write(&text, &facts, sent);

	assert_int_equal(length, strlen(wanted));
	assert_memory_equal(sent, wanted, length);
}

static void
a_text_has_escapes_and_a_file_has_none(void **state)
{
	(void)state;
	must_send("one\\ntwo\\r\\n\\t\\e\\\\\\x41\\x0a", false, "one\r\ntwo\r\n\t\033\\A\n");
	must_send("one\ntwo\\n\\q\r\n", true, "one\ntwo\\n\\q\r\n");
}

static void
what_is_known_of_the_client_is_put_in(void **state)
{
	(void)state;
	must_send("%a:%p %s: %r, %w (%n) 100%%", false,
		"127.0.0.1:4711 echo: all is full, 30 seconds (3) 100%");
	must_send("%a %q %", true, "127.0.0.1 %q %");
}

static void
time_to_wait_is_rounded_up_to_what_people_say(void **state)
{
	static const struct {
		msec wait;
		const char *text;
	} rows[] = {
		{ -1, "a while" },
		{ 0, "0 seconds" },
		{ 1, "1 second" },
		{ 1000, "1 second" },
		{ 1001, "2 seconds" },
		{ 90000, "90 seconds" },
		{ 90001, "2 minutes" },
		{ 5400000, "90 minutes" },
		{ 5400001, "2 hours" },
		{ 86400000, "24 hours" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct banner_text text = { .bytes = "%w", .length = 2 };
		const struct banner_facts facts = facts_of(rows[i].wait);
		char sent[BANNER_SENT_MAX];
		size_t length = banner_write(&text, &facts, sent);

		assert_int_equal(length, strlen(rows[i].text));
		assert_memory_equal(sent, rows[i].text, length);
	}
}

static void
what_is_sent_is_bounded_whatever_is_put_in(void **state)
{
	char bytes[BANNER_FILE_MAX];
	const struct banner_text text = { .bytes = bytes, .length = sizeof(bytes) };
	const struct banner_facts facts = facts_of(0);
	char *sent = malloc(BANNER_SENT_MAX); /* so that a sanitizer sees a step behind its end */

	(void)state;
	assert_non_null(sent);
	for (size_t i = 0; i < sizeof(bytes); i += 2) {
		bytes[i] = '%';
		bytes[i + 1] = 'r';
	}
	assert_int_equal(banner_write(&text, &facts, sent), BANNER_SENT_MAX);
	free(sent);
}

/* A value is kept so; NULL: it is a mistake. */
static void
must_keep(const char *value, const char *wanted)
{
	struct textbuf kept = TEXTBUF_INIT(4096), problem = TEXTBUF_INIT(1024);
	int error = banner_read(value, &kept, &problem);

	if (wanted == NULL) {
		assert_true(error < 0);
		assert_true(problem.length > 0);
	} else {
		assert_int_equal(error, 0);
		assert_string_equal(kept.text != NULL ? kept.text : "", wanted);
	}
	textbuf_fini(&kept);
	textbuf_fini(&problem);
}

static void
a_value_is_kept_without_control_bytes_and_its_mistakes_are_found(void **state)
{
	(void)state;
	must_keep("", "");
	must_keep("line\n\r\033\001\tx", "line\\n\\r\\e\\x01\tx");
	must_keep("\\n%%%a\\x7f", "\\n%%%a\\x7f");
	must_keep("file:/etc/100%\\q", "file:/etc/100%\\q");
	must_keep("file:etc/x", NULL);
	must_keep("file:", NULL);
	must_keep("100%", NULL);
	must_keep("%z", NULL);
	must_keep("\\", NULL);
	must_keep("\\q", NULL);
	must_keep("\\x1", NULL);
	must_keep("\\x1g", NULL);
}

/* A configuration with one service for each pair of values. */
struct given {
	struct service_keys keys[3];
	struct service_config services[3];
	struct config config;
};

static void
give(struct given *given, const char *const values[6])
{
	memset(given, 0, sizeof(*given));
	for (size_t i = 0; i < 3; i++) {
		given->keys[i].banner = (char *)(uintptr_t)values[2 * i];
		given->keys[i].banner_fail = (char *)(uintptr_t)values[2 * i + 1];
		given->services[i].keys = &given->keys[i];
	}
	given->config.services = given->services;
	given->config.service_count = 3;
}

static void
files_are_found_in_the_image_by_their_path(void **state)
{
	char folder[] = "/tmp/reeve-banner-XXXXXX";
	char names[2][64], values[2][80];
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf image = TEXTBUF_INIT(BANNER_FILES_MAX);
	struct banner_text text;
	struct given given;

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (int i = 0; i < 2; i++) {
		FILE *file;

		(void)snprintf(names[i], sizeof(names[i]), "%s/%d", folder, i);
		(void)snprintf(values[i], sizeof(values[i]), "file:%s", names[i]);
		file = fopen(names[i], "w");
		assert_non_null(file);
		(void)fprintf(file, "text %d", i);
		(void)fclose(file);
	}
	give(&given, (const char *[6]){ values[1], "words", values[0], values[1], NULL, "" });
	assert_int_equal(banner_files_make(&given.config, complaints, &image), 0);
	assert_int_equal(complaint_count(complaints), 0);
	assert_true(banner_files_are_whole(image.text, image.length));
	for (int i = 0; i < 2; i++) {
		assert_true(banner_find(image.text, values[i], &text));
		assert_true(text.is_file);
		assert_int_equal(text.length, 6);
		assert_int_equal(text.bytes[5], '0' + i);
		(void)unlink(names[i]);
	}
	assert_false(banner_find(image.text, "file:/elsewhere", &text));
	assert_false(banner_find(NULL, values[0], &text));
	assert_true(banner_find(NULL, "words", &text));
	assert_false(text.is_file);
	/* No beginning of it is taken for the whole, and none is read behind its end. */
	for (size_t length = 0; length < image.length; length++) {
		char *part = malloc(length > 0 ? length : 1);

		assert_non_null(part);
		memcpy(part, image.text, length);
		assert_false(banner_files_are_whole(part, length));
		free(part);
	}
	(void)rmdir(folder);
	textbuf_fini(&image);
	complaint_list_free(complaints);
}

static void
a_file_that_is_gone_is_complained_about(void **state)
{
	struct complaint_list *complaints = complaint_list_new();
	struct textbuf image = TEXTBUF_INIT(BANNER_FILES_MAX);
	struct given given;

	(void)state;
	give(&given, (const char *[6]){ "file:/nowhere/at/all", NULL, NULL, NULL, NULL, NULL });
	assert_int_equal(banner_files_make(&given.config, complaints, &image), 0);
	assert_int_equal(complaint_count(complaints), 1);
	textbuf_fini(&image);
	complaint_list_free(complaints);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_has_escapes_and_a_file_has_none),
		cmocka_unit_test(what_is_known_of_the_client_is_put_in),
		cmocka_unit_test(time_to_wait_is_rounded_up_to_what_people_say),
		cmocka_unit_test(what_is_sent_is_bounded_whatever_is_put_in),
		cmocka_unit_test(a_value_is_kept_without_control_bytes_and_its_mistakes_are_found),
		cmocka_unit_test(files_are_found_in_the_image_by_their_path),
		cmocka_unit_test(a_file_that_is_gone_is_complained_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
