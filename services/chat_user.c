/* SPDX-License-Identifier: ISC */
/* Users of chat: their names, what they are told, how fast they may talk, and how they go. */
#include "services/chat_user.h"

#include "services/chat_room.h"
#include "services/chat_udp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TOKEN 1000      /* what a line costs */
#define STRIKES_MAX 500 /* lines over the rate, without a pause, that end it */
#define REFUSED_NAMES_MAX 20

/* --- being told */

void
chat_user_send_raw(struct chat_user *user, const char *bytes, size_t length)
{
	if (user->stage >= CHAT_DOOMED)
		return;
	if (!user->conn)
		chat_udp_send(user, bytes, length);
	else if (conn_write(user->conn, bytes, length) < 0)
		chat_user_doom(user, ENDING_SLOW);
}

/* A prompt has no line end. It is sent before the next text, for those who read by lines. */
void
chat_user_send_text(struct chat_user *user)
{
	const struct textbuf *text = &user->chat->text;

	if (textbuf_error(text) < 0 || text->length == 0)
		return;
	if (user->is_prompted)
		chat_user_send_raw(user, "\r\n", 2);
	user->is_prompted = false;
	chat_user_send_raw(user, text->text, text->length);
}

void
chat_user_tell(struct chat_user *user, const char *format, ...)
{
	va_list arguments;

	textbuf_reset(&user->chat->text);
	va_start(arguments, format);
	chat_text_add_notice(&user->chat->text, format, arguments);
	va_end(arguments);
	chat_user_send_text(user);
}

/* --- names */

struct chat_user *
chat_user_find(const struct chat *chat, const char *name)
{
	struct chat_link *link;

	if (strlen(name) > CHAT_NAME_BYTES)
		return NULL;
	link = chat_table_first(&chat->users, chat_name_hash(&chat->key, name));
	for (; link; link = chat_table_next(link)) {
		struct chat_user *user = CONTAINER_OF(link, struct chat_user, by_name);

		if (chat_name_equal(user->name, name))
			return user;
	}
	return NULL;
}

void
chat_user_set_name(struct chat_user *user, const char *name)
{
	struct chat *chat = user->chat;

	if (user->name[0] != '\0')
		chat_table_remove(&chat->users, &user->by_name);
	memcpy(user->name, name, strlen(name) + 1);
	user->by_name.hash = chat_name_hash(&chat->key, name);
	chat_table_add(&chat->users, &user->by_name);
}

bool
chat_user_rename(struct chat_user *user, const char *name)
{
	const char *mistake = name_mistake(name, NAME_USER_POINTS);
	const struct chat_user *holder;

	if (mistake) {
		chat_user_tell(user, "A name %s", mistake);
		return false;
	}
	if (chat_name_is_reserved(name)) {
		chat_user_tell(user, "The name %s is reserved.", name);
		return false;
	}
	holder = chat_user_find(user->chat, name);
	if (holder && holder != user) {
		chat_user_tell(user, "The name %s is taken.", holder->name);
		return false;
	}
	chat_user_set_name(user, name);
	return true;
}

/* Numbers are never given twice until they wrap, so the loop ends at once unless somebody has
 * taken the names to come; each of them costs him a user. */
static void
choose_guest_name(struct chat_user *user, char name[static CHAT_NAME_BYTES + 1])
{
	struct chat *chat = user->chat;

	if (user->guest == 0)
		user->guest = ++chat->next_guest;
	for (;;) {
		(void)snprintf(name, CHAT_NAME_BYTES + 1, "guest%u", user->guest);
		if (!chat_user_find(chat, name))
			return;
		user->guest = ++chat->next_guest;
	}
}

void
chat_user_take_guest_name(struct chat_user *user)
{
	char name[CHAT_NAME_BYTES + 1];

	choose_guest_name(user, name);
	chat_user_set_name(user, name);
}

