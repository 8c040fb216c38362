/* SPDX-License-Identifier: ISC */
/* JSON for the log: no more than objects of texts and numbers. */
#include "base/log_json.h"

#include "base/utf8.h"

#include <inttypes.h>

#define FIRST_OF_PAIRS 0x10000

static void
add_name(struct textbuf *buf, const char *name)
{
	textbuf_add_bytes(buf, ",\"", 2);
	textbuf_add(buf, name);
	textbuf_add_bytes(buf, "\":", 2);
}

static void
add_point(struct textbuf *buf, uint32_t point)
{
	if (point < FIRST_OF_PAIRS) {
		textbuf_addf(buf, "\\u%04" PRIx32, point);
		return;
	}
	point -= FIRST_OF_PAIRS;
	textbuf_addf(buf, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (point >> 10),
		0xdc00 + (point & 0x3ff));
}

/* Length of the beginning that may stand as it is. */
static size_t
plain_length(const char *bytes, size_t length)
{
	size_t at = 0;
	uint32_t point;

	while (at < length && bytes[at] != '"' && bytes[at] != '\\') {
		size_t step = utf8_next(bytes + at, length - at, &point);

		if (step == 0 || !utf8_is_printable(point))
			break;
		at += step;
	}
	return at;
}

void
log_json_add_text(struct textbuf *buf, const char *name, const char *bytes, size_t length)
{
	add_name(buf, name);
	textbuf_add_bytes(buf, "\"", 1);
	for (size_t at = 0; at < length;) {
		size_t plain = plain_length(bytes + at, length - at);
		uint32_t point = 0;
		size_t step;

		textbuf_add_bytes(buf, bytes + at, plain);
		at += plain;
		if (at == length)
			break;
		step = utf8_next(bytes + at, length - at, &point);
		if (bytes[at] == '"' || bytes[at] == '\\')
			textbuf_addf(buf, "\\%c", bytes[at]);
		else if (step == 0)
			textbuf_add(buf, "\xef\xbf\xbd");
		else
			add_point(buf, point);
		at += step > 0 ? step : 1;
	}
	textbuf_add_bytes(buf, "\"", 1);
}

void
log_json_add_number(struct textbuf *buf, const char *name, int64_t number)
{
	add_name(buf, name);
	textbuf_addf(buf, "%" PRId64, number);
}
