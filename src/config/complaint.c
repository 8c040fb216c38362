/* SPDX-License-Identifier: ISC */
/* The list of mistakes: what was found where, kept with the line that it is about, shown in the
 * order of the files. */
#include "config/complaint.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define KEPT_MAX 1000
#define TEXT_MAX 1024    /* bytes of one message; a longer one is cut */
#define EXCERPT_WIDTH 96 /* of a line that is longer, so much is shown */
#define EXCERPT_BEFORE 48
#define WORD_MAX 32 /* no word that we know is longer */

struct complaint {
	uint32_t order; /* of the source; 0 for what is in no file */
	uint32_t line;
	uint32_t column;
	char *file;    /* NULL: none */
	char *key;     /* NULL: none */
	char *said;    /* what is wrong */
	char *text;    /* "file:line:column: key: what is wrong", escaped */
	char *excerpt; /* the line and the caret; NULL: none */
};

struct complaint_list {
	struct complaint *kept;
	size_t kept_count;
	size_t room;
	size_t count;
	/* Where the line stands that was quoted last: the next is mostly behind it. */
	const struct source *quoted;
	uint32_t quoted_line;
	size_t quoted_offset;
};

struct complaint_list *
complaint_list_new(void)
{
	return calloc(1, sizeof(struct complaint_list));
}

static void
complaint_fini(struct complaint *complaint)
{
	free(complaint->file);
	free(complaint->key);
	free(complaint->said);
	free(complaint->text);
	free(complaint->excerpt);
}

struct complaint_list *
complaint_list_free(struct complaint_list *list)
{
	if (list == NULL)
		return NULL;
	for (size_t i = 0; i < list->kept_count; i++)
		complaint_fini(&list->kept[i]);
	free(list->kept);
	free(list);
	return NULL;
}

/* Find the bytes of a line, without its end. */
static const char *
find_line(struct complaint_list *list, const struct where *where, size_t *ret_length)
{
	const struct source *source = where->source;
	uint32_t line = 1;
	size_t offset = 0;
	const char *line_end;

	if (list->quoted == source && list->quoted_line <= where->line &&
		list->quoted_offset <= source->length) {
		line = list->quoted_line;
		offset = list->quoted_offset;
	}
	for (; line < where->line; line++) {
		line_end = memchr(source->text + offset, '\n', source->length - offset);
		if (line_end == NULL)
			return NULL;
		offset = (size_t)(line_end - source->text) + 1;
	}
	list->quoted = source;
	list->quoted_line = line;
	list->quoted_offset = offset;
	line_end = memchr(source->text + offset, '\n', source->length - offset);
	*ret_length =
		(line_end != NULL ? (size_t)(line_end - source->text) : source->length) - offset;
	if (*ret_length > 0 && source->text[offset + *ret_length - 1] == '\r')
		(*ret_length)--;
	return source->text + offset;
}

/* Show the character at `bytes` as it is if it is harmless, else escaped; in the line below, as
 * wide, `mark`. Returns the bytes that it takes. */
static size_t
add_character(struct textbuf *line, struct textbuf *below, const char *bytes, size_t length,
	char mark)
{
	uint32_t point;
	size_t taken = utf8_next(bytes, length, &point);
	char blank = *bytes == '\t' && mark == ' ' ? '\t' : mark;

	if (taken > 0 && (*bytes == '\t' || utf8_is_printable(point))) {
		textbuf_add_bytes(line, bytes, taken);
		textbuf_add_bytes(below, &blank, 1);
		return taken;
	}
	textbuf_addf(line, "\\x%02x", (unsigned int)(unsigned char)*bytes);
	for (size_t i = 0; i < strlen("\\xNN"); i++)
		textbuf_add_bytes(below, &mark, 1);
	return 1;
}

