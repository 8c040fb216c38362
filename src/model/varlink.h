/* SPDX-License-Identifier: ISC */
/* Varlink (varlink.org) without a socket: calls and replies are JSON objects, each ended by a NUL.
 *
 * A call is {"method": "interface.Method", "parameters": {...}}, with "more" if several replies may
 * come and "oneway" if none is to come. A reply is {"parameters": {...}}, with "continues" if
 * another one follows, or with the name of an error in "error".
 *
 * Whatever is read here was written by somebody else: it has a longest length, a greatest depth,
 * known members of known kinds, and nothing else. What is written is ASCII, so that no text steers
 * the terminal that shows it. */
#ifndef REEVE_VARLINK_H
#define REEVE_VARLINK_H

#include "base/textbuf.h"

#include <jansson.h>

#define VARLINK_CALL_MAX (64U << 10) /* bytes of a call, without its NUL */
#define VARLINK_DEPTH_MAX 8          /* objects and arrays in each other */

#define VARLINK_ERROR(name) "org.varlink.service." name

/* Bytes that came and are not taken yet. */
struct varlink_input {
	char *bytes;
	size_t start; /* of the next message */
	size_t length;
	size_t room;
	size_t max; /* of one message */
};

#define VARLINK_INPUT_INIT(limit) ((struct varlink_input){ .max = (limit) })

/* Add what was read. 0, -EMSGSIZE when a message is longer than may be, -ENOMEM. */
int varlink_input_add(struct varlink_input *input, const char *bytes, size_t length);

/* The next whole message, NUL-terminated, good until something is added; NULL: none is whole. */
const char *varlink_input_next(struct varlink_input *input, size_t *ret_length);
bool varlink_input_has_next(const struct varlink_input *input);
void varlink_input_fini(struct varlink_input *input);

/* A message that was read; the texts and `parameters` live as long as `message`. */
struct varlink_message {
	json_t *message;
	json_t *parameters; /* an object, an empty one if none came */
	const char *method; /* of a call */
	const char *error;  /* of a reply; NULL: it is none */
	bool wants_more;
	bool is_oneway;
	bool wants_upgrade;
	bool continues;
};

/* Read a call or a reply. 0; -EPROTO if it is none, and *ret_wrong says why; -ENOMEM. Given back by
 * varlink_message_fini. */
int varlink_read_call(struct varlink_message *ret_message, const char *text, size_t length,
	const char **ret_wrong);
int varlink_read_reply(struct varlink_message *ret_message, const char *text, size_t length,
	const char **ret_wrong);
void varlink_message_fini(struct varlink_message *message);

/* Add a call or a reply to what goes out. They take `parameters`, NULL for none. 0, -ENOMEM, or
 * -ENOBUFS if it does not fit; then `out` has what it had. */
int varlink_write_call(struct textbuf *out, const char *method, json_t *parameters,
	bool wants_more);
int varlink_write_reply(struct textbuf *out, json_t *parameters, bool continues);
int varlink_write_error(struct textbuf *out, const char *error, json_t *parameters);

/* A text of a stranger as a JSON string: what is no UTF-8 as \xNN. NULL: no memory. */
json_t *varlink_text(const char *bytes, size_t length);
json_t *varlink_text_or_null(const char *text); /* null of none */

#endif
