/* SPDX-License-Identifier: ISC */
/* chat: the callbacks, and lines of text out of streams of bytes. */
#include "services/chat.h"

#include "services/chat_command.h"
#include "services/chat_history.h"
#include "services/chat_room.h"
#include "services/chat_saved.h"
#include "services/chat_udp.h"
#include "services/chat_user.h"

#include <errno.h>
#include <string.h>

size_t
chat_line_max(const struct chat *chat)
{
	size_t max = (size_t)builtin_options(chat->builtin)->chat_line;

	return max < CHAT_LINE_MAX ? max : CHAT_LINE_MAX;
}

void
chat_update_ticks(struct chat *chat)
{
	builtin_want_ticks(chat->builtin,
		chat->crowds_due > 0 || chat_udp_has_users(chat) || chat->is_restored);
}

/* --- what a line means */

static void
say(struct chat_user *user, const char *what)
{
	struct chat *chat = user->chat;

	if (!chat_room_may_say(user))
		return;
	textbuf_reset(&chat->text);
	textbuf_addf(&chat->text, "<%s> %s\r\n", user->name, what);
	chat_room_send_text(user->room, user);
	chat_history_keep(chat, user->room);
}

static void
let_in(struct chat_user *user)
{
	user->stage = CHAT_TALKING;
	chat_user_tell(user, "You are %s.", user->name);
	if (chat_room_enter(user->chat->lobby, user) < 0)
		chat_user_doom(user, ENDING_ERROR); /* no memory */
}

/* A web page can make its reader's browser send what it likes, to a port that the page itself
 * could not reach. It can't leave this line out, but it can make it so long that its end is cut
 * off; no name is as long as that. */
static bool
is_from_browser(const char *line, bool was_cut)
{
	return was_cut || strstr(line, " HTTP/1.") != NULL;
}

/* The answer to the prompt. What looks like a command is one, under the name that was offered,
 * but for the two that make no sense so. */
static void
take_name(struct chat_user *user, const char *line, bool was_cut)
{
	const char *name = line + strspn(line, " ");
	bool is_command = name[0] == '/';

	if (is_from_browser(name, was_cut)) {
		chat_user_tell(user, "This is no web server.");
		chat_user_doom(user, ENDING_ABUSE);
		return;
	}
	if (is_command && chat_command_match(name, "quit")) {
		chat_user_tell(user, "Good bye.");
		chat_user_doom(user, ENDING_SERVED);
		return;
	}
	if (is_command && chat_command_match(name, "nick")) {
		name = chat_command_match(name, "nick");
		is_command = false;
	}
	if (is_command || name[0] == '\0') {
		chat_user_take_guest_name(user);
	} else if (!chat_user_rename(user, name)) {
		chat_user_prompt(user);
		return;
	}
	let_in(user);
	if (is_command && user->stage == CHAT_TALKING)
		chat_command_run(user, name);
}

static void
obey(struct chat_user *user, const char *line, bool was_cut)
{
	if (user->stage == CHAT_NAMING)
		take_name(user, line, was_cut);
	else if (line[0] == '/' && line[1] == '/')
		say(user, line + 1);
	else if (line[0] == '/')
		chat_command_run(user, line);
	else if (line[0] != '\0')
		say(user, line);
}

void
chat_take_line(struct chat_user *user, const char *line, size_t length, bool was_cut)
{
	struct chat *chat = user->chat;
	size_t max = chat_line_max(chat);
	struct chat_cleaned cleaned;

	user->heard_at = builtin_now(chat->builtin);
	if (!chat_user_charge(user))
		return;
	cleaned = chat_text_clean(line, length, was_cut, chat->clean, max);
	if (cleaned.was_invalid && !user->was_told_utf8) {
		user->was_told_utf8 = true;
		chat_user_tell(user, "That was not UTF-8; others see a mark in place of it.");
	}
	if (cleaned.was_cut)
		chat_user_tell(user, "That line was cut after %zu bytes.", cleaned.length);
	if (user->stage < CHAT_DOOMED)
		obey(user, chat->clean, cleaned.was_cut);
}

/* --- lines out of a stream */

