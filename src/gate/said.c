/* SPDX-License-Identifier: ISC */
/* Programs' standard error. */
#include "gate/said.h"

#include "base/log.h"
#include "gate/conn.h"
#include "gate/listener.h"
#include "gate/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define WINDOW_MS 1000
#define READ_MAX 4096

struct said {
	struct watch watch; /* first */
	struct said *next;  /* of all that the gate hears */
	struct said **from; /* who points here */
	struct service *service;
	uint64_t connection;
	uint32_t pid;
	uint32_t lines;      /* in this window */
	uint64_t suppressed; /* and not told yet */
	msec window;         /* when it began */
	size_t partial_length;
	char *partial; /* a line that has not ended; SAID_LINE_MAX + 1; NULL without */
};

static void
write_line(const struct said *said, const char *line)
{
	LOG(handler_said, .id = (int64_t)said->connection, .service = service_name(said->service),
		.pid = said->pid, .line = line);
}

static void
tell_suppressed(struct said *said)
{
	char line[64];

	if (said->suppressed == 0)
		return;
	(void)snprintf(line, sizeof(line), "(%llu more lines in a second were left out)",
		(unsigned long long)said->suppressed);
	said->suppressed = 0;
	write_line(said, line);
}

/* `line` has room for a NUL behind its `length` bytes. */
static void
say(struct said *said, char *line, size_t length)
{
	msec now = loop_now(said->service->gate->loop);

	if (length == 0)
		return;
	if (now - said->window >= WINDOW_MS) {
		said->window = now;
		said->lines = 0;
		tell_suppressed(said);
	}
	if (++said->lines > SAID_LINES_PER_SECOND) {
		said->suppressed++;
		return;
	}
	/* The log takes text: a NUL must not hide what stands behind it. */
	for (char *nul = memchr(line, '\0', length); nul;
		nul = memchr(nul, '\0', length - (size_t)(nul - line)))
		*nul = '?';
	line[length] = '\0';
	write_line(said, line);
}

static void
said_end(struct said *said)
{
	struct service *service = said->service;
	struct gate *gate = service->gate;

	if (said->partial)
		say(said, said->partial, said->partial_length);
	tell_suppressed(said);
	loop_unwatch(gate->loop, &said->watch);
	(void)close(said->watch.fd);
	*said->from = said->next;
	if (said->next)
		said->next->from = said->from;
	free(said->partial);
	free(said);
	listener_note_closed(gate);
	service_return(service);
}

/* Add to the line that has not ended; it ends by a newline or by its length. */
static int
add_piece(struct said *said, const char *bytes, size_t length, bool is_whole)
{
	while (length > 0) {
		size_t room = SAID_LINE_MAX - said->partial_length;
		size_t piece = length < room ? length : room;

		if (!said->partial)
			said->partial = malloc(SAID_LINE_MAX + 1);
		if (!said->partial)
			return -ENOMEM;
		memcpy(said->partial + said->partial_length, bytes, piece);
		said->partial_length += piece;
		bytes += piece;
		length -= piece;
		if (said->partial_length == SAID_LINE_MAX) {
			say(said, said->partial, said->partial_length);
			said->partial_length = 0;
		}
	}
	if (!is_whole || !said->partial)
		return 0;
	say(said, said->partial, said->partial_length);
	said->partial_length = 0;
	free(said->partial);
	said->partial = NULL;
	return 0;
}

static void
said_ready(struct watch *watch, uint32_t events)
{
	struct said *said = CONTAINER_OF(watch, struct said, watch);
	char bytes[READ_MAX];
	ssize_t length = read(watch->fd, bytes, sizeof(bytes));
	const char *at = bytes;
	int result = 0;

	(void)events;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (length <= 0) {
		said_end(said);
		return;
	}
	while (result == 0 && length > 0) {
		const char *newline = memchr(at, '\n', (size_t)length);
		size_t piece = newline ? (size_t)(newline - at) : (size_t)length;

		result = add_piece(said, at, piece, newline != NULL);
		piece += newline != NULL;
		at += piece;
		length -= (ssize_t)piece;
	}
	if (result < 0)
		said_end(said);
}

int
said_begin(struct service *service, int pipe_fd, uint64_t connection, uint32_t pid)
{
	struct said *said = calloc(1, sizeof(*said));
	int result;

	if (!said) {
		(void)close(pipe_fd);
		return -ENOMEM;
	}
	said->watch = (struct watch){ .fd = pipe_fd, .events = EPOLLIN, .ready = said_ready };
	said->service = service;
	said->connection = connection;
	said->pid = pid;
	said->window = LONG_AGO;
	result = loop_watch(service->gate->loop, &said->watch);
	if (result < 0) {
		(void)close(pipe_fd);
		free(said);
		return result;
	}
	said->next = service->gate->first_said;
	said->from = &service->gate->first_said;
	if (said->next)
		said->next->from = &said->next;
	service->gate->first_said = said;
	service_borrow(service);
	return 0;
}

void
said_end_all(struct gate *gate)
{
	while (gate->first_said)
		said_end(gate->first_said);
}
