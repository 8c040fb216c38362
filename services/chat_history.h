/* SPDX-License-Identifier: ISC */
/* What was said in a room: the last lines, bounded in number (chat_history) and in bytes, for a
 * room and for all of them. */
#ifndef REEVE_CHAT_HISTORY_H
#define REEVE_CHAT_HISTORY_H

#include "services/chat_room.h"

#define CHAT_HISTORY_BYTES 32768       /* of one room */
#define CHAT_HISTORY_BYTES_ALL 8388608 /* of all rooms */

/* Remember chat->text as said now in `room`. */
void chat_history_keep(struct chat *chat, struct chat_room *room);

/* Write all of it into `text`, each line marked as earlier. */
void chat_history_add_to(const struct chat_room *room, msec now, struct textbuf *text);

/* What was said, one by one and the oldest first (NULL: the first, and at the end); add a line as
 * said at that time, behind all others. */
const struct chat_past *chat_history_next(const struct chat_room *room,
	const struct chat_past *past, msec *ret_said_at, char **ret_line, size_t *ret_length);
void chat_history_put(struct chat *chat, struct chat_room *room, msec said_at, const char *line,
	size_t length);

/* Forget all but the last `count` lines. */
void chat_history_shrink(struct chat *chat, struct chat_room *room, uint32_t count);

#endif
