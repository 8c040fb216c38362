/* SPDX-License-Identifier: ISC */
/* Varlink: messages out of bytes, calls and replies out of messages, and back. */
#include "model/varlink.h"

#include "base/utf8.h"

#include <errno.h>
#include <string.h>

#define FIRST_ROOM 1024
#define TEXT_MAX (64U << 10)

/* --- bytes into messages */

int
varlink_input_add(struct varlink_input *input, const char *bytes, size_t length)
{
	const char *newest_end = length > 0 ? memrchr(bytes, '\0', length) : NULL;
	size_t open = newest_end != NULL ? length - (size_t)(newest_end + 1 - bytes)
					 : input->length - input->start + length;

	if (open > input->max)
		return -EMSGSIZE;
	if (input->start > 0) {
		memmove(input->bytes, input->bytes + input->start, input->length - input->start);
		input->length -= input->start;
		input->start = 0;
	}
	if (input->length + length + 1 > input->room) {
		size_t room = input->room > 0 ? input->room : FIRST_ROOM;
		char *grown;

		while (room < input->length + length + 1)
			room *= 2;
		grown = realloc(input->bytes, room);
		if (grown == NULL)
			return -ENOMEM;
		input->bytes = grown;
		input->room = room;
	}
	if (length > 0)
		memcpy(input->bytes + input->length, bytes, length);
	input->length += length;
	return 0;
}

static const char *
find_end(const struct varlink_input *input)
{
	return input->length > input->start
		? memchr(input->bytes + input->start, '\0', input->length - input->start)
		: NULL;
}

bool
varlink_input_has_next(const struct varlink_input *input)
{
	return find_end(input) != NULL;
}

const char *
varlink_input_next(struct varlink_input *input, size_t *ret_length)
{
	const char *first = input->bytes + input->start;
	const char *end = find_end(input);

	if (end == NULL)
		return NULL;
	*ret_length = (size_t)(end - first);
	input->start += *ret_length + 1;
	return first;
}

void
varlink_input_fini(struct varlink_input *input)
{
	free(input->bytes);
	*input = VARLINK_INPUT_INIT(input->max);
}

/* --- messages into what they mean */

