/* SPDX-License-Identifier: ISC */
/* Rows of saved state, out of a text. */
#include "base/saved_words.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define FIELD_AT(type, row, field) ((type *)(void *)((char *)(row) + (field)->offset))

#define HEX_DIGITS "0123456789abcdef"

/* A line, and how much of it has been read. */
struct line {
	const char *at;
	const char *end;
};

struct reading {
	const struct saved_form *form;
	const struct saved_reader *reader;
	uint32_t version; /* of the text */
	const char *what; /* is wrong */
};

static int
wrong(struct reading *reading, const char *what)
{
	reading->what = what;
	return -EPROTO;
}

static bool
skip(struct line *line, const char *word)
{
	size_t length = strlen(word);

	if ((size_t)(line->end - line->at) < length || memcmp(line->at, word, length) != 0)
		return false;
	line->at += length;
	return true;
}

/* Digits and nothing else, no zero in front. */
static int
read_count(const char *text, size_t length, uint64_t max, uint64_t *ret_count)
{
	uint64_t count = 0;

	if (length == 0 || (length > 1 && text[0] == '0'))
		return -EPROTO;
	for (size_t i = 0; i < length; i++) {
		uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';

		if (digit > 9 || count > (max - digit) / 10)
			return -EPROTO;
		count = count * 10 + digit;
	}
	*ret_count = count;
	return 0;
}

static int
read_number(const char *text, size_t length, int64_t *ret_number)
{
	bool is_negative = length > 0 && text[0] == '-';
	uint64_t count = 0;
	int error = read_count(text + is_negative, length - is_negative,
		(uint64_t)INT64_MAX + is_negative, &count);

	if (error < 0 || (is_negative && count == 0))
		return -EPROTO;
	*ret_number = is_negative ? (int64_t)-count : (int64_t)count;
	return 0;
}

static int
hex_value(char digit)
{
	const char *place = digit != '\0' ? strchr(HEX_DIGITS, digit) : NULL;

	return place != NULL ? (int)(place - HEX_DIGITS) : -1;
}

static int
read_hex(const char *text)
{
	int high = hex_value(text[0]);
	int low = high < 0 ? -1 : hex_value(text[1]);

	return low < 0 ? -1 : high * 16 + low;
}

/* What was written as it is must not have been written otherwise: one text for one value. */
static int
read_bytes(const char *text, size_t length, struct saved_bytes *ret_bytes)
{
	auto_free char *bytes = NULL;
	size_t filled = 0;

	if (length > 0 && text[0] == *SAVED_NO_TEXT)
		return -EPROTO;
	bytes = malloc(length + 1);
	if (bytes == NULL)
		return -ENOMEM;
	for (size_t at = 0; at < length; filled++) {
		int value = (unsigned char)text[at];

		if (saved_is_plain(text[at])) {
			at++;
		} else {
			value = text[at] == '%' && length - at >= 3 ? read_hex(text + at + 1) : -1;
			if (value < 0 ||
				(saved_is_plain((char)value) &&
					(filled > 0 || value != *SAVED_NO_TEXT)))
				return -EPROTO;
			at += 3;
		}
		bytes[filled] = (char)value;
	}
	bytes[filled] = '\0';
	ret_bytes->bytes = bytes;
	ret_bytes->length = filled;
	bytes = NULL;
	return 0;
}

static int
read_text(const char *text, size_t length, struct saved_bytes *ret_bytes)
{
	if (length == 1 && text[0] == *SAVED_NO_TEXT)
		return 0;
	return read_bytes(text, length, ret_bytes);
}

static int
read_part(const char **at, const char *end, uint64_t max, uint64_t *ret_count)
{
	const char *slash = memchr(*at, '/', (size_t)(end - *at));
	int error =
		slash != NULL ? read_count(*at, (size_t)(slash - *at), max, ret_count) : -EPROTO;

	if (error == 0)
		*at = slash + 1;
	return error;
}

