/* SPDX-License-Identifier: ISC */
/* Join reeve.conf and its includes, and note where the names stand. */
#include "config/conf_text.h"

#include <errno.h>
#include <string.h>

#define INCLUDES_DEEP 10
#define NO_NAME SIZE_MAX

static const char directive[] = "@include";

/* One file while it is gone through. */
struct scan {
	struct conf_text *text;
	struct sources *sources;
	const struct source_file *file;
	const struct scan *includer; /* NULL: reeve.conf itself */
	unsigned int depth;
	const char *at;
	const char *end;
	const char *line_start;
	const char *copied; /* what stands before is in the whole text */
	uint32_t line;
	size_t valued_name; /* a name that was followed by = or :, or NO_NAME */
	size_t last_name;
};

static void scan_file(struct scan *scan);

static struct where
place_of(const struct scan *scan, const char *at, size_t length)
{
	return (struct where){
		.source = &scan->file->source,
		.line = scan->line,
		.column = (uint32_t)(at - scan->line_start) + 1,
		.length = (uint32_t)length,
	};
}

static void
break_off(struct scan *scan, const struct where *where, const char *problem)
{
	complain(scan->sources->complaints, where, NULL, "%s", problem);
	scan->text->is_broken = true;
}

/* Copy up to `to`. */
static void
copy_until(struct scan *scan, const char *to)
{
	textbuf_add_bytes(&scan->text->whole, scan->copied, (size_t)(to - scan->copied));
	scan->copied = to;
}

/* At a line feed: copy the line, without a carriage return at its end, and begin another. */
static void
end_line(struct scan *scan)
{
	const char *line_feed = scan->at;
	bool has_return = line_feed > scan->copied && line_feed[-1] == '\r';

	copy_until(scan, line_feed - has_return);
	textbuf_add(&scan->text->whole, "\n");
	scan->copied = scan->at = scan->line_start = line_feed + 1;
	scan->line++;
	scan->text->line++;
}

static void
begin_segment(struct scan *scan)
{
	struct conf_text *text = scan->text;

	if (text->segment_count == text->segment_room) {
		size_t room = text->segment_room > 0 ? text->segment_room * 2 : 8;
		struct conf_segment *segments =
			reallocarray(text->segments, room, sizeof(*segments));

		if (segments == NULL) {
			text->error = -ENOMEM;
			return;
		}
		text->segments = segments;
		text->segment_room = room;
	}
	text->segments[text->segment_count++] = (struct conf_segment){
		.file = scan->file,
		.text_line = text->line,
		.source_line = scan->line,
	};
}

static void
add_name(struct scan *scan, const char *name, size_t length)
{
	struct conf_text *text = scan->text;

	if (text->name_count == text->name_room) {
		size_t room = text->name_room > 0 ? text->name_room * 2 : 64;
		struct conf_name *names = reallocarray(text->names, room, sizeof(*names));

		if (names == NULL) {
			text->error = -ENOMEM;
			return;
		}
		text->names = names;
		text->name_room = room;
	}
	scan->last_name = text->name_count;
	text->names[text->name_count++] = (struct conf_name){
		.text = name,
		.where = place_of(scan, name, length),
	};
}

static bool
is_among(char byte, const char *bytes)
{
	return byte != '\0' && strchr(bytes, byte) != NULL;
}

static bool
is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '*';
}

static bool
is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static void
skip_line_comment(struct scan *scan)
{
	const char *line_feed = memchr(scan->at, '\n', (size_t)(scan->end - scan->at));

	scan->at = line_feed != NULL ? line_feed : scan->end;
}

static void
skip_block_comment(struct scan *scan)
{
	struct where where = place_of(scan, scan->at, 2);

	for (scan->at += 2; scan->at < scan->end;) {
		if (scan->at[0] == '*' && scan->end - scan->at > 1 && scan->at[1] == '/') {
			scan->at += 2;
			return;
		}
		if (*scan->at == '\n')
			end_line(scan);
		else
			scan->at++;
	}
	break_off(scan, &where, "the comment is not closed in this file");
}

