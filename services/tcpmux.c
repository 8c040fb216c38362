/* SPDX-License-Identifier: ISC */
/* tcpmux (RFC 1078): the client says in one line which service it wants and is handed over to it,
 * with whatever it sent behind that line still unread. HELP lists the names.
 *
 * The line is taken as it arrives, so nothing waits unread in front of the socket; a client that
 * never finishes it is ended by the service's idle time. */
#include "services/service.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define NAME_LENGTH_MAX 255

#define GREETING "+\r\n"
#define REFUSAL "-Service not available\r\n"
#define BUSY "-Too many clients, try again later\r\n"

struct request {
	uint32_t next_listed; /* target that HELP shows next */
	uint16_t length;
	bool is_too_long;
	bool is_listing;
	char name[NAME_LENGTH_MAX + 1]; /* not terminated; the one more is a CR's */
};

static void
say_and_finish(struct conn *conn, const char *text, enum ending ending)
{
	(void)conn_write(conn, text, strlen(text)); /* fits: it is the first */
	conn_finish(conn, ending);
}

/* Name after name until the client's share is full; then `writable` goes on. */
static void
list_targets(struct conn *conn, struct request *request)
{
	const char *name;

	request->is_listing = true;
	while ((name = builtin_target(conn_builtin(conn), request->next_listed, NULL))) {
		char line[NAME_LENGTH_MAX + 2];
		size_t length = strnlen(name, NAME_LENGTH_MAX);

		memcpy(line, name, length);
		memcpy(line + length, "\r\n", 2);
		if (conn_write(conn, line, length + 2) < 0)
			return;
		request->next_listed++;
	}
	conn_finish(conn, ENDING_SERVED);
}

/* True if the client wrote that word, in whatever case (RFC 1078). */
static bool
asks_for(const struct request *request, const char *word)
{
	return strlen(word) == request->length &&
		strncasecmp(word, request->name, request->length) == 0;
}

static void
hand_over(struct conn *conn, const struct request *request)
{
	const struct builtin *builtin = conn_builtin(conn);
	const char *target;
	bool greets;
	int result;

	for (uint32_t i = 0; (target = builtin_target(builtin, i, &greets)); i++) {
		if (!asks_for(request, target))
			continue;
		/* The greeting still goes out before the target begins. */
		result = conn_hand_over(conn, i);
		if (result == -EACCES)
			break; /* the same to it as if there were no such service */
		if (result < 0)
			say_and_finish(conn, BUSY, ENDING_SERVED);
		else if (greets)
			(void)conn_write(conn, GREETING, strlen(GREETING)); /* fits: the first */
		return;
	}
	say_and_finish(conn, REFUSAL, ENDING_SERVED);
}

static void
add_to_name(struct request *request, const char *bytes, size_t length)
{
	size_t room = sizeof(request->name) - request->length;
	size_t taken = length < room ? length : room;

	memcpy(request->name + request->length, bytes, taken);
	request->length = (uint16_t)(request->length + taken);
	request->is_too_long = taken < length;
}

static void
answer(struct conn *conn, struct request *request)
{
	if (request->length > 0 && request->name[request->length - 1] == '\r')
		request->length--;
	if (request->length > NAME_LENGTH_MAX)
		say_and_finish(conn, REFUSAL, ENDING_ABUSE);
	else if (asks_for(request, "HELP"))
		list_targets(conn, request);
	else
		hand_over(conn, request);
}

static void
tcpmux_readable(struct conn *conn)
{
	struct request *request = conn_state(conn);
	size_t length;
	bool is_end;
	const char *bytes = conn_input(conn, &length, &is_end);
	const char *newline;

	if (request->is_listing) {
		conn_consume(conn, length); /* whatever it says now, it was told to listen */
		return;
	}
	newline = length > 0 ? memchr(bytes, '\n', length) : NULL;
	add_to_name(request, bytes, newline ? (size_t)(newline - bytes) : length);
	conn_consume(conn, newline ? (size_t)(newline - bytes) + 1 : length);
	if (request->is_too_long)
		say_and_finish(conn, REFUSAL, ENDING_ABUSE);
	else if (newline)
		answer(conn, request);
	else if (is_end)
		conn_finish(conn, ENDING_CLIENT_CLOSED);
}

static void
tcpmux_writable(struct conn *conn)
{
	struct request *request = conn_state(conn);

	if (request->is_listing)
		list_targets(conn, request);
}

const struct service_ops tcpmux_ops = {
	.name = "tcpmux",
	.conn_size = sizeof(struct request),
	.is_exact = true,
	.readable = tcpmux_readable,
	.writable = tcpmux_writable,
};