static void
end_line(struct chat_user *user)
{
	struct chat *chat = user->chat;
	bool was_skipping = user->is_skipping;
	size_t length = chat->line_length;

	chat->line_length = 0;
	user->is_skipping = false;
	user->skipped = 0;
	if (!was_skipping)
		chat_take_line(user, chat->line, length, false);
}

/* What is too long is said as far as it goes, at once; the rest is skipped, and each further
 * length of a line of it costs as much as a line. */
static void
add_byte(struct chat_user *user, char byte)
{
	struct chat *chat = user->chat;
	size_t max = chat_line_max(chat);

	if (user->is_skipping) {
		if (++user->skipped < max)
			return;
		user->skipped = 0;
		(void)chat_user_charge(user);
		return;
	}
	if (chat->line_length < max) {
		chat->line[chat->line_length++] = byte;
		return;
	}
	chat->line_length = 0;
	user->is_skipping = true;
	user->skipped = 1;
	chat_take_line(user, chat->line, max, true);
}

/* A line ends with CR LF, LF, CR NUL or CR alone. */
static void
take_byte(struct chat_user *user, char byte)
{
	bool was_return = user->was_return;

	user->was_return = byte == '\r';
	if (was_return && (byte == '\n' || byte == '\0'))
		return;
	if (byte == '\r' || byte == '\n')
		end_line(user);
	else
		add_byte(user, byte);
}

static void
take_stream_byte(struct chat_user *user, char byte)
{
	struct chat_telnet_event event;

	chat_telnet_take(&user->telnet, byte, &event);
	switch (event.kind) {
	case CHAT_TELNET_NOTHING:
		break;
	case CHAT_TELNET_TEXT:
		for (uint8_t i = 0; i < event.text_length && user->stage < CHAT_DOOMED; i++)
			take_byte(user, event.text[i]);
		break;
	case CHAT_TELNET_REFUSE:
		chat_user_send_raw(user, event.answer, sizeof(event.answer));
		break;
	case CHAT_TELNET_MARK:
		if (chat_user_charge(user))
			chat_user_send_raw(user, event.answer, sizeof(event.answer));
		break;
	case CHAT_TELNET_ASKED:
		if (chat_user_charge(user))
			chat_user_tell(user, "Yes, the chat is here.");
		break;
	}
}

/* Lines are put together in one place for all users; what has no end yet is kept by the user
 * until more of it comes. */
static void
load_partial(struct chat_user *user)
{
	struct chat *chat = user->chat;

	chat->line_length = user->partial_length;
	if (user->partial_length > 0)
		memcpy(chat->line, user->partial, user->partial_length);
	free(user->partial);
	user->partial = NULL;
	user->partial_length = 0;
}

static void
save_partial(struct chat_user *user)
{
	struct chat *chat = user->chat;

	if (chat->line_length == 0 || user->stage >= CHAT_DOOMED)
		return;
	user->partial = malloc(chat->line_length);
	if (!user->partial) {
		chat_user_doom(user, ENDING_ERROR);
		return;
	}
	memcpy(user->partial, chat->line, chat->line_length);
	user->partial_length = (uint16_t)chat->line_length;
}

/* --- the callbacks */

static void
chat_open(struct conn *conn)
{
	struct chat *chat = builtin_state(conn_builtin(conn));

	chat_user_begin(conn_state(conn), chat, conn);
	chat_bury(chat);
}

static void
chat_readable(struct conn *conn)
{
	struct chat_user *user = conn_state(conn);
	struct chat *chat = user->chat;
	bool is_end = false;
	size_t length;
	const char *bytes = conn_input(conn, &length, &is_end);

	load_partial(user);
	for (size_t i = 0; i < length && user->stage < CHAT_DOOMED; i++)
		take_stream_byte(user, bytes[i]);
	conn_consume(conn, length);
	/* The end of what `printf hello | nc` sends ends the line, too, and then the visit. */
	if (is_end && user->stage < CHAT_DOOMED && chat->line_length > 0)
		end_line(user);
	if (is_end)
		chat_user_doom(user, ENDING_CLIENT_CLOSED);
	save_partial(user);
	chat_bury(chat);
}

