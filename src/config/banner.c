/* SPDX-License-Identifier: ISC */
/* Banners: read, checked, written with what is known of a client. */
#include "config/banner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_WORD "file:"
#define PLACEHOLDERS "aprswn%"
#define FACT_MAX 128 /* but for names and reasons, which are written as they are */

const char *
banner_path(const char *value)
{
	size_t length = strlen(FILE_WORD);

	return strncmp(value, FILE_WORD, length) == 0 ? value + length : NULL;
}

/* ---------------------------------------------------------------- escapes */

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* The byte that the escape at `at` (behind its backslash) means, and how long it is; -1: it is
 * none. The end of a line is '\n'. */
static int
read_escape(const char *at, size_t length, size_t *ret_length)
{
	static const char names[] = "nrte\\";
	static const char bytes[] = "\n\r\t\033\\";
	const char *name = length > 0 && *at != '\0' ? strchr(names, *at) : NULL;

	*ret_length = 1;
	if (name != NULL)
		return bytes[name - names];
	if (length < 3 || *at != 'x' || hex_value(at[1]) < 0 || hex_value(at[2]) < 0)
		return -1;
	*ret_length = 3;
	return hex_value(at[1]) * 16 + hex_value(at[2]);
}

static void
keep_byte(char byte, struct textbuf *ret_kept)
{
	switch (byte) {
	case '\n':
		textbuf_add(ret_kept, "\\n");
		break;
	case '\r':
		textbuf_add(ret_kept, "\\r");
		break;
	case '\033':
		textbuf_add(ret_kept, "\\e");
		break;
	default:
		if (((unsigned char)byte < ' ' && byte != '\t') || byte == 0x7f)
			textbuf_addf(ret_kept, "\\x%02x", (unsigned int)(unsigned char)byte);
		else
			textbuf_add_bytes(ret_kept, &byte, 1);
	}
}

int
banner_read(const char *value, struct textbuf *ret_kept, struct textbuf *ret_problem)
{
	const char *path = banner_path(value);
	size_t length;

	if (path != NULL && *path != '/') {
		textbuf_addf(ret_problem, "\"%.60s\" is no absolute path", path);
		return -EINVAL;
	}
	for (const char *at = value; *at != '\0'; at++) {
		if (path == NULL && *at == '\\' &&
			read_escape(at + 1, strlen(at + 1), &length) < 0) {
			textbuf_addf(ret_problem,
				"a backslash before \"%.3s\" means nothing; wanted behind it: n, "
				"r, t, "
				"e, xHH, or another backslash",
				at + 1);
			return -EINVAL;
		}
		if (path == NULL && *at == '%' &&
			(at[1] == '\0' || strchr(PLACEHOLDERS, at[1]) == NULL)) {
			textbuf_addf(ret_problem,
				"\"%.2s\" stands for nothing; wanted: %%a, %%p, %%s, %%r, %%w, "
				"%%n, "
				"or %%%% for a percent sign",
				at);
			return -EINVAL;
		}
		keep_byte(*at, ret_kept);
		if (path == NULL && (*at == '\\' || *at == '%'))
			keep_byte(*++at, ret_kept);
	}
	return textbuf_error(ret_kept);
}

/* ---------------------------------------------------------------- writing */

struct output {
	char *bytes;
	size_t length;
};

static void
add_bytes(struct output *output, const char *bytes, size_t length)
{
	size_t room = BANNER_SENT_MAX - output->length;

	if (length > room)
		length = room;
	memcpy(output->bytes + output->length, bytes, length);
	output->length += length;
}

/* Rounded up: whoever comes back then has waited long enough. */
static const char *
write_wait(msec wait, char *text, size_t room)
{
	static const struct {
		msec length;
		const char *name;
	} units[] = { { 1000, "second" }, { 60000, "minute" }, { 3600000, "hour" } };
	size_t unit = 0;
	msec count;

	if (wait < 0)
		return "a while";
	while (unit + 1 < ARRAY_SIZE(units) && wait > 90 * units[unit].length)
		unit++;
	count = (wait + units[unit].length - 1) / units[unit].length;
	(void)snprintf(text, room, "%" PRId64 " %s%s", count, units[unit].name, PLURAL(count));
	return text;
}

/* What the letter stands for; NULL: nothing. `room` is for what has to be written. */
static const char *
find_fact(char letter, const struct banner_facts *facts, char room[static FACT_MAX])
{
	switch (letter) {
	case 'a':
		return netaddr_format_ip(facts->peer, room);
	case 'p':
		(void)snprintf(room, FACT_MAX, "%u", (unsigned int)facts->peer->port);
		return room;
	case 's':
		return facts->service;
	case 'r':
		return facts->reason;
	case 'w':
		return write_wait(facts->wait, room, FACT_MAX);
	case 'n':
		(void)snprintf(room, FACT_MAX, "%" PRId64, facts->position);
		return room;
	case '%':
		return "%";
	default:
		return NULL;
	}
}

static void
add_escaped(struct output *output, int byte)
{
	char sent = (char)byte;
	bool follows_cr = output->length > 0 && output->bytes[output->length - 1] == '\r';

	if (byte == '\n' && !follows_cr)
		add_bytes(output, "\r", 1);
	add_bytes(output, &sent, 1);
}

size_t
banner_write(const struct banner_text *text, const struct banner_facts *facts,
	char ret_bytes[static BANNER_SENT_MAX])
{
	struct output output = { .length = 0 };
	const char *end = text->bytes + text->length;

	output.bytes = ret_bytes;
	for (const char *at = text->bytes; at < end; at++) {
		size_t left = (size_t)(end - at) - 1;
		char room[FACT_MAX];
		const char *fact;
		size_t length;
		int byte;

		if (*at == '%' && left > 0 && (fact = find_fact(at[1], facts, room)) != NULL) {
			add_bytes(&output, fact, strlen(fact));
			at++;
		} else if (*at == '\\' && !text->is_file &&
			(byte = read_escape(at + 1, left, &length)) >= 0) {
			/* \x0a is a byte like others, whatever ends lines. */
			if (length == 1)
				add_escaped(&output, byte);
			else
				add_bytes(&output, &(char){ (char)byte }, 1);
			at += length;
		} else {
			add_bytes(&output, at, 1);
		}
	}
	return output.length;
}

/* ---------------------------------------------------------------- files */

const char *
banner_read_file(const char *path, struct textbuf *ret_text)
{
	auto_close int file_fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char bytes[BANNER_FILE_MAX + 1];
	struct stat status;
	size_t length = 0;
	ssize_t got = 1;

	if (file_fd < 0 || fstat(file_fd, &status) < 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "it is no file";
	while (got > 0 && length < sizeof(bytes)) {
		got = read(file_fd, bytes + length, sizeof(bytes) - length);
		if (got < 0)
			return strerror(errno);
		length += (size_t)got;
	}
	if (length > BANNER_FILE_MAX)
		return "it is longer than 4096 bytes";
	textbuf_add_bytes(ret_text, bytes, length);
	return textbuf_error(ret_text) < 0 ? "there is no memory for it" : NULL;
}