/* The part of a line to show: all, or some of what stands around the column. */
static void
choose_excerpt(const char *line, size_t length, size_t column, size_t *ret_from, size_t *ret_to)
{
	size_t from = 0, to = length;

	if (length > EXCERPT_WIDTH) {
		if (column > EXCERPT_BEFORE)
			from = column - EXCERPT_BEFORE;
		if (from > length - EXCERPT_WIDTH)
			from = length - EXCERPT_WIDTH;
		to = from + EXCERPT_WIDTH;
	}
	/* Not in the middle of a character. */
	while (from > 0 && ((unsigned char)line[from] & 0xc0) == 0x80)
		from--;
	while (to < length && ((unsigned char)line[to] & 0xc0) == 0x80)
		to++;
	*ret_from = from;
	*ret_to = to;
}

static void
add_excerpt(struct complaint_list *list, const struct where *where, struct textbuf *text)
{
	struct textbuf below = TEXTBUF_INIT(TEXT_MAX);
	size_t length, from, to, first, last;
	const char *line = find_line(list, where, &length);

	if (line == NULL)
		return;
	first = where->column > 0 ? where->column - 1 : length;
	last = first + (where->length > 0 ? where->length : 1);
	choose_excerpt(line, length, first < length ? first : 0, &from, &to);
	textbuf_addf(text, "%5u | %s", where->line, from > 0 ? "..." : "");
	textbuf_add(&below, from > 0 ? "   " : "");
	for (size_t at = from; at < to;)
		at += add_character(text, &below, line + at, length - at,
			at >= first && at < last ? '^' : ' ');
	if (where->column > 0 && first >= length)
		textbuf_add(&below, "^"); /* what is missing is missing at the end */
	textbuf_addf(text, "%s\n", to < length ? "..." : "");
	if (where->column > 0 && textbuf_error(&below) == 0) {
		size_t width = below.length;

		while (width > 0 && below.text[width - 1] != '^')
			width--;
		textbuf_add(text, "      | ");
		textbuf_add_bytes(text, below.text, width);
		textbuf_add(text, "\n");
	}
	textbuf_fini(&below);
}

