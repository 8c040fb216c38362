/* SPDX-License-Identifier: ISC */
/* Text that strangers write: made harmless, and cut. */
#include "services/chat_text.h"

#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

#define NOTICE_BYTES 1000 /* longer than any notice is meant to be */

/* Are these bytes the beginning of a code point whose rest was cut off? */
static bool
is_half_a_point(const char *bytes, size_t length)
{
	char whole[4];

	for (size_t missing = 1; missing <= 3 && length + missing <= 4; missing++) {
		memcpy(whole, bytes, length);
		for (int first = 0x80; first <= 0xbf; first += 0x10) {
			memset(whole + length, 0x80, missing);
			whole[length] = (char)first;
			if (utf8_next(whole, length + missing, NULL) == length + missing)
				return true;
		}
	}
	return false;
}

struct chat_cleaned
chat_text_clean(const char *line, size_t length, bool is_torn, char *to, size_t max)
{
	struct chat_cleaned cleaned = { .was_cut = is_torn };

	for (size_t at = 0, step; at < length; at += step) {
		const char *from = line + at;
		uint32_t point = 0;
		size_t width = step = utf8_next(from, length - at, &point);

		if (step == 0) {
			if (is_torn && length - at < 4 && is_half_a_point(from, length - at))
				break;
			cleaned.was_invalid = true;
			from = REPLACEMENT;
			width = strlen(REPLACEMENT);
			step = 1;
		} else if (point == '\t') {
			from = " ";
		} else if (!utf8_is_printable(point)) {
			continue;
		}
		if (cleaned.length + width > max) {
			cleaned.was_cut = true;
			break;
		}
		memcpy(to + cleaned.length, from, width);
		cleaned.length += width;
	}
	while (cleaned.length > 0 && to[cleaned.length - 1] == ' ')
		cleaned.length--;
	to[cleaned.length] = '\0';
	return cleaned;
}

bool
chat_text_is_clean(const char *text, size_t length)
{
	for (size_t at = 0, step; at < length; at += step) {
		uint32_t point;

		step = utf8_next(text + at, length - at, &point);
		if (step == 0 || !utf8_is_printable(point))
			return false;
	}
	return true;
}

size_t
chat_text_cut(const char *text, size_t length, size_t max)
{
	if (length <= max)
		return length;
	while (max > 0 && ((unsigned char)text[max] & 0xc0) == 0x80)
		max--;
	return max;
}

void
chat_text_add_notice(struct textbuf *text, const char *format, va_list arguments)
{
	char line[NOTICE_BYTES + 1];

	(void)vsnprintf(line, sizeof(line), format, arguments);
	textbuf_add(text, "*** ");
	textbuf_add_bytes(text, line, utf8_check(line, strlen(line)));
	textbuf_add(text, "\r\n");
}

const char *
chat_text_age(msec span, char text[static CHAT_AGE_BYTES])
{
	static const struct {
		msec end, unit;
		char letter;
	} units[] = {
		{ 60000, 1000, 's' },
		{ 3600000, 60000, 'm' },
		{ 172800000, 3600000, 'h' },
		{ INT64_MAX, 86400000, 'd' },
	};
	size_t i = 0;

	while (span >= units[i].end)
		i++;
	(void)snprintf(text, CHAT_AGE_BYTES, "%" PRId64 "%c", span / units[i].unit,
		units[i].letter);
	return text;
}
