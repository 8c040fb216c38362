/* SPDX-License-Identifier: ISC */
/* Rooms of chat: who is in them, and who hears of whom. */
#include "services/chat_room.h"

#include "services/chat_history.h"
#include "services/chat_user.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define MEMBERS_AT_START 4

/* --- finding and making */

struct chat_room *
chat_room_find(const struct chat *chat, const char *name)
{
	struct chat_link *link;

	if (strlen(name) > CHAT_ROOM_BYTES)
		return NULL;
	link = chat_table_first(&chat->rooms, chat_name_hash(&chat->key, name));
	for (; link; link = chat_table_next(link)) {
		struct chat_room *room = CONTAINER_OF(link, struct chat_room, by_name);

		if (chat_name_equal(room->name, name))
			return room;
	}
	return NULL;
}

struct chat_room *
chat_room_make(struct chat *chat, const char *name)
{
	struct chat_room *room = calloc(1, sizeof(*room));

	if (!room)
		return NULL;
	memcpy(room->name, name, strlen(name) + 1);
	room->by_name.hash = chat_name_hash(&chat->key, name);
	chat_table_add(&chat->rooms, &room->by_name);
	room->older = chat->last_room;
	if (room->older)
		room->older->newer = room;
	else
		chat->first_room = room;
	chat->last_room = room;
	return room;
}

void
chat_room_free(struct chat *chat, struct chat_room *room)
{
	if (room->older)
		room->older->newer = room->newer;
	else
		chat->first_room = room->newer;
	if (room->newer)
		room->newer->older = room->older;
	else
		chat->last_room = room->older;
	chat_table_remove(&chat->rooms, &room->by_name);
	if (room->crowd_due != 0)
		chat->crowds_due--;
	chat_history_shrink(chat, room, 0);
	free(room->members);
	free(room->topic);
	free(room);
}

void
chat_room_free_if_empty(struct chat *chat, struct chat_room *room)
{
	if (room != chat->lobby && room->member_count == 0)
		chat_room_free(chat, room);
}

void
chat_room_free_empty(struct chat *chat)
{
	struct chat_room *next;

	for (struct chat_room *room = chat->first_room; room; room = next) {
		next = room->newer;
		chat_room_free_if_empty(chat, room);
	}
}

/* --- telling */

void
chat_room_send_text(struct chat_room *room, const struct chat_user *except)
{
	for (uint32_t i = 0; i < room->member_count; i++)
		if (room->members[i] != except)
			chat_user_send_text(room->members[i]);
}

void
chat_room_tell(struct chat_room *room, const struct chat_user *except, const char *format, ...)
{
	struct textbuf *text;
	va_list arguments;

	if (room->member_count == 0)
		return;
	text = &room->members[0]->chat->text;
	textbuf_reset(text);
	va_start(arguments, format);
	chat_text_add_notice(text, format, arguments);
	va_end(arguments);
	chat_room_send_text(room, except);
}

/* May something be delivered to all of the room now? True takes it from what may be. */
static bool
charge(const struct chat_room *room, struct chat *chat)
{
	msec now = builtin_now(chat->builtin);
	msec span = now - chat->deliveries_at;
	int64_t left = chat->deliveries;

	/* A second fills it; longer spans could overflow. */
	left += (span < 1000 ? span : 1000) * CHAT_DELIVERIES_RATE / 1000;
	chat->deliveries = (uint32_t)(left < CHAT_DELIVERIES_BURST ? left : CHAT_DELIVERIES_BURST);
	chat->deliveries_at = now;
	if (room->member_count > chat->deliveries)
		return false;
	chat->deliveries -= room->member_count;
	return true;
}

bool
chat_room_may_say(struct chat_user *user)
{
	if (charge(user->room, user->chat))
		return true;
	chat_user_tell(user, "The chat is too busy; that was lost.");
	return false;
}

static void
count_for_later(struct chat_room *room, struct chat *chat, enum chat_notice notice)
{
	room->crowd[notice]++;
	if (room->crowd_due != 0)
		return;
	room->crowd_due = builtin_now(chat->builtin) + CHAT_CROWD_SPAN;
	chat->crowds_due++;
}

