/* SPDX-License-Identifier: ISC */
/* The table: name port/protocol [key=value ...] handler [argument ...]. */
#include "config/table.h"

#include "base/utf8.h"
#include "config/ports.h"

#include <errno.h>
#include <string.h>

#define NAME_MAX_BYTES 63 /* SHARED_NAME_MAX without its NUL */
#define BUILTIN_WORD "builtin"

/* A line while it is read. */
struct line {
	struct reader *reader;
	const struct words *words;
	struct layer layer;
	struct service_config service;
	struct service_wheres wheres;
};

/* False: there is no name, so whatever follows would be misunderstood. */
static bool
check_name(struct line *line, const struct word *word)
{
	struct complaint_list *complaints = line->reader->complaints;
	uint32_t point;

	if (strpbrk(word->text, "/=") != NULL) {
		complain(complaints, &word->where, NULL,
			"a line begins with the service's name, which holds neither / nor =");
		return false;
	}
	if (word->length == 0 || word->length > NAME_MAX_BYTES) {
		complain(complaints, &word->where, NULL,
			"a service's name has 1 to %d bytes, this one %zu", NAME_MAX_BYTES,
			word->length);
		return true;
	}
	for (size_t at = 0, taken; at < word->length; at += taken) {
		taken = utf8_next(word->text + at, word->length - at, &point);
		if (taken == 0 || point == ' ' || !utf8_is_printable(point)) {
			complain(complaints, &word->where, NULL,
				"a service's name holds no blanks and nothing unprintable");
			break;
		}
	}
	return true;
}

static bool
is_handler(const char *text)
{
	size_t length = strlen(BUILTIN_WORD);

	return *text == '/' ||
		(strncmp(text, BUILTIN_WORD, length) == 0 &&
			(text[length] == '\0' || text[length] == ':'));
}

/* A bare word before the handler: a boolean key, or a mistake. */
static void
read_bare_word(struct line *line, const struct word *word)
{
	const struct key *key = keys_find(word->text);
	const char *nearest = setting_nearest(word->text, KEY_SERVICE, BUILTIN_WORD);
	struct target target = layer_target(&line->layer);

	if (key != NULL && key_is_daemon(key))
		setting_complain_unknown(line->reader, word->text, word->text, &word->where,
			KEY_SERVICE);
	else if (key != NULL && key->kind != KEY_BOOL)
		complain(line->reader->complaints, &word->where, word->text,
			"a value is wanted: %s=...", word->text);
	else if (key != NULL)
		setting_apply(line->reader,
			&(struct setting){ .key = key,
				.text = "yes",
				.label = key->name,
				.where = word->where },
			&target);
	else if (nearest != NULL)
		complain(line->reader->complaints, &word->where, NULL,
			"\"%.60s\" is no key; did you mean \"%s\"?", word->text, nearest);
	else
		complain(line->reader->complaints, &word->where, NULL,
			"\"%.60s\" is neither key=value nor a handler; a program is named by its "
			"path from / on, a built-in by builtin or builtin:NAME",
			word->text);
}

static void
read_setting(struct line *line, const struct word *word)
{
	size_t name_length = strcspn(word->text, "=");
	char *name = arena_intern(line->reader->arena, word->text, name_length);
	struct where where = word_part(word, 0, name_length);
	struct target target = layer_target(&line->layer);
	const struct key *key;

	if (name == NULL)
		return;
	key = keys_find(name);
	if (key == NULL || key_is_daemon(key)) {
		setting_complain_unknown(line->reader, name, name, &where, KEY_SERVICE);
		return;
	}
	setting_apply(line->reader,
		&(struct setting){ .key = key,
			.text = word->text + name_length + 1,
			.label = key->name,
			.where = word->where },
		&target);
}

static void
read_builtin(struct line *line, size_t at)
{
	const struct word *word = &line->words->items[at];
	const char *name = line->service.name;

	if (word->text[strlen(BUILTIN_WORD)] == ':')
		name = word->text + strlen(BUILTIN_WORD ":");
	line->service.builtin = arena_intern(line->reader->arena, name, strlen(name));
	if (at + 1 < line->words->count)
		complain(line->reader->complaints, &line->words->items[at + 1].where, NULL,
			"nothing follows a built-in; keys stand before it");
}

