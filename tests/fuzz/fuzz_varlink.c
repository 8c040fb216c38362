/* SPDX-License-Identifier: ISC */
/* LINK: src/model/varlink.o src/model/control_methods.o src/base/textbuf.o src/base/utf8.o
 * -ljansson */
/* Whatever comes over the control socket: parted into messages the same way in one piece and in
 * many, never longer than may be; a call is read and written again as the same call; and what the
 * methods say to its parameters names one of them or one that is lacking. */
#include "model/control_methods.h"
#include "model/varlink.h"

#include <errno.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

static void
check_parameters(const struct varlink_message *call)
{
	for (unsigned id = 0; id < CONTROL_VERB_COUNT; id++) {
		const struct control_verb *verb = control_verb_get((enum control_id)id);
		const char *wrong = control_wrong_parameter(verb, call->parameters);

		must(wrong != NULL || json_object_size(call->parameters) == 0 ||
			verb->parameters->name != NULL);
	}
	(void)control_verb_by_method(call->method);
}

static void
check_call(const char *text, size_t length)
{
	struct varlink_message call, again;
	struct textbuf out = TEXTBUF_INIT(1U << 20);
	const char *wrong = NULL;
	int error = varlink_read_call(&call, text, length, &wrong);

	must((error == -EPROTO) == (wrong != NULL));
	if (error < 0)
		return;
	must(call.method != NULL && json_is_object(call.parameters));
	check_parameters(&call);
	must(varlink_write_call(&out, call.method, json_incref(call.parameters), call.wants_more) ==
		0);
	must(strlen(out.text) == out.length - 1);
	must(varlink_read_call(&again, out.text, out.length - 1, &wrong) == 0);
	must(strcmp(again.method, call.method) == 0 && again.wants_more == call.wants_more);
	must(json_equal(again.parameters, call.parameters));
	varlink_message_fini(&again);
	varlink_message_fini(&call);
	textbuf_fini(&out);
}

static void
check_reply(const char *text, size_t length)
{
	struct varlink_message reply;
	const char *wrong = NULL;

	if (varlink_read_reply(&reply, text, length, &wrong) == 0)
		varlink_message_fini(&reply);
}

/* How many messages come out of these bytes, given in pieces; they are looked at once. */
static size_t
count_messages(const char *bytes, size_t length, size_t piece, bool looks)
{
	struct varlink_input input = VARLINK_INPUT_INIT(4096);
	size_t count = 0;

	for (size_t i = 0; i < length; i += piece) {
		const char *text;
		size_t got;

		if (varlink_input_add(&input, bytes + i, length - i < piece ? length - i : piece) <
			0)
			break;
		while ((text = varlink_input_next(&input, &got)) != NULL) {
			must(got <= length && strlen(text) == got);
			if (looks) {
				check_call(text, got);
				check_reply(text, got);
			}
			count++;
		}
	}
	varlink_input_fini(&input);
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *text = (const char *)bytes;
	size_t count;

	if (length > 4096)
		return 0;
	count = count_messages(text, length, length > 0 ? length : 1, true);
	must(count_messages(text, length, 1, false) == count);
	must(count_messages(text, length, 7, false) == count);
	return 0;
}