void
chat_room_notice(struct chat_room *room, struct chat_user *user, enum chat_notice notice,
	const char *detail)
{
	if (room->member_count > CHAT_CROWD || !charge(room, user->chat)) {
		count_for_later(room, user->chat, notice);
		return;
	}
	switch (notice) {
	case CHAT_JOINED:
		chat_room_tell(room, user, "%s has joined", user->name);
		break;
	case CHAT_LEFT:
		if (detail)
			chat_room_tell(room, user, "%s has left (%s)", user->name, detail);
		else
			chat_room_tell(room, user, "%s has left", user->name);
		break;
	case CHAT_RENAMED:
		chat_room_tell(room, user, "%s is now %s", detail, user->name);
		break;
	case CHAT_NOTICE_COUNT:
		break;
	}
}

static void
sum_up(struct chat *chat, struct chat_room *room)
{
	static const struct {
		const char *sign, *word;
	} words[] = {
		[CHAT_JOINED] = { "+", "joined" },
		[CHAT_LEFT] = { "", "left" },
		[CHAT_RENAMED] = { "", "took new names" },
	};
	const char *before = "*** ";

	textbuf_reset(&chat->text);
	for (int notice = 0; notice < CHAT_NOTICE_COUNT; notice++) {
		if (room->crowd[notice] == 0)
			continue;
		textbuf_addf(&chat->text, "%s%s%u %s", before, words[notice].sign,
			room->crowd[notice], words[notice].word);
		before = ", ";
		room->crowd[notice] = 0;
	}
	textbuf_addf(&chat->text, "; %u are here\r\n", room->member_count);
	chat_room_send_text(room, NULL);
}

void
chat_room_sum_up(struct chat *chat, msec now)
{
	if (chat->crowds_due == 0)
		return;
	for (struct chat_room *room = chat->first_room; room; room = room->newer) {
		if (room->crowd_due == 0 || room->crowd_due > now)
			continue;
		room->crowd_due = 0;
		chat->crowds_due--;
		sum_up(chat, room);
	}
}

/* --- the topic */

int
chat_room_set_topic(struct chat_room *room, const struct chat_user *by, const char *topic)
{
	char *copy = NULL;

	if (topic && topic[0] != '\0') {
		copy = strndup(topic, chat_text_cut(topic, strlen(topic), CHAT_TOPIC_BYTES));
		if (!copy)
			return -ENOMEM;
	}
	free(room->topic);
	room->topic = copy;
	room->topic_at = builtin_now(by->chat->builtin);
	memcpy(room->topic_by, by->name, sizeof(room->topic_by));
	return 0;
}

void
chat_room_add_topic(const struct chat_room *room, msec now, struct textbuf *text)
{
	char age[CHAT_AGE_BYTES];

	if (room->topic)
		textbuf_addf(text, "*** Topic: %s (%s, %s ago)\r\n", room->topic, room->topic_by,
			chat_text_age(now - room->topic_at, age));
}

/* --- coming and going */

static int
add_member(struct chat_room *room, struct chat_user *user)
{
	if (room->member_count == room->member_room) {
		uint32_t wider = room->member_room > 0 ? room->member_room * 2 : MEMBERS_AT_START;
		struct chat_user **members = reallocarray(room->members, wider, sizeof(*members));

		if (!members)
			return -ENOMEM;
		room->members = members;
		room->member_room = wider;
	}
	user->place = room->member_count;
	user->room = room;
	room->members[room->member_count++] = user;
	return 0;
}

int
chat_room_return(struct chat_room *room, struct chat_user *user)
{
	return add_member(room, user);
}

int
chat_room_enter(struct chat_room *room, struct chat_user *user)
{
	struct textbuf *text = &user->chat->text;
	msec now = builtin_now(user->chat->builtin);
	uint32_t others = room->member_count;
	int error = add_member(room, user);

	if (error < 0)
		return error;
	textbuf_reset(text);
	if (others == 0)
		textbuf_addf(text, "*** You are alone in %s.\r\n", room->name);
	else
		textbuf_addf(text, "*** You are in %s with %u other%s.\r\n", room->name, others,
			PLURAL(others));
	chat_room_add_topic(room, now, text);
	chat_history_add_to(room, now, text);
	chat_user_send_text(user);
	chat_room_notice(room, user, CHAT_JOINED, NULL);
	return 0;
}

void
chat_room_remove(struct chat_user *user)
{
	struct chat_room *room = user->room;
	struct chat_user *last = room->members[--room->member_count];

	room->members[user->place] = last;
	last->place = user->place;
	user->room = NULL;
	chat_room_free_if_empty(user->chat, room);
}

void
chat_room_leave(struct chat_user *user, const char *reason)
{
	chat_room_notice(user->room, user, CHAT_LEFT, reason);
	chat_room_remove(user);
}
