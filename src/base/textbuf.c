/* SPDX-License-Identifier: ISC */
/* Growing texts with a bound. */
#include "base/textbuf.h"

#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_ROOM 128

/* Room for `more` bytes and a NUL behind what is there, or an error that is remembered. */
static bool
make_room(struct textbuf *buf, size_t more)
{
	size_t room = buf->room > 0 ? buf->room : FIRST_ROOM;
	char *text;

	if (buf->error != 0)
		return false;
	if (more > buf->max - buf->length) {
		buf->error = -ENOBUFS;
		return false;
	}
	if (buf->length + more < buf->room)
		return true;
	while (room <= buf->length + more)
		room = room > SIZE_MAX / 2 ? SIZE_MAX : room * 2;
	text = realloc(buf->text, room);
	if (text == NULL) {
		buf->error = -ENOMEM;
		return false;
	}
	buf->text = text;
	buf->room = room;
	return true;
}

void
textbuf_add_bytes(struct textbuf *buf, const char *bytes, size_t length)
{
	if (!make_room(buf, length))
		return;
	if (length > 0)
		memcpy(buf->text + buf->length, bytes, length);
	buf->length += length;
	buf->text[buf->length] = '\0';
}

void
textbuf_add(struct textbuf *buf, const char *text)
{
	textbuf_add_bytes(buf, text, strlen(text));
}

void
textbuf_addf(struct textbuf *buf, const char *format, ...)
{
	va_list arguments;
	int length;

	if (buf->error != 0)
		return;
	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !make_room(buf, (size_t)length)) {
		if (length < 0)
			buf->error = -ENOMEM;
		return;
	}
	va_start(arguments, format);
	(void)vsnprintf(buf->text + buf->length, buf->room - buf->length, format, arguments);
	va_end(arguments);
	buf->length += (size_t)length;
}

/* How many bytes from the start are harmless as they are. */
static size_t
harmless_length(const char *bytes, size_t length)
{
	size_t offset = 0;
	uint32_t point;

	while (offset < length && bytes[offset] != '\\') {
		size_t step = utf8_next(bytes + offset, length - offset, &point);

		if (step == 0 || !utf8_is_printable(point))
			break;
		offset += step;
	}
	return offset;
}

static void
add_escaped_byte(struct textbuf *buf, char byte)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int value = (unsigned char)byte;
	char hex[4] = { '\\', 'x', digits[value >> 4], digits[value & 15] };
	bool is_backslash = byte == '\\';

	textbuf_add_bytes(buf, is_backslash ? "\\\\" : hex, is_backslash ? 2 : sizeof(hex));
}

void
textbuf_add_escaped(struct textbuf *buf, const char *bytes, size_t length)
{
	size_t length_before = buf->length;
	size_t offset = 0;

	while (offset < length && buf->error == 0) {
		size_t harmless = harmless_length(bytes + offset, length - offset);
		size_t step;

		textbuf_add_bytes(buf, bytes + offset, harmless);
		offset += harmless;
		if (offset == length)
			break;
		/* Every byte of an invisible character, one of what is no character. */
		step = utf8_next(bytes + offset, length - offset, NULL);
		for (size_t end = offset + (step > 0 ? step : 1); offset < end; offset++)
			add_escaped_byte(buf, bytes[offset]);
	}
	if (buf->error != 0 && buf->length > length_before) {
		buf->length = length_before;
		buf->text[length_before] = '\0';
	}
}

int
textbuf_error(const struct textbuf *buf)
{
	return buf->error;
}

void
textbuf_reset(struct textbuf *buf)
{
	buf->length = 0;
	buf->error = 0;
	if (buf->text != NULL)
		buf->text[0] = '\0';
}

void
textbuf_fini(struct textbuf *buf)
{
	free(buf->text);
	*buf = TEXTBUF_INIT(buf->max);
}

char *
textbuf_take(struct textbuf *buf)
{
	char *text = NULL;

	if (make_room(buf, 0)) {
		buf->text[buf->length] = '\0';
		text = buf->text;
		buf->text = NULL;
	}
	textbuf_fini(buf);
	return text;
}
