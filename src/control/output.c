/* SPDX-License-Identifier: ISC */
/* What output goes to. */
#include "control/output.h"

#include "base/utf8.h"

#include <errno.h>
#include <langinfo.h>
#include <string.h>
#include <sys/ioctl.h>
#include <wchar.h>

#define COLUMNS_MAX 10000

static bool
is_set(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0';
}

/* $COLUMNS first, as other tools have it: whoever exports it means it. */
static uint32_t
ask_columns(int file_fd, bool is_terminal)
{
	const char *text = getenv("COLUMNS");
	unsigned long columns = text != NULL ? strtoul(text, NULL, 10) : 0;
	struct winsize size;

	if (columns > 0 && columns <= COLUMNS_MAX)
		return (uint32_t)columns;
	if (is_terminal && ioctl(file_fd, TIOCGWINSZ, &size) == 0)
		return size.ws_col;
	return 0;
}

void
output_init(struct output *output, FILE *file, bool is_json)
{
	int file_fd = fileno(file);
	bool is_terminal = isatty(file_fd) == 1;
	const char *terminal = getenv("TERM");

	*output = (struct output){
		.file = file,
		.columns = ask_columns(file_fd, is_terminal),
		.is_terminal = is_terminal,
		.has_colour = is_terminal && !is_set("NO_COLOR") && terminal != NULL &&
			strcmp(terminal, "dumb") != 0,
		/* Whoever reads a pipe decides for itself how to show it. */
		.is_utf8 = !is_terminal || strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.is_json = is_json,
	};
}

void
output_add_tone(const struct output *output, struct textbuf *buf, enum tone tone, const char *text)
{
	static const char *const codes[TONE_COUNT] = {
		[TONE_TITLE] = "\033[1m",
		[TONE_FAINT] = "\033[2m",
		[TONE_GOOD] = "\033[32m",
		[TONE_WARN] = "\033[33m",
		[TONE_BAD] = "\033[31m",
	};
	bool is_toned = output->has_colour && codes[tone] != NULL && text[0] != '\0';

	if (is_toned)
		textbuf_add(buf, codes[tone]);
	textbuf_add(buf, text);
	if (is_toned)
		textbuf_add(buf, "\033[0m");
}

void
output_add_harmless(const struct output *output, struct textbuf *buf, const char *text)
{
	if (output->is_utf8) {
		textbuf_add_escaped(buf, text, strlen(text));
		return;
	}
	while (*text != '\0') {
		const char *end = text;

		while (*end != '\0' && (*end & 0x80) == 0)
			end++;
		textbuf_add_escaped(buf, text, (size_t)(end - text));
		for (text = end; (*text & 0x80) != 0; text++)
			textbuf_addf(buf, "\\x%02x", (unsigned char)*text);
	}
}

/* Places of one letter: as the locale says, and one where it does not know. */
static size_t
width_of(uint32_t point)
{
	int width = wcwidth((wchar_t)point);

	return width < 0 ? 1 : (size_t)width;
}

size_t
output_width(const char *text)
{
	size_t rest = strlen(text), width = 0, length;
	uint32_t point;

	for (; rest > 0; text += length, rest -= length) {
		length = utf8_next(text, rest, &point);
		if (length == 0)
			length = point = 1;
		width += width_of(point);
	}
	return width;
}

/* The bytes of the first letters that take no more than `most` places. */
static size_t
fitting(const char *text, size_t most, size_t *ret_width)
{
	size_t rest = strlen(text), length, taken = 0;
	uint32_t point;

	*ret_width = 0;
	for (; rest > 0; taken += length, rest -= length) {
		length = utf8_next(text + taken, rest, &point);
		if (length == 0)
			length = point = 1;
		if (*ret_width + width_of(point) > most)
			break;
		*ret_width += width_of(point);
	}
	return taken;
}

void
output_add_cut(const struct output *output, struct textbuf *buf, const char *text, size_t width,
	bool is_right)
{
	size_t taken, length = strlen(text);
	bool is_cut = output_width(text) > width;

	if (is_cut)
		length = fitting(text, width > 0 ? width - 1 : 0, &taken);
	else
		taken = output_width(text);
	if (is_cut && width > 0)
		taken++;
	if (is_right)
		textbuf_addf(buf, "%*s", (int)(width - taken), "");
	textbuf_add_bytes(buf, text, length);
	if (is_cut && width > 0)
		textbuf_add(buf, output->is_utf8 ? "\u2026" : "~");
	if (!is_right)
		textbuf_addf(buf, "%*s", (int)(width - taken), "");
}

static int
finish(const struct output *output)
{
	errno = EIO; /* where the library does not say */
	return fflush(output->file) == 0 && ferror(output->file) == 0 ? 0 : -errno;
}

int
output_print(const struct output *output, struct textbuf *buf)
{
	int error = textbuf_error(buf);

	if (error == 0 && buf->length > 0) {
		(void)fwrite(buf->text, 1, buf->length, output->file);
		error = finish(output);
	}
	textbuf_fini(buf);
	return error;
}

int
output_print_json(const struct output *output, json_t *value)
{
	int error = value != NULL ? 0 : -ENOMEM;

	if (error == 0 && json_dumpf(value, output->file, OUTPUT_JSON | JSON_ENCODE_ANY) < 0)
		error = -EIO;
	json_decref(value);
	if (error < 0)
		return error;
	(void)fputc('\n', output->file);
	return finish(output);
}