/* The reader calls itself for what lies in each other; this keeps it from doing so for long. */
static bool
is_too_deep(const char *text, size_t length)
{
	bool is_in_string = false;
	size_t depth = 0;

	for (size_t i = 0; i < length; i++) {
		if (is_in_string && text[i] == '\\')
			i++;
		else if (text[i] == '"')
			is_in_string = !is_in_string;
		else if (!is_in_string && (text[i] == '{' || text[i] == '['))
			depth++;
		else if (!is_in_string && (text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		if (depth > VARLINK_DEPTH_MAX)
			return true;
	}
	return false;
}

/* A member that may be in a message, and where its value goes. */
struct member {
	const char *name;
	const char **text;
	bool *flag;
};

static const char *
take_member(const struct member *members, const char *name, json_t *value)
{
	const struct member *member = members;

	while (member->name != NULL && strcmp(member->name, name) != 0)
		member++;
	if (member->text != NULL) {
		*member->text = json_string_value(value);
		return json_is_string(value) ? NULL : "a name is no string";
	}
	if (member->flag != NULL) {
		*member->flag = json_is_true(value);
		return json_is_boolean(value) ? NULL : "a flag is neither true nor false";
	}
	if (member->name == NULL)
		return "it has a member that is unknown";
	return json_is_object(value) ? NULL : "its parameters are no object";
}

static int
read_message(struct varlink_message *ret_message, const char *text, size_t length,
	const struct member *members, const char **ret_wrong)
{
	const char *wrong = NULL;
	const char *name;
	json_error_t error;
	json_t *value;

	*ret_wrong = "it is deeper than may be";
	if (is_too_deep(text, length))
		return -EPROTO;
	ret_message->message = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	*ret_wrong = "it is no JSON object";
	if (!json_is_object(ret_message->message))
		return -EPROTO;
	json_object_foreach (ret_message->message, name, value)
		if (wrong == NULL)
			wrong = take_member(members, name, value);
	*ret_wrong = wrong;
	if (wrong != NULL)
		return -EPROTO;
	ret_message->parameters = json_object_get(ret_message->message, "parameters");
	if (ret_message->parameters != NULL)
		return 0;
	ret_message->parameters = json_object();
	return json_object_set_new(ret_message->message, "parameters", ret_message->parameters) < 0
		? -ENOMEM
		: 0;
}

int
varlink_read_call(struct varlink_message *ret_message, const char *text, size_t length,
	const char **ret_wrong)
{
	struct varlink_message message = { .message = NULL };
	const struct member members[] = {
		{ .name = "method", .text = &message.method },
		{ .name = "more", .flag = &message.wants_more },
		{ .name = "oneway", .flag = &message.is_oneway },
		{ .name = "upgrade", .flag = &message.wants_upgrade },
		{ .name = "parameters" },
		{ .name = NULL },
	};
	int error = read_message(&message, text, length, members, ret_wrong);

	if (error == 0 && message.method == NULL) {
		*ret_wrong = "it names no method";
		error = -EPROTO;
	}
	if (error < 0)
		varlink_message_fini(&message);
	else
		*ret_message = message;
	return error;
}

int
varlink_read_reply(struct varlink_message *ret_message, const char *text, size_t length,
	const char **ret_wrong)
{
	struct varlink_message message = { .message = NULL };
	const struct member members[] = {
		{ .name = "error", .text = &message.error },
		{ .name = "continues", .flag = &message.continues },
		{ .name = "parameters" },
		{ .name = NULL },
	};
	int error = read_message(&message, text, length, members, ret_wrong);

	if (error < 0)
		varlink_message_fini(&message);
	else
		*ret_message = message;
	return error;
}

void
varlink_message_fini(struct varlink_message *message)
{
	json_decref(message->message);
	*message = (struct varlink_message){ .message = NULL };
}

/* --- and back */

static int
add_piece(const char *piece, size_t length, void *out)
{
	textbuf_add_bytes(out, piece, length);
	return textbuf_error(out) == 0 ? 0 : -1;
}

/* Takes the message; NULL is one for which there was no memory. */
static int
write_message(struct textbuf *out, json_t *message)
{
	size_t before = out->length;
	int error = message == NULL ? -ENOMEM : 0;

	if (error == 0) {
		if (json_dump_callback(message, add_piece, out, JSON_COMPACT | JSON_ENSURE_ASCII) <
			0)
			error = -ENOMEM;
		textbuf_add_bytes(out, "", 1);
		error = textbuf_error(out) < 0 ? textbuf_error(out) : error;
	}
	json_decref(message);
	if (error < 0 && out->text != NULL) {
		out->length = before;
		out->text[before] = '\0';
		out->error = 0;
	}
	return error;
}

int
varlink_write_call(struct textbuf *out, const char *method, json_t *parameters, bool wants_more)
{
	return write_message(out,
		json_pack("{s:s, s:o*, s:o*}", "method", method, "parameters", parameters, "more",
			wants_more ? json_true() : NULL));
}

int
varlink_write_reply(struct textbuf *out, json_t *parameters, bool continues)
{
	return write_message(out,
		json_pack("{s:o, s:o*}", "parameters",
			parameters != NULL ? parameters : json_object(), "continues",
			continues ? json_true() : NULL));
}

int
varlink_write_error(struct textbuf *out, const char *error, json_t *parameters)
{
	return write_message(out,
		json_pack("{s:s, s:o}", "error", error, "parameters",
			parameters != NULL ? parameters : json_object()));
}

json_t *
varlink_text(const char *bytes, size_t length)
{
	struct textbuf text = TEXTBUF_INIT(TEXT_MAX);
	json_t *string = NULL;

	/* A NUL is UTF-8 too, but our own reader takes none. */
	if (utf8_check(bytes, length) == length && memchr(bytes, '\0', length) == NULL)
		return json_stringn(bytes, length);
	textbuf_add_escaped(&text, bytes, length);
	if (textbuf_error(&text) == 0)
		string = json_stringn(text.text, text.length);
	textbuf_fini(&text);
	return string;
}

json_t *
varlink_text_or_null(const char *text)
{
	return text != NULL ? varlink_text(text, strlen(text)) : json_null();
}
