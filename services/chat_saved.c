/* SPDX-License-Identifier: ISC */
/* chat, written down and read back. */
#include "services/chat_saved.h"

#include "base/saved.h"
#include "services/chat_history.h"
#include "services/chat_room.h"
#include "services/chat_udp.h"
#include "services/chat_user.h"

#include <errno.h>
#include <string.h>
#include <sys/param.h>

#define CHAT_SAVED_VERSION 1

#define SAVED_ROWS "services/chat_rows.def"
#include "base/saved_structs.def"
#include "base/saved_tables.def"

static const struct saved_form form = { .name = "reeve-chat",
	.version = CHAT_SAVED_VERSION,
	.kinds = saved_kinds,
	.kind_count = ARRAY_SIZE(saved_kinds) };

/* --- writing */

static void
save_history(struct saved_writer *writer, const struct chat_room *room)
{
	const struct chat_past *past = NULL;
	struct saved_past row;

	while ((past = chat_history_next(room, past, &row.said_at, &row.line.bytes,
			&row.line.length)) != NULL)
		saved_add(writer, SAVED_ROW_past, &row);
}

static void
save_room(struct saved_writer *writer, struct chat_room *room)
{
	const struct saved_room row = { .name = room->name,
		.topic = room->topic,
		.topic_by = room->topic_by,
		.topic_at = room->topic_at,
		.crowd_due = room->crowd_due,
		.joined = room->crowd[CHAT_JOINED],
		.left = room->crowd[CHAT_LEFT],
		.renamed = room->crowd[CHAT_RENAMED] };

	saved_add(writer, SAVED_ROW_room, &row);
	save_history(writer, room);
}

static void
save_user(struct saved_writer *writer, struct chat_user *user)
{
	const struct saved_user row = { .name = user->name[0] != '\0' ? user->name : NULL,
		.room = user->room ? user->room->name : NULL,
		.partial = { .bytes = user->partial, .length = user->partial_length },
		.heard_at = user->heard_at,
		.filled_at = user->filled_at,
		.tokens = user->tokens,
		.strikes = user->strikes,
		.guest = user->guest,
		.skipped = user->skipped,
		.refused_names = user->refused_names,
		.is_prompted = user->is_prompted,
		.is_skipping = user->is_skipping,
		.was_return = user->was_return,
		.was_told_utf8 = user->was_told_utf8,
		.was_told_flood = user->was_told_flood,
		.telnet = { .bytes = (char *)&user->telnet, .length = sizeof(user->telnet) } };

	saved_add(writer, SAVED_ROW_user, &row);
}

void
chat_save(struct builtin *builtin, struct textbuf *text)
{
	struct chat *chat = builtin_state(builtin);
	struct saved_writer writer = { .form = &form, .text = text };
	const struct saved_chat row = {
		.key_low = chat->key.low, .key_high = chat->key.high, .next_guest = chat->next_guest
	};
	struct chat_user *user = NULL;
	struct datagram_peer peer;
	struct saved_peer peer_row;

	saved_begin(&writer);
	saved_add(&writer, SAVED_ROW_chat, &row);
	for (struct chat_room *room = chat->first_room; room; room = room->newer)
		save_room(&writer, room);
	while ((user = chat_udp_next(chat, user, &peer, &peer_row.alive_at)) != NULL) {
		peer_row.address = peer.address;
		peer_row.local = peer.local;
		peer_row.listener = peer.listener;
		peer_row.path =
			(struct saved_bytes){ .bytes = peer.path, .length = peer.path_length };
		saved_add(&writer, SAVED_ROW_peer, &peer_row);
		save_user(&writer, user);
	}
	saved_end(&writer);
}

void
chat_save_conn(struct conn *conn, struct textbuf *text)
{
	struct saved_writer writer = { .form = &form, .text = text };

	saved_begin(&writer);
	save_user(&writer, conn_state(conn));
	saved_end(&writer);
}

