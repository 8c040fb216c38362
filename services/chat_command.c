/* SPDX-License-Identifier: ISC */
/* The commands of chat. */
#include "services/chat_command.h"

#include "services/chat_history.h"
#include "services/chat_room.h"
#include "services/chat_user.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LIST_MAX 50      /* rows of a list; of the rest only the number is told */
#define REASON_BYTES 200 /* of /quit */
#define WORD_BYTES 32    /* of a command */
#define NEAR 2           /* letters that a mistyped command may be away from the one meant */

#define COMMAND(name, alias, words, usage, help) \
	static void do_##name(struct chat_user *user, const char *argument);
#include "services/chat_commands.def"
#undef COMMAND

static const struct command {
	const char *name, *alias;
	int words;
	const char *usage, *help;
	void (*run)(struct chat_user *user, const char *argument);
} commands[] = {
#define COMMAND(name, alias, words, usage, help) { #name, alias, words, usage, help, do_##name },
#include "services/chat_commands.def"
#undef COMMAND
};

/* --- words */

static const char *
skip_blanks(const char *text)
{
	return text + strspn(text, " ");
}

/* Split "word rest": copy the word (cut to what fits, which no name does), return the rest. */
static const char *
take_word(const char *text, char *word, size_t room)
{
	size_t length = strcspn(text, " ");
	size_t kept = chat_text_cut(text, length, room - 1);

	memcpy(word, text, kept);
	word[kept] = '\0';
	return skip_blanks(text + length);
}

static size_t
distance(const char *a, const char *b)
{
	size_t row[16];
	size_t length_b = strlen(b);

	if (strlen(a) >= ARRAY_SIZE(row) || length_b >= ARRAY_SIZE(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= length_b; j++)
		row[j] = j;
	for (size_t i = 0; a[i] != '\0'; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < length_b; j++) {
			size_t change = diagonal + (a[i] != b[j]);
			size_t least = row[j] < row[j + 1] ? row[j] + 1 : row[j + 1] + 1;

			diagonal = row[j + 1];
			row[j + 1] = change < least ? change : least;
		}
	}
	return row[length_b];
}

static const struct command *
find_command(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcasecmp(word, commands[i].name) == 0 ||
			strcasecmp(word, commands[i].alias) == 0)
			return &commands[i];
	return NULL;
}

static const struct command *
find_nearest(const char *word)
{
	const struct command *nearest = NULL;
	size_t least = NEAR + 1;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		size_t away = distance(word, commands[i].name);

		if (away < least && away < strlen(word)) {
			least = away;
			nearest = &commands[i];
		}
	}
	return nearest;
}

static void
tell_unknown(struct chat_user *user, const char *word)
{
	const struct command *nearest = find_nearest(word);

	if (nearest)
		chat_user_tell(user, "No command /%s; did you mean /%s?", word, nearest->name);
	else
		chat_user_tell(user, "No command /%s; /help lists them.", word);
}

static void
tell_usage(struct chat_user *user, const struct command *command)
{
	chat_user_tell(user, "Usage: /%s %s", command->name, command->usage);
}

/* --- the commands */

static void
do_help(struct chat_user *user, const char *argument)
{
	struct textbuf *text = &user->chat->text;
	const struct command *command;
	char word[WORD_BYTES];

	(void)take_word(argument + (argument[0] == '/'), word, sizeof(word));
	command = find_command(word);
	if (word[0] != '\0' && !command) {
		tell_unknown(user, word);
		return;
	}
	textbuf_reset(text);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!command || command == &commands[i])
			textbuf_addf(text, "*** /%s %-*s /%-5s %s\r\n", commands[i].name,
				(int)(14 - strlen(commands[i].name)), commands[i].usage,
				commands[i].alias, commands[i].help);
	if (!command)
		textbuf_add(text,
			"*** What does not begin with / is said in the room; //x says /x.\r\n");
	chat_user_send_text(user);
}

