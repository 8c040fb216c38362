/* SPDX-License-Identifier: ISC */
/* Varlink's messages, and the methods that the control socket has. */
/* LINK: src/model/varlink.o src/model/control_methods.o src/base/textbuf.o src/base/utf8.o
 * -ljansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/control_methods.h"
#include "model/varlink.h"

#include <errno.h>
#include <string.h>

static int
read_text(const char *text, struct varlink_message *ret_call)
{
	const char *wrong = NULL;
	int error = varlink_read_call(ret_call, text, strlen(text), &wrong);

	assert_true((error == -EPROTO) == (wrong != NULL));
	return error;
}

static void
messages_are_parted_at_nuls_however_they_come(void **state)
{
	static const char bytes[] = "one\0two\0\0three";
	size_t length;

	(void)state;
	for (size_t piece = 1; piece <= sizeof(bytes); piece++) {
		struct varlink_input input = VARLINK_INPUT_INIT(16);
		const char *const wanted[] = { "one", "two", "", "three" };
		size_t found = 0;

		for (size_t i = 0; i < sizeof(bytes); i += piece) {
			size_t rest = sizeof(bytes) - i;
			const char *text;

			assert_int_equal(varlink_input_add(&input, bytes + i,
						 rest < piece ? rest : piece),
				0);
			while ((text = varlink_input_next(&input, &length)) != NULL) {
				assert_string_equal(text, wanted[found++]);
				assert_int_equal(length, strlen(text));
			}
		}
		assert_int_equal(found, 4);
		varlink_input_fini(&input);
	}
}

static void
a_message_that_is_longer_than_may_be_is_refused(void **state)
{
	struct varlink_input input = VARLINK_INPUT_INIT(8);

	(void)state;
	assert_int_equal(varlink_input_add(&input, "1234", 4), 0);
	assert_int_equal(varlink_input_add(&input, "5678", 4), 0);
	assert_int_equal(varlink_input_add(&input, "9", 1), -EMSGSIZE);
	varlink_input_fini(&input);
}

static void
a_call_has_a_method_parameters_and_flags(void **state)
{
	struct varlink_message call;

	(void)state;
	assert_int_equal(read_text("{\"method\":\"a.B\",\"parameters\":{\"x\":1},\"more\":true}",
				 &call),
		0);
	assert_string_equal(call.method, "a.B");
	assert_int_equal(json_integer_value(json_object_get(call.parameters, "x")), 1);
	assert_true(call.wants_more);
	assert_false(call.is_oneway);
	varlink_message_fini(&call);
	assert_int_equal(read_text("{\"method\":\"a.B\"}", &call), 0);
	assert_int_equal(json_object_size(call.parameters), 0);
	varlink_message_fini(&call);
}

static void
what_is_no_call_is_refused(void **state)
{
	static const char *const texts[] = { "", "1", "[]", "null", "{", "{}", "{\"method\":1}",
		"{\"method\":null}", "{\"method\":\"a.B\",\"parameters\":[]}",
		"{\"method\":\"a.B\",\"parameters\":null}", "{\"method\":\"a.B\",\"more\":1}",
		"{\"method\":\"a.B\",\"method\":\"a.C\"}", "{\"method\":\"a.B\",\"extra\":1}",
		"{\"method\":\"a.B\"} x", "{\"method\":\"\\u0000\"}", "{\"method\":\"\xff\"}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct varlink_message call;

		assert_int_equal(read_text(texts[i], &call), -EPROTO);
	}
}

static void
depth_is_bounded_and_brackets_in_texts_do_not_count(void **state)
{
	struct varlink_message call;
	char text[65536];

	(void)state;
	memset(text, '[', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(read_text(text, &call), -EPROTO);
	assert_int_equal(read_text("{\"method\":\"[[[[[[[[[[[[[[\\\"[[[[[[[[[\"}", &call), 0);
	varlink_message_fini(&call);
}

static void
replies_and_errors_are_written_as_ascii_and_ended_by_a_nul(void **state)
{
	struct textbuf out = TEXTBUF_INIT(1000);

	(void)state;
	assert_int_equal(varlink_write_reply(&out, json_pack("{s:s}", "x", "\x1b[1m\u00e9"), true),
		0);
	assert_string_equal(out.text,
		"{\"parameters\":{\"x\":\"\\u001B[1m\\u00E9\"},\"continues\":true}");
	assert_int_equal(out.length, strlen(out.text) + 1);
	textbuf_reset(&out);
	assert_int_equal(varlink_write_error(&out, "a.B", NULL), 0);
	assert_string_equal(out.text, "{\"error\":\"a.B\",\"parameters\":{}}");
	textbuf_reset(&out);
	assert_int_equal(varlink_write_call(&out, "a.B", NULL, true), 0);
	assert_string_equal(out.text, "{\"method\":\"a.B\",\"more\":true}");
	textbuf_fini(&out);
}

static void
a_reply_that_does_not_fit_leaves_what_was_there(void **state)
{
	struct textbuf out = TEXTBUF_INIT(40);

	(void)state;
	assert_int_equal(varlink_write_reply(&out, NULL, false), 0);
	assert_int_equal(varlink_write_reply(&out, json_pack("{s:s}", "x", "0123456789012345"),
				 false),
		-ENOBUFS);
	assert_int_equal(out.length, strlen("{\"parameters\":{}}") + 1);
	assert_int_equal(varlink_write_reply(&out, NULL, false), 0);
	textbuf_fini(&out);
}

static void
a_text_of_a_stranger_becomes_json_whatever_its_bytes(void **state)
{
	json_t *text = varlink_text("a\xff\0b", 4);

	(void)state;
	assert_string_equal(json_string_value(text), "a\\xff\\x00b");
	json_decref(text);
	text = varlink_text("\u00e9", 2);
	assert_string_equal(json_string_value(text), "\u00e9");
	json_decref(text);
}

/* --- the methods */