/* --- reading */

struct restoring {
	struct chat *chat;
	struct chat_room *room; /* of the past rows */
	struct chat_user *user; /* whom the next user row is about; NULL: there must be none */
	bool is_user_known;
};

/* A moment that is over, by the clock that all gates read. Spans are taken from it without further
 * looks, so it must not be one that no clock shows. */
static msec
past_moment(const struct chat *chat, msec moment)
{
	return MAX(0, MIN(moment, builtin_now(chat->builtin)));
}

/* What is shown to people again is looked at again. */
static bool
is_topic(const char *topic, const char *by)
{
	if (!by || (by[0] != '\0' && name_mistake(by, NAME_USER_POINTS)))
		return false;
	return !topic ||
		(strlen(topic) <= CHAT_TOPIC_BYTES && chat_text_is_clean(topic, strlen(topic)));
}

static bool
is_line(const struct saved_bytes *line)
{
	return line->length >= 2 && line->length <= CHAT_TEXT_MAX &&
		memcmp(line->bytes + line->length - 2, "\r\n", 2) == 0 &&
		chat_text_is_clean(line->bytes, line->length - 2);
}

/* The room of that name, which a user may name before there was a row for it: never. */
static int
take_room(struct restoring *restoring, struct saved_room *row)
{
	struct chat *chat = restoring->chat;
	struct chat_room *room;

	if (!row->name || name_mistake(row->name, NAME_ROOM_POINTS) ||
		!is_topic(row->topic, row->topic_by))
		return -EPROTO;
	room = chat_room_find(chat, row->name);
	if (!room)
		room = chat_room_make(chat, row->name);
	restoring->room = room;
	if (!room)
		return -ENOMEM;
	free(room->topic);
	room->topic = row->topic;
	row->topic = NULL; /* taken */
	room->topic_at = past_moment(chat, row->topic_at);
	memcpy(room->topic_by, row->topic_by, strlen(row->topic_by) + 1);
	chat->crowds_due -= room->crowd_due != 0;
	chat->crowds_due += row->crowd_due != 0;
	room->crowd_due = MIN(row->crowd_due, builtin_now(chat->builtin) + CHAT_CROWD_SPAN);
	room->crowd[CHAT_JOINED] = (uint32_t)row->joined;
	room->crowd[CHAT_LEFT] = (uint32_t)row->left;
	room->crowd[CHAT_RENAMED] = (uint32_t)row->renamed;
	return 0;
}

static int
take_past(const struct restoring *restoring, const struct saved_past *row)
{
	if (!restoring->room || !is_line(&row->line))
		return -EPROTO;
	chat_history_put(restoring->chat, restoring->room,
		past_moment(restoring->chat, row->said_at), row->line.bytes, row->line.length);
	return 0;
}

static int
take_peer(struct restoring *restoring, const struct saved_peer *row)
{
	struct datagram_peer peer = { .address = row->address,
		.local = row->local,
		.listener = (uint32_t)row->listener,
		.path_length = (uint32_t)row->path.length };

	if (row->listener > UINT32_MAX || row->path.length > sizeof(peer.path))
		return -EPROTO;
	if (row->path.bytes)
		memcpy(peer.path, row->path.bytes, row->path.length);
	restoring->user = chat_udp_revive(restoring->chat, &peer,
		past_moment(restoring->chat, row->alive_at));
	return restoring->user ? 0 : -EPROTO;
}

/* Whoever has a name is in a room, and whoever has none is being asked for one. */
static int
take_place(struct chat *chat, struct chat_user *user, const struct saved_user *row)
{
	struct chat_room *room = row->room ? chat_room_find(chat, row->room) : NULL;

	if (!row->name && !row->room)
		return 0;
	if (!row->name || name_mistake(row->name, NAME_USER_POINTS) ||
		chat_name_is_reserved(row->name) || chat_user_find(chat, row->name) || !room)
		return -EPROTO;
	if (chat_room_return(room, user) < 0)
		return -ENOMEM;
	chat_user_set_name(user, row->name);
	user->stage = CHAT_TALKING;
	return 0;
}