static void
do_nick(struct chat_user *user, const char *argument)
{
	char old[CHAT_NAME_BYTES + 1];

	memcpy(old, user->name, sizeof(old));
	if (argument[0] == '\0') {
		chat_user_tell(user, "You are %s.", user->name);
		return;
	}
	if (!chat_user_rename(user, argument))
		return;
	chat_user_tell(user, "You are %s.", user->name);
	if (strcmp(old, user->name) != 0)
		chat_room_notice(user->room, user, CHAT_RENAMED, old);
}

static void
add_member(const struct chat_user *member, struct textbuf *text, bool with_room)
{
	msec span = builtin_now(member->chat->builtin) - member->heard_at;
	char age[CHAT_AGE_BYTES];

	textbuf_addf(text, "***   %s%s%s (%s)\r\n", member->name, with_room ? " in " : "",
		with_room ? member->room->name : "", chat_text_age(span, age));
}

static uint32_t
add_members(const struct chat_room *room, struct textbuf *text, bool with_room, uint32_t most)
{
	uint32_t count = room->member_count < most ? room->member_count : most;

	for (uint32_t i = 0; i < count; i++)
		add_member(room->members[i], text, with_room);
	return count;
}

static void
send_list(struct chat_user *user, size_t total, uint32_t shown)
{
	struct textbuf *text = &user->chat->text;

	if (total > shown)
		textbuf_addf(text, "***   and %zu more\r\n", total - shown);
	chat_user_send_text(user);
}

static void
list_everybody(struct chat_user *user)
{
	struct chat *chat = user->chat;
	uint32_t shown = 0;

	textbuf_reset(&chat->text);
	textbuf_addf(&chat->text, "*** %zu in all rooms:\r\n", chat->users.count);
	for (const struct chat_room *room = chat->first_room; room && shown < LIST_MAX;
		room = room->newer)
		shown += add_members(room, &chat->text, true, LIST_MAX - shown);
	send_list(user, chat->users.count, shown);
}

static void
do_who(struct chat_user *user, const char *argument)
{
	const struct chat_room *room = user->room;
	struct textbuf *text = &user->chat->text;
	char name[CHAT_ROOM_BYTES + 2]; /* what is too long is still too long in it */
	uint32_t shown;

	if (strcmp(argument, "*") == 0) {
		list_everybody(user);
		return;
	}
	(void)take_word(argument + (argument[0] == '#'), name, sizeof(name));
	if (name[0] != '\0')
		room = chat_room_find(user->chat, name);
	if (!room) {
		chat_user_tell(user, "No room %s; /rooms lists them.", name);
		return;
	}
	textbuf_reset(text);
	textbuf_addf(text, "*** %u in %s:\r\n", room->member_count, room->name);
	shown = add_members(room, text, false, LIST_MAX);
	send_list(user, room->member_count, shown);
}

static void
do_me(struct chat_user *user, const char *argument)
{
	struct chat *chat = user->chat;

	if (!chat_room_may_say(user))
		return;
	textbuf_reset(&chat->text);
	textbuf_addf(&chat->text, "* %s %s\r\n", user->name, argument);
	chat_room_send_text(user->room, NULL);
	chat_history_keep(chat, user->room);
}

static void
do_msg(struct chat_user *user, const char *argument)
{
	struct textbuf *text = &user->chat->text;
	char name[CHAT_NAME_BYTES + 2];
	const char *what = take_word(argument, name, sizeof(name));
	struct chat_user *other = chat_user_find(user->chat, name);

	if (!other) {
		chat_user_tell(user, "Nobody is called %s.", name);
		return;
	}
	textbuf_reset(text);
	textbuf_addf(text, "[%s] %s\r\n", user->name, what);
	chat_user_send_text(other);
	textbuf_reset(text);
	textbuf_addf(text, "-> [%s] %s\r\n", other->name, what);
	chat_user_send_text(user);
}

