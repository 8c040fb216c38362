/* SPDX-License-Identifier: ISC */
/* From lines to words. */
#include "config/words.h"

#include <errno.h>
#include <string.h>

/* Where a line stands while its words are taken from it. */
struct cursor {
	const char *at;
	const char *end; /* of the line, without its line feed */
	const char *line_start;
	const char *text_end; /* of the file */
};

void
words_init(struct words *words, const struct source_file *file)
{
	*words = (struct words){ .file = file, .line = 1 };
}

void
words_fini(struct words *words)
{
	free(words->items);
	free(words->bytes);
	*words = (struct words){ 0 };
}

static int
grow_items(struct words *words)
{
	size_t room = words->room > 0 ? words->room * 2 : 32;
	struct word *items = reallocarray(words->items, room, sizeof(*items));

	if (items == NULL)
		return -ENOMEM;
	words->items = items;
	words->room = room;
	return 0;
}

static int
add_byte(struct words *words, char byte)
{
	if (words->bytes_length == words->bytes_room) {
		size_t room = words->bytes_room > 0 ? words->bytes_room * 2 : 512;
		char *bytes = realloc(words->bytes, room);

		if (bytes == NULL)
			return -ENOMEM;
		words->bytes = bytes;
		words->bytes_room = room;
	}
	words->bytes[words->bytes_length++] = byte;
	return 0;
}

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* Set the cursor on the line that begins at words->offset. */
static void
enter_line(struct words *words, struct cursor *cursor)
{
	const struct source *source = &words->file->source;
	const char *start = source->text + words->offset;
	const char *text_end = source->text + source->length;
	const char *line_end = memchr(start, '\n', (size_t)(text_end - start));

	*cursor = (struct cursor){
		.at = start,
		.line_start = start,
		.end = line_end != NULL ? line_end : text_end,
		.text_end = text_end,
	};
	words->offset = (size_t)(cursor->end - source->text) + (line_end != NULL);
	if (cursor->end > start && cursor->end[-1] == '\r')
		cursor->end--;
}

/* The backslash under the cursor ends its line, and there is another. */
static bool
is_continuation(const struct words *words, const struct cursor *cursor)
{
	return cursor->at + 1 == cursor->end && words->offset < words->file->source.length;
}

static void
continue_line(struct words *words, struct cursor *cursor)
{
	enter_line(words, cursor);
	words->line++;
}

static struct where
place_of(const struct words *words, const struct cursor *cursor, size_t length)
{
	return (struct where){
		.source = &words->file->source,
		.line = words->line,
		.column = (uint32_t)(cursor->at - cursor->line_start) + 1,
		.length = (uint32_t)length,
	};
}

/* A backslash outside single quotes: it takes the next byte as it is, and joins two lines at a
 * line's end. Between double quotes it is one of the two only before " and \. */
static int
take_backslash(struct words *words, struct cursor *cursor, char quote)
{
	if (is_continuation(words, cursor)) {
		continue_line(words, cursor);
		return 0;
	}
	cursor->at++;
	if (cursor->at == cursor->end)
		return -EINVAL;
	if (quote == '"' && *cursor->at != '"' && *cursor->at != '\\')
		return add_byte(words, '\\');
	return add_byte(words, *cursor->at++);
}

/* Take one word into bytes. -EINVAL: it does not end. */
static int
take_word(struct words *words, struct cursor *cursor)
{
	char quote = '\0';
	int error = 0;

	while (error == 0 && (cursor->at < cursor->end || quote != '\0')) {
		if (cursor->at == cursor->end)
			return -EINVAL;
		if (quote == '\0' && is_blank(*cursor->at))
			break;
		if (*cursor->at == '\\' && quote != '\'') {
			error = take_backslash(words, cursor, quote);
		} else if (quote == '\0' && (*cursor->at == '"' || *cursor->at == '\'')) {
			quote = *cursor->at++;
		} else if (quote != '\0' && *cursor->at == quote) {
			quote = '\0';
			cursor->at++;
		} else {
			error = add_byte(words, *cursor->at++);
		}
	}
	return error < 0 ? error : add_byte(words, '\0');
}