static void
skip_string(struct scan *scan)
{
	struct where where = place_of(scan, scan->at, 1);

	for (scan->at++; scan->at < scan->end;) {
		if (*scan->at == '"') {
			scan->at++;
			return;
		}
		if (*scan->at == '\\' && scan->end - scan->at > 3 &&
			memcmp(scan->at + 1, "x00", 3) == 0) {
			struct where nul = place_of(scan, scan->at, 4);

			break_off(scan, &nul, "a NUL byte; this is no text");
		}
		if (*scan->at == '\\' && scan->end - scan->at > 1 && scan->at[1] != '\n')
			scan->at += 2;
		else if (*scan->at == '\n')
			end_line(scan);
		else
			scan->at++;
	}
	break_off(scan, &where, "the string is not closed in this file");
}

static void
take_name(struct scan *scan)
{
	const char *name = scan->at;
	size_t length;

	while (scan->at < scan->end &&
		(is_letter(*scan->at) || is_digit(*scan->at) || is_among(*scan->at, "_-")))
		scan->at++;
	length = (size_t)(scan->at - name);
	if ((length == 4 && strncasecmp(name, "true", 4) == 0) ||
		(length == 5 && strncasecmp(name, "false", 5) == 0))
		return;
	add_name(scan, name, length);
}

static void
take_number(struct scan *scan)
{
	const char *literal = scan->at;

	while (scan->at < scan->end &&
		(is_letter(*scan->at) || is_digit(*scan->at) || is_among(*scan->at, "+-.")))
		scan->at++;
	if (scan->valued_name == NO_NAME)
		return;
	scan->text->names[scan->valued_name].literal = literal;
	scan->text->names[scan->valued_name].literal_length = (size_t)(scan->at - literal);
}

/* The loop's files, for the complaint: "reeve.conf -> a.conf -> reeve.conf". */
static void
complain_of_loop(struct scan *scan, const struct where *where, const struct scan *begin)
{
	struct textbuf loop = TEXTBUF_INIT(1024);
	const struct scan *chain[INCLUDES_DEEP + 1];
	size_t count = 0;

	for (const struct scan *at = scan; at != begin; at = at->includer)
		chain[count++] = at;
	textbuf_add(&loop, begin->file->source.name);
	while (count > 0)
		textbuf_addf(&loop, " -> %s", chain[--count]->file->source.name);
	complain(scan->sources->complaints, where, NULL, "the files include each other: %s -> %s",
		loop.text != NULL ? loop.text : "", begin->file->source.name);
	scan->text->is_broken = true;
	textbuf_fini(&loop);
}

static const struct scan *
find_in_chain(const struct scan *scan, const struct source_file *file)
{
	while (scan != NULL &&
		(scan->file->device != file->device || scan->file->inode != file->inode))
		scan = scan->includer;
	return scan;
}

static void
include_file(struct scan *scan, const char *path, const struct where *where)
{
	const char *name = source_join(scan->sources->arena, scan->file->source.folder, path);
	struct scan included = { .text = scan->text,
		.sources = scan->sources,
		.includer = scan,
		.depth = scan->depth + 1 };
	const struct scan *begin;

	if (included.depth > INCLUDES_DEEP) {
		break_off(scan, where, "files include each other more than 10 deep");
		return;
	}
	if (name != NULL)
		included.file = source_read(scan->sources, name, SOURCE_CONF_LINE_MAX, where);
	if (included.file == NULL) {
		scan->text->is_broken = true;
		return;
	}
	begin = find_in_chain(scan, included.file);
	if (begin != NULL)
		complain_of_loop(scan, where, begin);
	else
		scan_file(&included);
}

/* What follows an include on its line must be nothing: it would come to stand on a line of its
 * own, and could be a directive for libconfig. */
static bool
is_rest_empty(const char *rest, const char *line_end)
{
	rest += strspn(rest, " \t\r;");
	return rest >= line_end || *rest == '#' || (rest[0] == '/' && rest[1] == '/');
}

/* The path behind a directive: its offset from `at` and length. 0: there is none. */
static size_t
find_path(const char *at, const char *line_end, size_t *ret_offset)
{
	size_t offset = strspn(at, " \t"), length;

	if (at + offset >= line_end || at[offset] != '"')
		return 0;
	offset++;
	length = strcspn(at + offset, "\"\\\r\n");
	*ret_offset = offset;
	return at[offset + length] == '"' ? length : 0;
}