static int
read_address(const char *text, size_t length, struct netaddr *ret_address)
{
	struct netaddr address = { .family = AF_UNSPEC };
	unsigned char *ip = (unsigned char *)&address.ip;
	const char *end = text + length;
	uint64_t family, scope, port;

	if (read_part(&text, end, UINT16_MAX, &family) < 0 ||
		read_part(&text, end, UINT32_MAX, &scope) < 0 ||
		read_part(&text, end, UINT16_MAX, &port) < 0)
		return -EPROTO;
	if (family != AF_UNSPEC && family != AF_UNIX && saved_ip_length((uint16_t)family) == 0)
		return -EPROTO;
	if ((size_t)(end - text) != 2 * saved_ip_length((uint16_t)family))
		return -EPROTO;
	address.family = (uint16_t)family;
	address.scope = (uint32_t)scope;
	address.port = (uint16_t)port;
	for (; text < end; text += 2) {
		int value = read_hex(text);

		if (value < 0)
			return -EPROTO;
		*ip++ = (unsigned char)value;
	}
	*ret_address = address;
	return 0;
}

static int
read_fd(const struct reading *reading, const char *text, size_t length, int *ret_fd)
{
	char word[SAVED_WORD_MAX];
	uint64_t number;

	if (length == 1 && text[0] == *SAVED_NO_TEXT)
		return 0;
	if (length == 0 || length >= sizeof(word))
		return -EPROTO;
	memcpy(word, text, length);
	word[length] = '\0';
	if (reading->reader->find_fd != NULL) {
		*ret_fd = reading->reader->find_fd(reading->reader->owner, word);
		return 0;
	}
	if (read_count(text, length, INT_MAX, &number) == 0)
		*ret_fd = (int)number;
	return *ret_fd < 0 ? -EPROTO : 0;
}

static int
read_flag(const char *text, size_t length, bool *ret_flag)
{
	bool is_yes = length == 3 && memcmp(text, "yes", 3) == 0;

	if (!is_yes && (length != 2 || memcmp(text, "no", 2) != 0))
		return -EPROTO;
	*ret_flag = is_yes;
	return 0;
}

static int
read_field(const struct reading *reading, const struct saved_field *field, const char *text,
	size_t length, void *row)
{
	struct saved_bytes bytes = { .bytes = NULL };
	int error = 0;

	switch (field->type) {
	case SAVED_NUMBER:
		return read_number(text, length, FIELD_AT(int64_t, row, field));
	case SAVED_COUNT:
		return read_count(text, length, UINT64_MAX, FIELD_AT(uint64_t, row, field));
	case SAVED_FLAG:
		return read_flag(text, length, FIELD_AT(bool, row, field));
	case SAVED_TEXT:
		error = read_text(text, length, &bytes);
		*FIELD_AT(char *, row, field) = bytes.bytes;
		if (error == 0 && bytes.bytes != NULL && strlen(bytes.bytes) != bytes.length)
			error = -EPROTO;
		return error;
	case SAVED_BYTES:
		return read_text(text, length, FIELD_AT(struct saved_bytes, row, field));
	case SAVED_ADDRESS:
		return read_address(text, length, FIELD_AT(struct netaddr, row, field));
	case SAVED_FD:
		return read_fd(reading, text, length, FIELD_AT(int, row, field));
	}
	return -EPROTO;
}

static void
begin_row(const struct saved_kind *kind, void *row)
{
	memset(row, 0, kind->size);
	for (size_t i = 0; i < kind->field_count; i++)
		if (kind->fields[i].type == SAVED_FD)
			*FIELD_AT(int, row, &kind->fields[i]) = -1;
}

static void
end_row(const struct saved_kind *kind, void *row)
{
	for (size_t i = 0; i < kind->field_count; i++) {
		const struct saved_field *field = &kind->fields[i];

		if (field->type == SAVED_TEXT)
			free(*FIELD_AT(char *, row, field));
		else if (field->type == SAVED_BYTES)
			free(FIELD_AT(struct saved_bytes, row, field)->bytes);
	}
}