static void
methods_and_words_are_found_by_their_whole_names(void **state)
{
	const struct control_verb *status = control_verb_by_method("io.reeve.Control.Status");

	(void)state;
	assert_non_null(status);
	assert_ptr_equal(status, control_verb_by_word("status"));
	assert_null(control_verb_by_method("io.reeve.Control.status"));
	assert_null(control_verb_by_method("io.reeve.Control."));
	assert_null(control_verb_by_method("Status"));
	assert_null(control_verb_by_word("stat"));
	assert_null(control_verb_by_word("help")->method);
}

static void
parameters_that_are_unknown_lacking_or_of_another_kind_are_named(void **state)
{
	const struct control_verb *status = control_verb_by_word("status");
	json_t *wrong = json_pack("{s:i}", "service", 1);
	json_t *unknown = json_pack("{s:s, s:b}", "service", "echo", "all", 1);
	json_t *null = json_pack("{s:n}", "service");

	(void)state;
	assert_string_equal(control_wrong_parameter(status, wrong), "service");
	assert_string_equal(control_wrong_parameter(status, unknown), "all");
	assert_null(control_wrong_parameter(status, null));
	json_decref(wrong);
	json_decref(unknown);
	json_decref(null);
}

static void
interfaces_are_described_and_others_are_not_there(void **state)
{
	struct textbuf text = TEXTBUF_INIT(65536);

	(void)state;
	assert_int_equal(control_describe(CONTROL_INTERFACE, &text), 0);
	assert_non_null(strstr(text.text, "\nmethod Status(service: ?string) -> ("));
	assert_non_null(strstr(text.text, "\nerror NoSuchService("));
	textbuf_reset(&text);
	assert_int_equal(control_describe("org.varlink.service", &text), 0);
	assert_non_null(strstr(text.text, "\nmethod GetInfo() -> ("));
	assert_int_equal(control_describe("io.reeve", &text), -ENOENT);
	textbuf_fini(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_parted_at_nuls_however_they_come),
		cmocka_unit_test(a_message_that_is_longer_than_may_be_is_refused),
		cmocka_unit_test(a_call_has_a_method_parameters_and_flags),
		cmocka_unit_test(what_is_no_call_is_refused),
		cmocka_unit_test(depth_is_bounded_and_brackets_in_texts_do_not_count),
		cmocka_unit_test(replies_and_errors_are_written_as_ascii_and_ended_by_a_nul),
		cmocka_unit_test(a_reply_that_does_not_fit_leaves_what_was_there),
		cmocka_unit_test(a_text_of_a_stranger_becomes_json_whatever_its_bytes),
		cmocka_unit_test(methods_and_words_are_found_by_their_whole_names),
		cmocka_unit_test(parameters_that_are_unknown_lacking_or_of_another_kind_are_named),
		cmocka_unit_test(interfaces_are_described_and_others_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