static void
read_include(struct scan *scan, const char *at, const char *line_end)
{
	struct where where = place_of(scan, at, strlen(directive));
	size_t offset, length;
	char *path;

	at += strlen(directive);
	length = find_path(at, line_end, &offset);
	if (length == 0) {
		break_off(scan, &where, "wanted: @include \"file\"");
		return;
	}
	if (scan->file->source.folder == NULL) {
		break_off(scan, &where, "nothing can be included here");
		return;
	}
	at += offset;
	where = place_of(scan, at - 1, length + 2);
	if (!is_rest_empty(at + length + 1, line_end)) {
		break_off(scan, &where, "nothing else stands on the line of an @include");
		return;
	}
	path = arena_copy(scan->sources->arena, at, length);
	if (path != NULL)
		include_file(scan, path, &where);
}

/* An @include at the start of a line, blanks before it allowed, as libconfig wants it. */
static bool
take_include(struct scan *scan)
{
	const char *at = scan->line_start + strspn(scan->line_start, " \t");
	const char *line_end = memchr(at, '\n', (size_t)(scan->end - at));

	if (strncmp(at, directive, sizeof(directive) - 1) != 0)
		return false;
	if (line_end == NULL)
		line_end = scan->end;
	read_include(scan, at, line_end);
	scan->copied = scan->at = line_end;
	begin_segment(scan);
	return true;
}

static void
scan_token(struct scan *scan)
{
	char byte = *scan->at;
	char next = scan->end - scan->at > 1 ? scan->at[1] : '\0';
	size_t valued_name = NO_NAME;

	if (byte == '\n') {
		end_line(scan);
		return;
	}
	if (scan->at == scan->line_start && take_include(scan))
		return;
	if (byte == '#' || (byte == '/' && next == '/')) {
		skip_line_comment(scan);
		return;
	}
	if (byte == '/' && next == '*') {
		skip_block_comment(scan);
		return;
	}
	if (is_among(byte, " \t\r\f")) {
		scan->at++;
		return;
	}
	if (byte == '"') {
		skip_string(scan);
	} else if (is_letter(byte)) {
		take_name(scan);
	} else if (is_digit(byte) || is_among(byte, "+-.")) {
		take_number(scan);
	} else {
		if (is_among(byte, "=:"))
			valued_name = scan->last_name;
		scan->at++;
	}
	scan->valued_name = valued_name;
}

static void
scan_file(struct scan *scan)
{
	scan->at = scan->copied = scan->line_start = scan->file->source.text;
	scan->end = scan->at + scan->file->source.length;
	scan->line = 1;
	scan->valued_name = scan->last_name = NO_NAME;
	if (scan->file->has_bad_lines) {
		scan->text->is_broken = true;
		return;
	}
	begin_segment(scan);
	while (scan->at < scan->end && scan->text->error == 0)
		scan_token(scan);
	copy_until(scan, scan->end);
	if (scan->includer != NULL && scan->line_start < scan->end) {
		/* What follows is the includer's and stands on lines of its own. */
		textbuf_add(&scan->text->whole, "\n");
		scan->text->line++;
	}
}

void
conf_text_make(struct conf_text *text, struct sources *sources, const struct source_file *file)
{
	struct scan scan = { .text = text, .sources = sources, .file = file };

	*text = (struct conf_text){
		.whole = TEXTBUF_INIT(2 * SOURCE_BYTES_MAX),
		.line = 1,
	};
	scan_file(&scan);
	text->ends_in_line_feed =
		text->whole.length > 0 && text->whole.text[text->whole.length - 1] == '\n';
	textbuf_add(&text->whole, "\n");
	if (text->error == 0)
		text->error = textbuf_error(&text->whole);
}

void
conf_text_fini(struct conf_text *text)
{
	textbuf_fini(&text->whole);
	free(text->names);
	free(text->segments);
	*text = (struct conf_text){ 0 };
}

struct where
conf_text_place(const struct conf_text *text, uint32_t line)
{
	/* What is missed at the end is told of the last line. */
	uint32_t last = text->ends_in_line_feed && text->line > 1 ? text->line - 1 : text->line;
	size_t at = text->segment_count;

	if (line > last)
		line = last;
	while (at > 1 && text->segments[at - 1].text_line > line)
		at--;
	if (at == 0)
		return (struct where){ 0 };
	return (struct where){
		.source = &text->segments[at - 1].file->source,
		.line = line - text->segments[at - 1].text_line +
			text->segments[at - 1].source_line,
	};
}
