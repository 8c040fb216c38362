/* SPDX-License-Identifier: ISC */
/* Users of chat: their names, what they are told, how fast they may talk, and how they go. */
#ifndef REEVE_CHAT_USER_H
#define REEVE_CHAT_USER_H

#include "services/chat.h"

/* Somebody is there (`user` is zeroed): greet, and ask for a name. */
void chat_user_begin(struct chat_user *user, struct chat *chat, struct conn *conn);

/* Ask for a name again. */
void chat_user_prompt(struct chat_user *user);

/* Send chat->text to a user, if all of it could be built; whoever does not take it is doomed
 * (SLOW). Doomed ones get nothing. Raw: bytes that are no text, so they do not end the line of a
 * prompt. */
void chat_user_send_text(struct chat_user *user);
void chat_user_send_raw(struct chat_user *user, const char *bytes, size_t length);

/* Tell one user something: "*** " and the line end are added. */
void chat_user_tell(struct chat_user *user, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Who is called that, whatever the case; NULL: nobody. */
struct chat_user *chat_user_find(const struct chat *chat, const char *name);

/* Give `user` that name: false, and he was told why not. Or the one that was offered to him. */
bool chat_user_rename(struct chat_user *user, const char *name);
void chat_user_take_guest_name(struct chat_user *user);

/* The name is one, and free. */
void chat_user_set_name(struct chat_user *user, const char *name);

/* May he send one more line? If not he is told so once, and doomed when he goes on and on. */
bool chat_user_charge(struct chat_user *user);

/* He is not to stay; chat_bury ends it. */
void chat_user_doom(struct chat_user *user, enum ending ending);

/* He is no member and has no name any more. The room learns it, except when everybody has to go
 * (SHUTDOWN). */
void chat_user_depart(struct chat_user *user, enum ending ending);

/* Take the doomed out. The last thing that each callback does. */
void chat_bury(struct chat *chat);

#endif