static int
read_fields(struct reading *reading, const struct saved_kind *kind, struct line *line, void *row)
{
	for (size_t i = 0; i < kind->field_count; i++) {
		const struct saved_field *field = &kind->fields[i];
		const char *value, *space;
		int error;

		if (field->since > reading->version)
			continue;
		if (!skip(line, " ") || !skip(line, field->name) || !skip(line, "="))
			return wrong(reading, "a field is missing, or unknown");
		value = line->at;
		space = memchr(value, ' ', (size_t)(line->end - value));
		line->at = space != NULL ? space : line->end;
		error = read_field(reading, field, value, (size_t)(line->at - value), row);
		if (error < 0)
			return error == -EPROTO ? wrong(reading, field->name) : error;
	}
	return line->at == line->end ? 0 : wrong(reading, "there are more fields than known");
}

static const struct saved_kind *
find_kind(const struct saved_form *form, struct line *line)
{
	const char *space = memchr(line->at, ' ', (size_t)(line->end - line->at));
	size_t length = space != NULL ? (size_t)(space - line->at) : 0;

	for (size_t i = 0; i < form->kind_count; i++) {
		const struct saved_kind *kind = &form->kinds[i];

		if (strlen(kind->name) == length && memcmp(kind->name, line->at, length) == 0) {
			line->at = space;
			return kind;
		}
	}
	return NULL;
}

static int
read_row(struct reading *reading, struct line *line)
{
	const struct saved_kind *kind = find_kind(reading->form, line);
	void *row;
	int error;

	if (kind == NULL)
		return wrong(reading, "an unknown kind of row");
	row = malloc(kind->size);
	if (row == NULL)
		return -ENOMEM;
	begin_row(kind, row);
	error = read_fields(reading, kind, line, row);
	if (error == 0)
		error = reading->reader->take(reading->reader->owner,
			(unsigned int)(kind - reading->form->kinds), row);
	if (error == -EPROTO && reading->what == NULL)
		reading->what = "it does not fit the rows before it";
	end_row(kind, row);
	free(row);
	return error;
}

static bool
next_line(const char **at, const char *end, struct line *ret_line)
{
	const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;

	if (newline == NULL)
		return false;
	*ret_line = (struct line){ .at = *at, .end = newline };
	*at = newline + 1;
	return true;
}

static int
read_count_behind(struct line *line, const char *word, uint64_t max, uint64_t *ret_count)
{
	if (!skip(line, word) || !skip(line, " "))
		return -EPROTO;
	return read_count(line->at, (size_t)(line->end - line->at), max, ret_count);
}

static int
read_head(struct reading *reading, struct line *line)
{
	uint64_t version;

	if (read_count_behind(line, reading->form->name, UINT32_MAX, &version) < 0 || version == 0)
		return wrong(reading, "it is no state of this kind");
	if (version > reading->form->version)
		return wrong(reading, "it was written by a newer program");
	reading->version = (uint32_t)version;
	return 0;
}

int
saved_read(const struct saved_form *form, const char *text, size_t length,
	const struct saved_reader *reader, struct saved_mistake *ret_mistake)
{
	struct reading reading = { .form = form, .reader = reader };
	const char *end = text + length;
	const char *at = text;
	struct line line;
	uint64_t count;
	size_t lines = 0;
	int error = 0;

	while (error == 0 && next_line(&at, end, &line)) {
		bool is_head = lines++ == 0;

		if (is_head) {
			error = read_head(&reading, &line);
		} else if (line.at < line.end && *line.at == 'e' &&
			read_count_behind(&line, "end", UINT64_MAX, &count) == 0) {
			if (count == lines - 2 && at == end)
				return 0;
			error = wrong(&reading, "its end comes too early");
		} else {
			error = read_row(&reading, &line);
		}
	}
	if (error == 0)
		error = wrong(&reading, "it has no end");
	*ret_mistake = (struct saved_mistake){ .line = lines,
		.what = reading.what != NULL ? reading.what : strerror(-error) };
	return error;
}