static void
read_program(struct line *line, size_t at)
{
	size_t count = line->words->count - at;
	char **program = arena_take(line->reader->arena, (count + 1) * sizeof(*program));

	for (size_t i = 0; program != NULL && i < count; i++)
		program[i] = arena_intern(line->reader->arena, line->words->items[at + i].text,
			line->words->items[at + i].length);
	line->service.program = program;
}

/* Everything behind the second word. */
static void
read_settings_and_handler(struct line *line)
{
	const struct words *words = line->words;
	struct where line_end = words->items[words->count - 1].where;
	size_t at = 2;

	for (; at < words->count && !is_handler(words->items[at].text); at++) {
		const struct word *word = &words->items[at];

		if (strchr(word->text, '=') != NULL)
			read_setting(line, word);
		else
			read_bare_word(line, word);
	}
	if (at < words->count) {
		line->wheres.handler = words->items[at].where;
		if (words->items[at].text[0] == '/')
			read_program(line, at);
		else
			read_builtin(line, at);
		return;
	}
	line_end.column += line_end.length;
	line_end.length = 1;
	complain(line->reader->complaints, &line_end, NULL,
		"the handler is missing: builtin, builtin:NAME, or a program's path and arguments");
}

static int
add_service(struct reader *reader, const struct service_config *service)
{
	struct config *config = reader->config;

	if (config->service_count == reader->service_room) {
		size_t room = reader->service_room > 0 ? reader->service_room * 2 : 16;
		struct service_config *services =
			reallocarray(config->services, room, sizeof(*services));

		if (services == NULL)
			return -ENOMEM;
		config->services = services;
		reader->service_room = room;
	}
	config->services[config->service_count++] = *service;
	return 0;
}

static int
keep_wheres(struct line *line)
{
	struct service_wheres *kept;

	if (!line->reader->keeps_places)
		return 0;
	kept = arena_take(line->reader->arena, sizeof(*kept));
	if (kept == NULL)
		return -ENOMEM;
	*kept = line->wheres;
	line->service.wheres = kept;
	return 0;
}

static int
read_line(struct line *line)
{
	const struct word *words = line->words->items;

	line->service.name = arena_copy(line->reader->arena, words[0].text, words[0].length);
	line->wheres.name = words[0].where;
	if (line->service.name == NULL)
		return -ENOMEM;
	if (!check_name(line, &words[0])) {
		line->reader->has_unread_lines = true;
		return 0;
	}
	if (line->words->count < 2) {
		complain(line->reader->complaints, &words[0].where, NULL,
			"port/protocol and a handler are missing: NAME 7/tcp builtin");
		return 0;
	}
	line->wheres.port = words[1].where;
	if (ports_read(line->reader, &words[1], &line->service) < 0)
		return -ENOMEM;
	read_settings_and_handler(line);
	layer_merge(line->reader, &line->layer, &line->service, &line->wheres);
	if (arena_error(line->reader->arena) < 0)
		return -ENOMEM;
	if (line->service.keys->disable != 0)
		return 0;
	if (keep_wheres(line) < 0)
		return -ENOMEM;
	return add_service(line->reader, &line->service);
}

int
table_read(struct reader *reader, const struct source_file *file)
{
	size_t complaints_before = complaint_count(reader->complaints);
	struct words words;
	int error;

	words_init(&words, file);
	while ((error = words_next(&words, reader->complaints)) > 0) {
		struct line line = { .reader = reader, .words = &words };

		if (complaint_count(reader->complaints) > complaints_before)
			reader->has_unread_lines = true;
		error = read_line(&line);
		if (error < 0)
			break;
		complaints_before = complaint_count(reader->complaints);
	}
	if (file->has_bad_lines || complaint_count(reader->complaints) > complaints_before)
		reader->has_unread_lines = true;
	words_fini(&words);
	return error;
}