void
chat_user_prompt(struct chat_user *user)
{
	struct textbuf *text = &user->chat->text;
	char name[CHAT_NAME_BYTES + 1];

	if (user->refused_names++ > REFUSED_NAMES_MAX) {
		chat_user_tell(user, "That is enough.");
		chat_user_doom(user, ENDING_ABUSE);
		return;
	}
	choose_guest_name(user, name);
	textbuf_reset(text);
	textbuf_addf(text, "Your name [%s]: %s", name, user->conn ? "" : "\r\n");
	chat_user_send_text(user);
	user->is_prompted = user->conn != NULL;
}

/* --- the pace */

/* Milliseconds times lines a second are thousandths of a line. */
static void
fill_bucket(struct chat_user *user)
{
	const struct service_options *options = builtin_options(user->chat->builtin);
	msec now = builtin_now(user->chat->builtin);
	int64_t most = options->chat_burst * TOKEN;
	msec span = now - user->filled_at;
	msec enough = most / options->chat_rate + 1;
	int64_t tokens = user->tokens + (span < enough ? span : enough) * options->chat_rate;

	user->filled_at = now;
	user->tokens = (uint32_t)(tokens < most ? tokens : most);
	if (tokens >= most) {
		user->strikes = 0;
		user->was_told_flood = false;
	}
}

bool
chat_user_charge(struct chat_user *user)
{
	fill_bucket(user);
	if (user->tokens >= TOKEN) {
		user->tokens -= TOKEN;
		return true;
	}
	if (++user->strikes > STRIKES_MAX) {
		chat_user_tell(user, "You were told to slow down. Good bye.");
		chat_user_doom(user, ENDING_ABUSE);
	} else if (!user->was_told_flood) {
		user->was_told_flood = true;
		chat_user_tell(user, "Too fast: what you send now is lost. Slow down.");
	}
	return false;
}

/* --- coming and going */

void
chat_user_begin(struct chat_user *user, struct chat *chat, struct conn *conn)
{
	user->chat = chat;
	user->conn = conn;
	user->stage = CHAT_NAMING;
	user->heard_at = user->filled_at = builtin_now(chat->builtin);
	user->tokens = (uint32_t)(builtin_options(chat->builtin)->chat_burst * TOKEN);
	chat_user_tell(user, "Welcome to the chat. %zu %s here; /help lists the commands.",
		chat->users.count, chat->users.count == 1 ? "user is" : "users are");
	chat_user_prompt(user);
}

void
chat_user_doom(struct chat_user *user, enum ending ending)
{
	struct chat *chat = user->chat;

	if (user->stage >= CHAT_DOOMED)
		return;
	user->stage = CHAT_DOOMED;
	user->ending = (uint8_t)ending;
	user->next_doomed = chat->doomed;
	chat->doomed = user;
}

static void
forget_name(struct chat_user *user)
{
	if (user->name[0] != '\0')
		chat_table_remove(&user->chat->users, &user->by_name);
	user->name[0] = '\0';
}

static const char *
reason_for(enum ending ending)
{
	if (ending == ENDING_SLOW)
		return "did not read what was said";
	if (ending == ENDING_ABUSE)
		return "talked too fast";
	return ending == ENDING_IDLE ? "was silent" : NULL;
}

void
chat_user_depart(struct chat_user *user, enum ending ending)
{
	if (user->room && ending == ENDING_SHUTDOWN)
		chat_room_remove(user);
	else if (user->room)
		chat_room_leave(user, reason_for(ending));
	forget_name(user);
}

void
chat_bury(struct chat *chat)
{
	while (chat->doomed) {
		struct chat_user *user = chat->doomed;
		enum ending ending = user->ending;

		chat->doomed = user->next_doomed;
		chat_user_depart(user, ending);
		user->stage = CHAT_GONE;
		if (!user->conn)
			chat_udp_free_user(user);
		else if (ending == ENDING_SLOW)
			conn_drop(user->conn, ending);
		else
			conn_finish(user->conn, ending);
	}
	chat_update_ticks(chat);
}