static int
take_user(struct restoring *restoring, struct saved_user *row)
{
	struct chat_user *user = restoring->user;

	restoring->user = NULL;
	/* A datagram ends its last line. */
	if (!user || row->partial.length > (user->conn ? CHAT_LINE_MAX : 0) ||
		row->telnet.length != sizeof(user->telnet))
		return -EPROTO;
	restoring->is_user_known = true;
	user->heard_at = past_moment(restoring->chat, row->heard_at);
	user->filled_at = past_moment(restoring->chat, row->filled_at);
	user->tokens = (uint32_t)row->tokens;
	user->strikes = (uint32_t)row->strikes;
	user->guest = (uint32_t)row->guest;
	user->skipped = (uint32_t)row->skipped;
	user->refused_names = (uint8_t)row->refused_names;
	user->is_prompted = row->is_prompted;
	user->is_skipping = row->is_skipping;
	user->was_return = row->was_return;
	user->was_told_utf8 = row->was_told_utf8;
	user->was_told_flood = row->was_told_flood;
	memcpy(&user->telnet, row->telnet.bytes, sizeof(user->telnet));
	if (row->partial.length > 0) {
		user->partial = row->partial.bytes;
		user->partial_length = (uint16_t)row->partial.length;
		row->partial.bytes = NULL; /* taken */
	}
	return take_place(restoring->chat, user, row);
}

static int
take_chat_row(void *owner, unsigned int kind, void *row)
{
	struct restoring *restoring = owner;
	const struct saved_chat *facts = row;

	switch (kind) {
	case SAVED_ROW_chat:
		/* Before anything that is found by the key, but for the lobby. */
		if (restoring->chat->users.count > 0 || restoring->chat->rooms.count > 1 ||
			chat_udp_has_users(restoring->chat))
			return -EPROTO;
		chat_set_key(restoring->chat,
			(struct siphash_key){ .low = facts->key_low, .high = facts->key_high });
		restoring->chat->next_guest = (uint32_t)facts->next_guest;
		return 0;
	case SAVED_ROW_room:
		return take_room(restoring, row);
	case SAVED_ROW_past:
		return take_past(restoring, row);
	case SAVED_ROW_peer:
		return take_peer(restoring, row);
	case SAVED_ROW_user:
		return take_user(restoring, row);
	default:
		return -EPROTO;
	}
}

static int
take_conn_row(void *owner, unsigned int kind, void *row)
{
	return kind == SAVED_ROW_user ? take_user(owner, row) : -EPROTO;
}

int
chat_restore(struct builtin *builtin, const char *text, size_t length)
{
	struct restoring restoring = { .chat = builtin_state(builtin) };
	const struct saved_reader reader = { .take = take_chat_row, .owner = &restoring };
	struct saved_mistake mistake;
	int result = saved_read(&form, text, length, &reader, &mistake);

	/* Rooms that nobody comes back to go with the next tick. */
	restoring.chat->is_restored = true;
	chat_update_ticks(restoring.chat);
	return result;
}

int
chat_restore_conn(struct conn *conn, const char *text, size_t length)
{
	struct chat *chat = builtin_state(conn_builtin(conn));
	struct chat_user *user = conn_state(conn);
	struct restoring restoring = { .chat = chat, .user = user };
	const struct saved_reader reader = { .take = take_conn_row, .owner = &restoring };
	struct saved_mistake mistake;
	int result;

	user->chat = chat;
	user->conn = conn;
	user->stage = CHAT_NAMING;
	result = saved_read(&form, text, length, &reader, &mistake);
	return result == 0 && !restoring.is_user_known ? -EPROTO : result;
}
