/* SPDX-License-Identifier: ISC */
/* What was said in a room. */
#include "services/chat_history.h"

#include <string.h>

struct chat_past {
	struct chat_past *newer;
	msec said_at;
	size_t length; /* with CR LF */
	char line[];
};

static size_t
cost_of(const struct chat_past *past)
{
	return sizeof(*past) + past->length;
}

static void
forget_oldest(struct chat *chat, struct chat_room *room)
{
	struct chat_past *past = room->first_past;

	room->first_past = past->newer;
	if (!room->first_past)
		room->last_past = NULL;
	room->past_count--;
	room->past_bytes -= cost_of(past);
	chat->history_bytes -= cost_of(past);
	free(past);
}

void
chat_history_shrink(struct chat *chat, struct chat_room *room, uint32_t count)
{
	while (room->first_past && room->past_count > count)
		forget_oldest(chat, room);
}

/* A room makes place for its own lines only; one that has none left when all rooms together are
 * full remembers nothing. */
static bool
make_place(struct chat *chat, struct chat_room *room, size_t cost)
{
	if (cost > CHAT_HISTORY_BYTES)
		return false;
	while (room->first_past &&
		(room->past_bytes + cost > CHAT_HISTORY_BYTES ||
			chat->history_bytes + cost > CHAT_HISTORY_BYTES_ALL))
		forget_oldest(chat, room);
	return chat->history_bytes + cost <= CHAT_HISTORY_BYTES_ALL;
}

void
chat_history_put(struct chat *chat, struct chat_room *room, msec said_at, const char *line,
	size_t length)
{
	uint32_t keep = (uint32_t)builtin_options(chat->builtin)->chat_history;
	struct chat_past *past;

	if (keep == 0 || !make_place(chat, room, sizeof(*past) + length))
		return;
	past = malloc(sizeof(*past) + length);
	if (!past)
		return;
	past->newer = NULL;
	past->said_at = said_at;
	past->length = length;
	memcpy(past->line, line, length);
	if (room->last_past)
		room->last_past->newer = past;
	else
		room->first_past = past;
	room->last_past = past;
	room->past_count++;
	room->past_bytes += cost_of(past);
	chat->history_bytes += cost_of(past);
	chat_history_shrink(chat, room, keep);
}

void
chat_history_keep(struct chat *chat, struct chat_room *room)
{
	if (textbuf_error(&chat->text) == 0)
		chat_history_put(chat, room, builtin_now(chat->builtin), chat->text.text,
			chat->text.length);
}

const struct chat_past *
chat_history_next(const struct chat_room *room, const struct chat_past *past, msec *ret_said_at,
	char **ret_line, size_t *ret_length)
{
	struct chat_past *next = past ? past->newer : room->first_past;

	if (!next)
		return NULL;
	*ret_said_at = next->said_at;
	*ret_line = next->line;
	*ret_length = next->length;
	return next;
}

void
chat_history_add_to(const struct chat_room *room, msec now, struct textbuf *text)
{
	char age[CHAT_AGE_BYTES];

	for (const struct chat_past *past = room->first_past; past; past = past->newer) {
		textbuf_addf(text, "| %s ", chat_text_age(now - past->said_at, age));
		textbuf_add_bytes(text, past->line, past->length);
	}
}