static bool
is_before(const struct complaint *a, const struct complaint *b)
{
	if (a->order != b->order)
		return a->order < b->order;
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

static char *
copy(const char *text)
{
	return text != NULL ? strdup(text) : NULL;
}

/* A default of ten thousand services is one mistake. */
static bool
is_kept(const struct complaint_list *list, const struct complaint *complaint)
{
	for (size_t at = list->kept_count; at > 0; at--) {
		const struct complaint *kept = &list->kept[at - 1];

		if (is_before(kept, complaint))
			break;
		if (strcmp(kept->text, complaint->text) == 0)
			return true;
	}
	return false;
}

/* Put it behind those of its place and before. Mistakes are mostly found in that order. */
static int
keep_complaint(struct complaint_list *list, const struct complaint *complaint)
{
	size_t at = list->kept_count;

	if (list->kept_count == list->room) {
		size_t room = list->room > 0 ? list->room * 2 : 16;
		struct complaint *kept = reallocarray(list->kept, room, sizeof(*kept));

		if (kept == NULL)
			return -ENOMEM;
		list->kept = kept;
		list->room = room;
	}
	while (at > 0 && is_before(complaint, &list->kept[at - 1]))
		at--;
	memmove(&list->kept[at + 1], &list->kept[at],
		(list->kept_count - at) * sizeof(*list->kept));
	list->kept[at] = *complaint;
	list->kept_count++;
	return 0;
}

static void
add_place(struct textbuf *text, const struct where *where)
{
	if (where->source == NULL)
		return;
	textbuf_add_escaped(text, where->source->name, strlen(where->source->name));
	if (where->line > 0)
		textbuf_addf(text, ":%u", where->line);
	if (where->line > 0 && where->column > 0)
		textbuf_addf(text, ":%u", where->column);
	textbuf_add(text, ": ");
}

void
complain(struct complaint_list *list, const struct where *where, const char *key,
	const char *format, ...)
{
	static const struct where nowhere;
	struct textbuf text = TEXTBUF_INIT(16 * TEXT_MAX);
	struct textbuf excerpt = TEXTBUF_INIT(TEXT_MAX);
	char message[TEXT_MAX];
	struct complaint complaint;
	va_list arguments;

	list->count++;
	if (list->kept_count >= KEPT_MAX)
		return;
	if (where == NULL)
		where = &nowhere;
	va_start(arguments, format);
	(void)vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	add_place(&text, where);
	if (key != NULL) {
		textbuf_add_escaped(&text, key, strlen(key));
		textbuf_add(&text, ": ");
	}
	textbuf_add_escaped(&text, message, strlen(message));
	if (where->source != NULL && where->line > 0)
		add_excerpt(list, where, &excerpt);
	complaint = (struct complaint){
		.order = where->source != NULL ? where->source->order : 0,
		.line = where->line,
		.column = where->column,
		.file = copy(where->source != NULL ? where->source->name : NULL),
		.key = copy(key),
		.said = copy(message),
		.text = textbuf_take(&text),
		.excerpt = textbuf_take(&excerpt),
	};
	if (complaint.text != NULL && is_kept(list, &complaint)) {
		list->count--;
		complaint_fini(&complaint);
	} else if (complaint.text == NULL || complaint.said == NULL ||
		(where->source != NULL && complaint.file == NULL) ||
		(key != NULL && complaint.key == NULL) || keep_complaint(list, &complaint) < 0)
		complaint_fini(&complaint);
}

size_t
complaint_count(const struct complaint_list *list)
{
	return list->count;
}

const char *
complaint_message(const struct complaint_list *list, size_t index)
{
	return index < list->kept_count ? list->kept[index].text : NULL;
}

bool
complaint_pieces(const struct complaint_list *list, size_t index,
	struct complaint_pieces *ret_pieces)
{
	const struct complaint *complaint;

	if (index >= list->kept_count)
		return false;
	complaint = &list->kept[index];
	*ret_pieces = (struct complaint_pieces){ .file = complaint->file,
		.line = complaint->line,
		.column = complaint->column,
		.key = complaint->key,
		.text = complaint->said };
	return true;
}

void
complaint_list_show(const struct complaint_list *list, struct textbuf *ret_text)
{
	for (size_t i = 0; i < list->kept_count; i++) {
		textbuf_add(ret_text, list->kept[i].text);
		textbuf_add(ret_text, "\n");
		if (list->kept[i].excerpt != NULL)
			textbuf_add(ret_text, list->kept[i].excerpt);
	}
	if (list->count > list->kept_count)
		textbuf_addf(ret_text, "and %zu more\n", list->count - list->kept_count);
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Steps from one word to the other: a letter put in, left out or changed, two neighbours
 * swapped. Both are shorter than WORD_MAX. */
static size_t
count_steps(const char *from, const char *to)
{
	size_t from_length = strlen(from), to_length = strlen(to);
	size_t steps[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t j = 0; j <= to_length; j++)
		steps[0][j] = j;
	for (size_t i = 1; i <= from_length; i++) {
		steps[i][0] = i;
		for (size_t j = 1; j <= to_length; j++) {
			steps[i][j] = least(least(steps[i - 1][j], steps[i][j - 1]) + 1,
				steps[i - 1][j - 1] + (from[i - 1] != to[j - 1]));
			if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
				steps[i][j] = least(steps[i][j], steps[i - 2][j - 2] + 1);
		}
	}
	return steps[from_length][to_length];
}

const char *
complaint_nearest(const char *typed, const char *const *words)
{
	const char *nearest = NULL;
	size_t typed_length = strlen(typed), nearest_steps = SIZE_MAX;

	if (typed_length == 0 || typed_length >= WORD_MAX)
		return NULL;
	for (; *words != NULL; words++) {
		size_t steps;

		if (strlen(*words) >= WORD_MAX)
			continue;
		steps = count_steps(typed, *words);
		if (steps < nearest_steps) {
			nearest_steps = steps;
			nearest = *words;
		}
	}
	/* A third of the letters may be wrong, at most three. */
	return nearest_steps <= least(3, typed_length / 3) ? nearest : NULL;
}
