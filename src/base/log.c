/* SPDX-License-Identifier: ISC */
/* The log's vocabulary made into functions: from the rows of events.def to readable text, the
 * journal's fields and the manual's list. Where it goes then is log_sink.c's. */
#include "base/log.h"

#include "base/explain.h"
#include "base/log_json.h"
#include "base/log_sink.h"
#include "base/textbuf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RECORD_MAX 61440 /* bytes of one event, whatever its values */
#define VALUE_MAX 2048   /* bytes of a value; it is cut there */

/* With log_sink.c's, the mutable globals of the program. */
static struct {
	enum log_level level; /* 0 until log_open: nothing is wanted */
	/* The record being made: the readable part, and the journal's fields if they are wanted. */
	enum log_level record_level;
	bool wants_fields;
	bool is_json;
	uint64_t lost; /* that the log has told */
	void (*keep)(void *keeper, enum log_level level, const char *text, size_t length);
	void *keeper;
	struct textbuf text;
	struct textbuf fields;
	bool explains;
	/* Of services with wishes; and what those of this record leave out. */
	struct log_policy *policies;
	size_t policy_count;
	unsigned int hidden;
} state = {
	.text.max = RECORD_MAX,
	.fields.max = RECORD_MAX,
};

static const char *const level_words[] = {
	[LOG_LEVEL_ERR] = "err",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* --- making a record */

/* The event's name as people write it. */
static void
add_event_name(struct textbuf *buf, const char *name)
{
	size_t start = buf->length;

	textbuf_add(buf, name);
	for (size_t i = start; i < buf->length; i++) {
		if (buf->text[i] == '_')
			buf->text[i] = '-';
	}
}

static void
add_journal_field_name(const char *field)
{
	size_t start = state.fields.length;

	textbuf_add(&state.fields, "REEVE_");
	textbuf_add(&state.fields, field);
	textbuf_add_bytes(&state.fields, "=", 1);
	for (size_t i = start; i < state.fields.length; i++)
		state.fields.text[i] = (char)toupper((unsigned char)state.fields.text[i]);
}

/* Can it stand without quotes, and be told from what follows? */
static bool
is_plain(const char *value, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)value[i];

		if (byte <= ' ' || byte >= 0x7F || byte == '"' || byte == '=' || byte == '\\')
			return false;
	}
	return length > 0;
}

static void
add_quoted(const char *value, size_t length)
{
	size_t start = 0;

	textbuf_add_bytes(&state.text, "\"", 1);
	for (size_t i = 0; i < length; i++) {
		if (value[i] != '"')
			continue;
		textbuf_add_escaped(&state.text, value + start, i - start);
		textbuf_add_bytes(&state.text, "\\\"", 2);
		start = i + 1;
	}
	textbuf_add_escaped(&state.text, value + start, length - start);
	textbuf_add_bytes(&state.text, "\"", 1);
}

static void
add_value(const char *field, const char *value, size_t length)
{
	if (state.is_json) {
		log_json_add_text(&state.text, field, value, length);
		return;
	}
	textbuf_add_bytes(&state.text, " ", 1);
	textbuf_add(&state.text, field);
	textbuf_add_bytes(&state.text, "=", 1);
	if (is_plain(value, length))
		textbuf_add_bytes(&state.text, value, length);
	else
		add_quoted(value, length);
	if (!state.wants_fields)
		return;
	/* Escaped here too, so that no value holds a newline, which would need the protocol's
	 * binary form, or steers the terminal of whoever prints the field. */
	add_journal_field_name(field);
	textbuf_add_escaped(&state.fields, value, length);
	textbuf_add_bytes(&state.fields, "\n", 1);
}

static void
add_text(const char *field, const char *value)
{
	if (value != NULL)
		add_value(field, value, strnlen(value, VALUE_MAX));
}

static void
add_peer(const char *field, const struct netaddr *peer)
{
	char room[NETADDR_TEXT_MAX];

	if (peer != NULL && peer->family != AF_UNSPEC)
		add_text(field, netaddr_format(peer, room));
}

