/* SPDX-License-Identifier: ISC */
/* Rooms of chat: who is in them, what was said, and who hears of whom.
 *
 * In a room of more than CHAT_CROWD users nobody can follow who comes and goes, and telling
 * each of each would cost the square of their number. There, coming, going and new names are
 * counted and told in one line every few seconds: "*** +17 joined, 3 left". */
#ifndef REEVE_CHAT_ROOM_H
#define REEVE_CHAT_ROOM_H

#include "services/chat.h"

/* What one sends is delivered to each member of the room: the pace of one user does not bound
 * the work that many do together. So many deliveries a second, and at once, are less than what
 * one gate can do, and let a room of 10,000 hear ten lines a second. */
#define CHAT_DELIVERIES_RATE 100000
#define CHAT_DELIVERIES_BURST 100000

#define CHAT_CROWD 100
#define CHAT_CROWD_SPAN 5000 /* msec between two sums */
#define CHAT_TOPIC_BYTES 256

enum chat_notice { CHAT_JOINED, CHAT_LEFT, CHAT_RENAMED, CHAT_NOTICE_COUNT };

struct chat_room {
	struct chat_link by_name;
	struct chat_room *older, *newer;
	struct chat_user **members; /* in no order */
	uint32_t member_count, member_room;
	struct chat_past *first_past, *last_past;
	uint32_t past_count;
	size_t past_bytes;
	msec topic_at;
	char *topic; /* NULL: none */
	char topic_by[CHAT_NAME_BYTES + 1];
	msec crowd_due; /* when to sum up; 0: nothing to tell */
	uint32_t crowd[CHAT_NOTICE_COUNT];
	char name[CHAT_ROOM_BYTES + 1];
};

/* The room of that name; NULL: none. Make one (how many there may be is the caller's to check);
 * NULL: no memory. A room that is not the lobby ends when its last user leaves. */
struct chat_room *chat_room_find(const struct chat *chat, const char *name);
struct chat_room *chat_room_make(struct chat *chat, const char *name);
void chat_room_free(struct chat *chat, struct chat_room *room);
void chat_room_free_if_empty(struct chat *chat, struct chat_room *room);

/* Come in: the others learn it, the newcomer is shown topic and history. -ENOMEM: he is not in. */
int chat_room_enter(struct chat_room *room, struct chat_user *user);

/* Be in again, as one who has never left: nobody learns it. 0 or -ENOMEM. */
int chat_room_return(struct chat_room *room, struct chat_user *user);

/* End all rooms but the lobby that nobody is in. */
void chat_room_free_empty(struct chat *chat);

/* Go. `reason`: what the others are told of it, may be NULL; chat_room_remove tells nobody. */
void chat_room_leave(struct chat_user *user, const char *reason);
void chat_room_remove(struct chat_user *user);

/* Send to everybody but `except` (NULL: everybody): chat->text; a notice. */
void chat_room_send_text(struct chat_room *room, const struct chat_user *except);
void chat_room_tell(struct chat_room *room, const struct chat_user *except, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* May what `user` has to say be delivered to all of his room now? True takes it from what may be
 * delivered; he is told if it is lost. */
bool chat_room_may_say(struct chat_user *user);

/* `user` has joined, left, or was called `old_name`; `detail` is the reason or the old name. */
void chat_room_notice(struct chat_room *room, struct chat_user *user, enum chat_notice notice,
	const char *detail);

/* Tell crowds what has gathered, if it is time. */
void chat_room_sum_up(struct chat *chat, msec now);

/* "" or NULL: no topic any more. 0 or -ENOMEM. */
int chat_room_set_topic(struct chat_room *room, const struct chat_user *by, const char *topic);
void chat_room_add_topic(const struct chat_room *room, msec now, struct textbuf *text);

#endif
