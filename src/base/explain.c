/* SPDX-License-Identifier: ISC */
/* From the rows of explain.def to lines. */
#include "base/explain.h"

#include "base/log.h"
#include "base/log_sink.h"
#include "base/textbuf.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 2048
#define FIELD_MAX 512
#define FIELDS_MAX 6
#define BYTES_SHOWN 60

/* A field as it is shown, in its place of the row. */
struct shown {
	char texts[FIELDS_MAX][FIELD_MAX];
	size_t count;
};

static char *
next_place(struct shown *shown)
{
	return shown->texts[shown->count < FIELDS_MAX - 1 ? shown->count++ : FIELDS_MAX - 1];
}

static void
show_number(struct shown *shown, int64_t number)
{
	(void)snprintf(next_place(shown), FIELD_MAX, "%lld", (long long)number);
}

static void
show_text(struct shown *shown, const char *text)
{
	struct textbuf escaped = TEXTBUF_INIT(FIELD_MAX - 1);
	const char *source = text != NULL ? text : "";

	textbuf_add_escaped(&escaped, source, strnlen(source, FIELD_MAX / 4 - 1));
	(void)snprintf(next_place(shown), FIELD_MAX, "%s",
		escaped.text != NULL ? escaped.text : "");
	textbuf_fini(&escaped);
}

static void
show_peer(struct shown *shown, const struct netaddr *peer)
{
	char room[NETADDR_TEXT_MAX];

	(void)snprintf(next_place(shown), FIELD_MAX, "%s",
		peer == NULL || peer->family == AF_UNSPEC ? "nobody" : netaddr_format(peer, room));
}

/* As C writes it, for line ends are what one wants to see. */
static void
show_bytes(struct shown *shown, struct explain_bytes bytes)
{
	struct textbuf text = TEXTBUF_INIT(FIELD_MAX - 1);
	size_t length = bytes.length < BYTES_SHOWN ? bytes.length : BYTES_SHOWN;
	const char *at = bytes.bytes;
	size_t begin = 0;

	textbuf_add_bytes(&text, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		const char *special = at[i] == '\n' ? "\\n"
			: at[i] == '\r'             ? "\\r"
			: at[i] == '\t'             ? "\\t"
			: at[i] == '"'              ? "\\\""
						    : NULL;

		if (special == NULL)
			continue;
		textbuf_add_escaped(&text, at + begin, i - begin);
		textbuf_add(&text, special);
		begin = i + 1;
	}
	textbuf_add_escaped(&text, at + begin, length - begin);
	textbuf_add(&text, length < bytes.length ? "\"..." : "\"");
	(void)snprintf(next_place(shown), FIELD_MAX, "%s", text.text != NULL ? text.text : "");
	textbuf_fini(&text);
}

/* Put a field in place of each %; how many have been used. */
static size_t
add_filled(struct textbuf *line, const char *pattern, const struct shown *shown, size_t used)
{
	for (const char *place; (place = strchr(pattern, '%')) != NULL; pattern = place + 1) {
		textbuf_add_bytes(line, pattern, (size_t)(place - pattern));
		textbuf_add(line, shown->texts[used++]);
	}
	textbuf_add(line, pattern);
	return used;
}

static void
write_line(const char *call, const char *sentence, const struct shown *shown)
{
	struct textbuf line = TEXTBUF_INIT(LINE_MAX_BYTES);
	size_t used = add_filled(&line, call, shown, 0);

	textbuf_add_bytes(&line, ": ", 2);
	(void)add_filled(&line, sentence, shown, used);
	if (textbuf_error(&line) == 0)
		log_sink_take_explanation(&line);
	textbuf_fini(&line);
	log_flush();
}

#define TEXT(field) show_text(&shown, explanation->field);
#define PEER(field) show_peer(&shown, explanation->field);
#define NUMBER(field) show_number(&shown, explanation->field);
#define BYTES(field) show_bytes(&shown, explanation->field);
#define EXPLANATION(name, call, sentence, fields)                         \
	void explain_##name(const struct explanation_##name *explanation) \
	{                                                                 \
		struct shown shown = { .count = 0 };                      \
                                                                          \
		fields write_line(call, sentence, &shown);                \
	}
#include "base/explain.def"
#undef EXPLANATION
#undef TEXT
#undef PEER
#undef NUMBER
#undef BYTES