/* Leave out blanks and line joints. True: a word begins here. */
static bool
skip_blanks(struct words *words, struct cursor *cursor)
{
	while (cursor->at < cursor->end) {
		if (*cursor->at == '\\' && is_continuation(words, cursor))
			continue_line(words, cursor);
		else if (is_blank(*cursor->at))
			cursor->at++;
		else
			return *cursor->at != '#';
	}
	return false;
}

static int
add_word(struct words *words, struct cursor *cursor, struct complaint_list *complaints)
{
	struct where where = place_of(words, cursor, 1);
	size_t first_byte = words->bytes_length;
	const char *start = cursor->at;
	char quote = *start;
	int error;

	if (words->count == words->room && grow_items(words) < 0)
		return -ENOMEM;
	error = take_word(words, cursor);
	if (error == -EINVAL && (quote == '"' || quote == '\''))
		complain(complaints, &where, NULL, "the quote is not closed on this line");
	else if (error == -EINVAL)
		complain(complaints, &where, NULL,
			"the word does not end: a quote is not closed, or a backslash is the "
			"file's last byte");
	if (error < 0)
		return error;
	/* A word that was continued ends on another line: mark what stands on the first. */
	where.length = words->line == where.line ? (uint32_t)(cursor->at - start) : 1;
	words->items[words->count++] = (struct word){
		.length = words->bytes_length - first_byte - 1,
		.where = where,
	};
	return 0;
}

/* Take the words of one line, and of those that continue it. */
static int
take_line(struct words *words, struct complaint_list *complaints)
{
	struct cursor cursor;
	const char *text;
	int error = 0;

	enter_line(words, &cursor);
	while (error == 0 && skip_blanks(words, &cursor))
		error = add_word(words, &cursor, complaints);
	words->line++;
	if (error < 0)
		return error;
	text = words->bytes;
	for (size_t i = 0; i < words->count; i++) {
		words->items[i].text = text;
		text += words->items[i].length + 1;
	}
	return 0;
}

/* True when a line of the statement that was just read is a bad one (which has been
 * complained about). */
static bool
holds_bad_line(const struct words *words, size_t from)
{
	const char *line = words->file->source.text + from;
	const char *end = words->file->source.text + words->offset, *line_end;

	if (!words->file->has_bad_lines)
		return false;
	for (; line < end; line = line_end + 1) {
		line_end = memchr(line, '\n', (size_t)(end - line));
		if (line_end == NULL)
			line_end = end;
		if (source_is_bad_line(words->file, line, (size_t)(line_end - line)))
			return true;
	}
	return false;
}

int
words_next(struct words *words, struct complaint_list *complaints)
{
	while (words->offset < words->file->source.length) {
		size_t from = words->offset;
		int error;

		words->count = 0;
		words->bytes_length = 0;
		error = take_line(words, complaints);
		if (error == -ENOMEM)
			return error;
		if (error == 0 && words->count > 0 && !holds_bad_line(words, from))
			return 1;
	}
	return 0;
}

struct where
word_part(const struct word *word, size_t offset, size_t length)
{
	struct where part = word->where;

	if (word->length != word->where.length)
		return part;
	part.column += (uint32_t)offset;
	part.length = (uint32_t)length;
	return part;
}

/* What means nothing special in a table may stand without quotes, whatever a shell makes of it. */
static bool
is_plain(const char *text)
{
	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte <= ' ' || byte >= 0x7f || strchr("\"'\\#", byte) != NULL)
			return false;
	}
	return true;
}

void
word_write(const char *text, struct textbuf *ret_text)
{
	if (is_plain(text)) {
		textbuf_add(ret_text, text);
		return;
	}
	textbuf_add(ret_text, "\"");
	while (*text != '\0') {
		size_t length = strcspn(text, "\"\\");

		textbuf_add_bytes(ret_text, text, length);
		text += length;
		if (*text != '\0') {
			textbuf_add(ret_text, "\\");
			textbuf_add_bytes(ret_text, text++, 1);
		}
	}
	textbuf_add(ret_text, "\"");
}
