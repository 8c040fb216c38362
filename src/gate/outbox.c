/* SPDX-License-Identifier: ISC */
/* The queue towards the supervisor. */
#include "gate/outbox.h"

#include "base/log.h"

#include <errno.h>
#include <string.h>

struct letter {
	struct letter *next;
	enum message_type type;
	union message_body body;
	uint32_t fd_count;
	int owned_fds[];
};

struct outbox {
	int channel_fd;
	struct letter *first;
	struct letter **end;
};

static size_t
body_size(enum message_type type)
{
	static const size_t sizes[MESSAGE_COUNT] = {
#define MESSAGE(name, ...) [MESSAGE_##name] = sizeof(struct message_##name),
#include "effects/messages.def"
#undef MESSAGE
	};

	return sizes[type];
}

static void
close_owned(const int *owned_fds, uint32_t fd_count)
{
	for (uint32_t i = 0; i < fd_count; i++)
		(void)close(owned_fds[i]);
}

/* The channel is full, of messages or of descriptors that nobody has received yet. */
static bool
must_wait(int result)
{
	return result == -EAGAIN || result == -ETOOMANYREFS || result == -ENOBUFS ||
		result == -ENOMEM;
}

_Noreturn void
outbox_give_up(void)
{
	log_flush();
	_exit(EXIT_FAILURE);
}

static void
keep(struct outbox *outbox, enum message_type type, const void *body, const int *owned_fds,
	uint32_t fd_count)
{
	struct letter *letter = calloc(1, sizeof(*letter) + fd_count * sizeof(int));

	if (!letter)
		outbox_give_up();
	letter->type = type;
	memcpy(&letter->body, body, body_size(type));
	memcpy(letter->owned_fds, owned_fds, fd_count * sizeof(*owned_fds));
	letter->fd_count = fd_count;
	*outbox->end = letter;
	outbox->end = &letter->next;
}

/* Supervisors look at every row that was freed since: the same note twice says nothing new. */
static bool
is_said_already(const struct outbox *outbox, enum message_type type, const void *body)
{
	if (type != MESSAGE_freed)
		return false;
	for (const struct letter *letter = outbox->first; letter; letter = letter->next)
		if (letter->type == type && memcmp(&letter->body, body, body_size(type)) == 0)
			return true;
	return false;
}

struct outbox *
outbox_new(int channel_fd)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	if (!outbox)
		return NULL;
	outbox->channel_fd = channel_fd;
	outbox->end = &outbox->first;
	return outbox;
}

struct outbox *
outbox_free(struct outbox *outbox)
{
	if (!outbox)
		return NULL;
	for (struct letter *letter = outbox->first; letter;) {
		struct letter *next = letter->next;

		close_owned(letter->owned_fds, letter->fd_count);
		free(letter);
		letter = next;
	}
	free(outbox);
	return NULL;
}

void
outbox_send_fds(struct gate *gate, enum message_type type, const void *body, const int *owned_fds,
	uint32_t fd_count)
{
	struct outbox *outbox = gate->outbox;
	int result = -EAGAIN;

	if (!outbox->first)
		result = channel_send(outbox->channel_fd, type, body, NULL, 0, owned_fds, fd_count);
	if (must_wait(result)) {
		if (!is_said_already(outbox, type, body))
			keep(outbox, type, body, owned_fds, fd_count);
		return;
	}
	close_owned(owned_fds, fd_count);
	if (result < 0)
		outbox_give_up();
}

void
outbox_send(struct gate *gate, enum message_type type, const void *body, int owned_fd)
{
	outbox_send_fds(gate, type, body, &owned_fd, owned_fd >= 0 ? 1 : 0);
}

bool
outbox_is_behind(const struct outbox *outbox)
{
	return outbox->first != NULL;
}

bool
outbox_flush(struct gate *gate)
{
	struct outbox *outbox = gate->outbox;

	while (outbox->first) {
		struct letter *letter = outbox->first;
		int result = channel_send(outbox->channel_fd, letter->type, &letter->body, NULL, 0,
			letter->owned_fds, letter->fd_count);

		if (must_wait(result))
			return false;
		if (result < 0)
			outbox_give_up();
		outbox->first = letter->next;
		close_owned(letter->owned_fds, letter->fd_count);
		free(letter);
	}
	outbox->end = &outbox->first;
	return true;
}