static void
chat_closed(struct conn *conn, enum ending ending)
{
	struct chat_user *user = conn_state(conn);
	struct chat *chat = user->chat;
	bool is_news = chat && user->stage != CHAT_GONE;

	free(user->partial);
	user->partial = NULL;
	if (!is_news)
		return;
	user->stage = CHAT_GONE;
	chat_user_depart(user, ending);
	chat_bury(chat);
}

static void
chat_datagram(struct datagram *datagram)
{
	struct chat *chat = builtin_state(datagram->builtin);

	chat_udp_take(chat, datagram);
	chat_bury(chat);
}

static void
chat_tick(struct builtin *builtin, msec now)
{
	struct chat *chat = builtin_state(builtin);

	chat_udp_expire(chat, now);
	chat_room_sum_up(chat, now);
	if (chat->is_restored)
		chat_room_free_empty(chat);
	chat->is_restored = false;
	chat_bury(chat);
}

/* The lobby has the name that the options give it: an existing room of that name becomes it, the
 * old one goes on as a room like others. The number of rooms does not bind it. */
static int
choose_lobby(struct chat *chat)
{
	const char *name = builtin_options(chat->builtin)->chat_room;
	struct chat_room *before = chat->lobby;
	struct chat_room *lobby;

	if (!name || name_mistake(name, NAME_ROOM_POINTS))
		return -EINVAL;
	lobby = chat_room_find(chat, name);
	if (!lobby)
		lobby = chat_room_make(chat, name);
	if (!lobby)
		return -ENOMEM;
	chat->lobby = lobby;
	if (before && before != lobby)
		chat_room_free_if_empty(chat, before);
	return 0;
}

/* Only the lobby is there. */
void
chat_set_key(struct chat *chat, struct siphash_key key)
{
	struct chat_room *lobby = chat->lobby;

	chat_table_remove(&chat->rooms, &lobby->by_name);
	chat->key = key;
	lobby->by_name.hash = chat_name_hash(&chat->key, lobby->name);
	chat_table_add(&chat->rooms, &lobby->by_name);
}

static void
chat_free(struct chat *chat)
{
	while (chat->first_room)
		chat_room_free(chat, chat->first_room);
	chat_table_fini(&chat->rooms);
	chat_table_fini(&chat->users);
	textbuf_fini(&chat->text);
	free(chat);
}

static int
chat_start(struct builtin *builtin, void **ret_state)
{
	struct chat *chat = calloc(1, sizeof(*chat));
	int error;

	if (!chat)
		return -ENOMEM;
	chat->builtin = builtin;
	chat->text = TEXTBUF_INIT(CHAT_TEXT_MAX);
	chat->deliveries = CHAT_DELIVERIES_BURST;
	chat->deliveries_at = builtin_now(builtin);
	builtin_random(&chat->key, sizeof(chat->key));
	error = chat_table_init(&chat->users);
	if (error == 0)
		error = chat_table_init(&chat->rooms);
	if (error == 0)
		error = choose_lobby(chat);
	if (error == 0)
		error = chat_udp_start(chat);
	if (error < 0) {
		chat_free(chat);
		return error;
	}
	*ret_state = chat;
	return 0;
}

/* Pace, line length, silence and number of rooms are looked up when they are needed. A lobby
 * that cannot be made leaves the old one. */
static void
chat_retune(struct builtin *builtin)
{
	struct chat *chat = builtin_state(builtin);
	uint32_t keep = (uint32_t)builtin_options(builtin)->chat_history;

	(void)choose_lobby(chat);
	for (struct chat_room *room = chat->first_room; room; room = room->newer)
		chat_history_shrink(chat, room, keep);
}

static void
chat_stop(struct builtin *builtin)
{
	struct chat *chat = builtin_state(builtin);

	chat_udp_stop(chat);
	chat_free(chat);
}

const struct service_ops chat_ops = {
	.name = "chat",
	.conn_size = sizeof(struct chat_user),
	.start = chat_start,
	.retune = chat_retune,
	.stop = chat_stop,
	.open = chat_open,
	.readable = chat_readable,
	.closed = chat_closed,
	.datagram = chat_datagram,
	.tick = chat_tick,
	.save = chat_save,
	.save_conn = chat_save_conn,
	.restore = chat_restore,
	.restore_conn = chat_restore_conn,
};