static void
add_number(const char *field, int64_t number)
{
	char text[24];
	char *at = text + sizeof(text);
	uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	if (state.is_json) {
		log_json_add_number(&state.text, field, number);
		return;
	}
	do {
		*--at = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		*--at = '-';
	add_value(field, at, (size_t)(text + sizeof(text) - at));
}

static void
add_optional(const char *field, int64_t number)
{
	if (number != 0)
		add_number(field, number);
}

static void
add_known(const char *field, const uint64_t *number)
{
	if (number != NULL)
		add_number(field, (int64_t)*number);
}

static void
add_errno(const char *field, int number)
{
	const char *name = strerrorname_np(number);
	const char *text = strerrordesc_np(number);
	char both[128];

	if (number == 0)
		return;
	/* Not strerror: it would look for a translation on the disk. */
	(void)snprintf(both, sizeof(both), "%s: %s", name != NULL ? name : "unknown error",
		text != NULL ? text : "unknown");
	add_value(field, both, strlen(both));
	if (state.is_json)
		log_json_add_number(&state.text, "errno", number);
	if (state.wants_fields)
		textbuf_addf(&state.fields, "ERRNO=%d\n", number);
}

/* --- from the record to its place */

static void
begin_json(const char *name, const char *sentence)
{
	textbuf_add(&state.text, ",\"event\":\"");
	add_event_name(&state.text, name);
	textbuf_add_bytes(&state.text, "\"", 1);
	log_json_add_text(&state.text, "msg", sentence, strlen(sentence));
}

static void
begin_record(enum log_level level, const char *name, const char *sentence)
{
	state.record_level = level;
	state.wants_fields = log_sink_wants_fields();
	state.is_json = log_sink_wants_json();
	textbuf_reset(&state.text);
	textbuf_reset(&state.fields);
	if (state.is_json) {
		begin_json(name, sentence);
		return;
	}
	add_event_name(&state.text, name);
	if (state.wants_fields) {
		textbuf_add(&state.fields, "REEVE_EVENT=");
		textbuf_add_bytes(&state.fields, state.text.text, state.text.length);
		textbuf_add_bytes(&state.fields, "\n", 1);
	}
	textbuf_add_bytes(&state.text, ": ", 2);
	textbuf_add(&state.text, sentence);
}

static void
commit_record(void)
{
	if (textbuf_error(&state.text) != 0) {
		log_sink_lose(1);
		return;
	}
	if (state.keep != NULL)
		state.keep(state.keeper, state.record_level, state.text.text, state.text.length);
	log_sink_take(state.record_level, &state.text, &state.fields);
}

/* --- the vocabulary */

/* A service may not want that event, or not all of its fields. */
static bool
admit_record(const char *name, enum log_level level, const char *service)
{
	const struct log_policy *policy;

	state.hidden = 0;
	if (!log_wants(level))
		return false;
	if (state.policy_count == 0 || service == NULL)
		return true;
	policy = log_policy_find(state.policies, state.policy_count, service);
	return policy == NULL || log_policy_admits(policy, name, (int)level, &state.hidden);
}

static bool
is_shown(const char *field)
{
	return state.hidden == 0 || (log_policy_field(field) & state.hidden) == 0;
}

/* Whose an event is: the field `service`, if it has one. */
#define TEXT(field)                         \
	if (strcmp(#field, "service") == 0) \
		service = event->field;
#define PEER(field)
#define NUMBER(field)
#define OPTIONAL(field)
#define KNOWN(field)
#define ERRNO(field)
#define EVENT(name, level, sentence, fields)                                   \
	static const char *service_of_##name(const struct event_##name *event) \
	{                                                                      \
		const char *service = NULL;                                    \
                                                                               \
		(void)event;                                                   \
		fields return service;                                         \
	}
#include "base/events.def"
#undef EVENT
#undef TEXT
#undef PEER
#undef NUMBER
#undef OPTIONAL
#undef KNOWN
#undef ERRNO

#define TEXT(field) ADD(text, field)
#define PEER(field) ADD(peer, field)
#define NUMBER(field) ADD(number, field)
#define OPTIONAL(field) ADD(optional, field)
#define KNOWN(field) ADD(known, field)
#define ERRNO(field) ADD(errno, field)
#define ADD(kind, field)      \
	if (is_shown(#field)) \
		add_##kind(#field, event->field);
#define EVENT(name, level, sentence, fields)                                           \
	void log_##name(const struct event_##name *event)                              \
	{                                                                              \
		if (!admit_record(#name, LOG_LEVEL_##level, service_of_##name(event))) \
			return;                                                        \
		begin_record(LOG_LEVEL_##level, #name, sentence);                      \
		fields commit_record();                                                \
	}
#include "base/events.def"
#undef EVENT
#undef ADD
#undef TEXT
#undef PEER
#undef NUMBER
#undef OPTIONAL
#undef KNOWN
#undef ERRNO

static const struct event_row {
	const char *name;
	enum log_level level;
	const char *sentence;
	const char *fields; /* as arguments of .Va */
} event_rows[] = {
#define TEXT(field) " , " #field
#define PEER(field) TEXT(field)
#define NUMBER(field) TEXT(field)
#define OPTIONAL(field) TEXT(field)
#define KNOWN(field) TEXT(field)
#define ERRNO(field) TEXT(field)
#define EVENT(name, level, sentence, fields) { #name, LOG_LEVEL_##level, sentence, fields },
#include "base/events.def"
#undef EVENT
#undef TEXT
#undef PEER
#undef NUMBER
#undef OPTIONAL
#undef KNOWN
#undef ERRNO
};

void
log_print_manual(void)
{
	(void)puts(".Bl -tag -width Ds");
	for (size_t i = 0; i < ARRAY_SIZE(event_rows); i++) {
		const struct event_row *row = &event_rows[i];

		textbuf_reset(&state.text);
		add_event_name(&state.text, row->name);
		(void)printf(".It Sy %s Pq %s\n%c%s.\n", state.text.text, level_words[row->level],
			toupper((unsigned char)row->sentence[0]), row->sentence + 1);
		/* The first field's comma is skipped. */
		(void)printf(".br\n.Va%s\n", row->fields + strlen(" ,"));
	}
	(void)puts(".El");
}

/* --- the room's door */

int
log_open_at(enum log_sink sink, enum log_level level, const char *identifier, const char *path)
{
	int error;

	log_flush();
	error = log_sink_open(sink, identifier, path);
	if (error == 0) {
		state.explains = level == LOG_LEVEL_EXPLAIN;
		state.level = state.explains ? LOG_LEVEL_NOTICE : level;
	}
	return error;
}

int
log_open(enum log_sink sink, enum log_level level, const char *identifier)
{
	return log_open_at(sink, level, identifier, NULL);
}

enum log_sink
log_guess_sink(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char stderr_stream[64];
	struct stat status;

	if (stream == NULL || fstat(STDERR_FILENO, &status) < 0)
		return LOG_SINK_STDERR;
	(void)snprintf(stderr_stream, sizeof(stderr_stream), "%ju:%ju", (uintmax_t)status.st_dev,
		(uintmax_t)status.st_ino);
	return strcmp(stream, stderr_stream) == 0 ? LOG_SINK_JOURNAL : LOG_SINK_STDERR;
}

const char *
log_level_word(enum log_level level)
{
	return level_words[level];
}

void
log_set_policies(struct log_policy *policies, size_t count)
{
	free(state.policies);
	state.policies = policies;
	state.policy_count = count;
}

bool
log_explains(void)
{
	return state.explains;
}

bool
log_wants(enum log_level level)
{
	return level <= state.level;
}

void
log_keep(void (*keep)(void *keeper, enum log_level level, const char *text, size_t length),
	void *keeper)
{
	state.keep = keep;
	state.keeper = keeper;
}

void
log_flush(void)
{
	uint64_t lost = log_sink_flush();

	if (lost == 0)
		return;
	LOG(log_dropped, .lines = (int64_t)lost);
	/* When even the notice is lost, the number is to be told another time. */
	if (log_sink_flush() > 0)
		log_sink_lose(lost);
	else
		state.lost += lost;
}

uint64_t
log_lost(void)
{
	return state.lost;
}