static void
do_topic(struct chat_user *user, const char *argument)
{
	struct chat_room *room = user->room;
	struct textbuf *text = &user->chat->text;
	bool is_removal = strcmp(argument, "-") == 0;

	if (argument[0] != '\0') {
		if (!chat_room_may_say(user))
			return;
		if (chat_room_set_topic(room, user, is_removal ? NULL : argument) < 0)
			chat_user_tell(user, "No memory for it.");
		else if (is_removal)
			chat_room_tell(room, NULL, "%s has removed the topic", user->name);
		else
			chat_room_tell(room, NULL, "%s has set the topic: %s", user->name,
				room->topic);
		return;
	}
	if (!room->topic) {
		chat_user_tell(user, "%s has no topic.", room->name);
		return;
	}
	textbuf_reset(text);
	chat_room_add_topic(room, builtin_now(user->chat->builtin), text);
	chat_user_send_text(user);
}

static void
move_to(struct chat_user *user, struct chat_room *room)
{
	struct chat *chat = user->chat;

	chat_room_leave(user, NULL);
	if (chat_room_enter(room, user) < 0) {
		chat_room_free_if_empty(chat, room);
		chat_user_doom(user, ENDING_ERROR); /* no memory */
	}
}

static void
do_join(struct chat_user *user, const char *argument)
{
	const char *name = argument + (argument[0] == '#'); /* as people know it from IRC */
	struct chat_room *room = chat_room_find(user->chat, name);
	const char *mistake = name_mistake(name, NAME_ROOM_POINTS);
	size_t most = (size_t)builtin_options(user->chat->builtin)->chat_rooms;

	if (room && room == user->room) {
		chat_user_tell(user, "You are in %s already.", room->name);
		return;
	}
	if (!room && mistake) {
		chat_user_tell(user, "The name of a room %s", mistake);
		return;
	}
	if (!room && user->chat->rooms.count < most)
		room = chat_room_make(user->chat, name);
	if (room)
		move_to(user, room);
	else
		chat_user_tell(user, "No more rooms: %zu are open.", user->chat->rooms.count);
}

static void
do_leave(struct chat_user *user, const char *argument)
{
	(void)argument;
	if (user->room == user->chat->lobby)
		chat_user_tell(user, "This is %s; /quit leaves the chat.", user->room->name);
	else
		move_to(user, user->chat->lobby);
}

static void
do_rooms(struct chat_user *user, const char *argument)
{
	struct chat *chat = user->chat;
	uint32_t shown = 0;

	(void)argument;
	textbuf_reset(&chat->text);
	textbuf_addf(&chat->text, "*** %zu room%s:\r\n", chat->rooms.count,
		PLURAL(chat->rooms.count));
	for (const struct chat_room *room = chat->first_room; room && shown < LIST_MAX;
		room = room->newer, shown++)
		textbuf_addf(&chat->text, "***   %s (%u)%s%s\r\n", room->name, room->member_count,
			room->topic ? " " : "", room->topic ? room->topic : "");
	send_list(user, chat->rooms.count, shown);
}

static void
do_quit(struct chat_user *user, const char *argument)
{
	char reason[REASON_BYTES + 1];
	size_t length = chat_text_cut(argument, strlen(argument), REASON_BYTES);

	memcpy(reason, argument, length);
	reason[length] = '\0';
	chat_user_tell(user, "Good bye.");
	chat_room_leave(user, length > 0 ? reason : NULL);
	chat_user_doom(user, ENDING_SERVED);
}

/* --- running one */

static int
count_words(const char *text, int enough)
{
	int count = 0;

	for (text = skip_blanks(text); *text != '\0' && count < enough; text = skip_blanks(text)) {
		text += strcspn(text, " ");
		count++;
	}
	return count;
}

const char *
chat_command_match(const char *line, const char *name)
{
	char word[WORD_BYTES];
	const char *argument = take_word(line + 1, word, sizeof(word));
	const struct command *command = find_command(word);

	return command && strcmp(command->name, name) == 0 ? argument : NULL;
}

void
chat_command_run(struct chat_user *user, const char *line)
{
	char word[WORD_BYTES];
	const char *argument = take_word(line + 1, word, sizeof(word));
	const struct command *command = find_command(word);

	if (!command)
		tell_unknown(user, word);
	else if (count_words(argument, command->words) < command->words)
		tell_usage(user, command);
	else
		command->run(user, argument);
}
