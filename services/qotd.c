/* SPDX-License-Identifier: ISC */
/* qotd (RFC 865): a quotation, another one for each client, out of the file that the option
 * `file` names: texts parted by lines that hold a single %, as fortune(6) reads them.
 *
 * The file is turned into what is sent once, when it is read: CR LF at line ends, no other
 * control bytes but tabs. A datagram has to be shorter than 512 bytes, so of a longer text a
 * second piece is kept, which is cut. */
#include "services/service.h"

#include "base/textbuf.h"

#include <errno.h>
#include <string.h>

#define DATAGRAM_MAX 511
#define STREAM_MAX 16384      /* well below what conn_write holds for one client */
#define QUOTES_MAX (64 << 20) /* bytes of all of them as they are sent */

#define LINE_END "\r\n"
#define CUT_END " ..." LINE_END

struct piece {
	size_t offset; /* in qotd.wire */
	size_t length;
};

struct quote {
	struct piece stream;
	struct piece datagram; /* the same piece, unless the text is too long */
};

struct qotd {
	struct quote *quotes;
	size_t count; /* never 0 */
	struct textbuf wire;
};

static const char own_quotes[] =
	"The fault, dear Brutus, is not in our stars,\n"
	"But in ourselves, that we are underlings.\n"
	"\t-- William Shakespeare, Julius Caesar\n"
	"%\n"
	"If I have seen further it is by standing on the shoulders of Giants.\n"
	"\t-- Isaac Newton, letter to Robert Hooke, 1675\n"
	"%\n"
	"Read not to contradict and confute; nor to believe and take for granted;\n"
	"nor to find talk and discourse; but to weigh and consider.\n"
	"\t-- Francis Bacon, Of Studies\n";

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

static bool
is_separator(const char *line, const char *line_end)
{
	if (*line != '%')
		return false;
	while (++line < line_end)
		if (!is_blank(*line))
			return false;
	return true;
}

/* The next text of the file from `*cursor` on, which moves behind its separator. False: none. */
static bool
next_text(const char **cursor, const char *end, const char **ret_text, size_t *ret_length)
{
	const char *text = *cursor;
	const char *line = text;

	if (text == end)
		return false;
	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		const char *next_line = newline ? newline + 1 : end;

		if (is_separator(line, next_line)) {
			*ret_text = text;
			*ret_length = (size_t)(line - text);
			*cursor = next_line;
			return true;
		}
		line = next_line;
	}
	*ret_text = text;
	*ret_length = (size_t)(end - text);
	*cursor = end;
	return true;
}

static size_t
without_trailing_blanks(const char *text, size_t length)
{
	while (length > 0 && is_blank(text[length - 1]))
		length--;
	return length;
}

/* Into `clean`: the text as it is sent, but for its last CR LF; no empty lines around it. */
static void
clean_text(struct textbuf *clean, const char *text, size_t length)
{
	length = without_trailing_blanks(text, length);
	textbuf_reset(clean);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)text[i];

		if (byte == '\n' && clean->length > 0)
			textbuf_add(clean, LINE_END);
		else if (byte == '\t' || (byte >= ' ' && byte != 0x7f))
			textbuf_add_bytes(clean, &text[i], 1);
	}
}

/* Where to cut a text so that at most `max` bytes stay: behind a word, or within a very long one
 * at least not within a character. */
static size_t
find_cut(const char *text, size_t max)
{
	size_t cut = max;

	while (cut > 0 && !is_blank(text[cut]))
		cut--;
	cut = without_trailing_blanks(text, cut);
	if (cut > 0)
		return cut;
	cut = max;
	while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
		cut--;
	return cut;
}

/* Append the text, its end, and what shows that it was cut if it would be longer than `max`. */
static struct piece
add_piece(struct textbuf *wire, const struct textbuf *clean, size_t max)
{
	struct piece piece = { .offset = wire->length };

	if (clean->length + strlen(LINE_END) <= max) {
		textbuf_add_bytes(wire, clean->text, clean->length);
		textbuf_add(wire, LINE_END);
	} else {
		textbuf_add_bytes(wire, clean->text, find_cut(clean->text, max - strlen(CUT_END)));
		textbuf_add(wire, CUT_END);
	}
	piece.length = wire->length - piece.offset;
	return piece;
}

static void
add_quote(struct qotd *qotd, const struct textbuf *clean)
{
	struct quote *quote = &qotd->quotes[qotd->count++];

	quote->stream = add_piece(&qotd->wire, clean, STREAM_MAX);
	quote->datagram = quote->stream;
	if (quote->stream.length > DATAGRAM_MAX)
		quote->datagram = add_piece(&qotd->wire, clean, DATAGRAM_MAX);
}

static void
qotd_fini(struct qotd *qotd)
{
	free(qotd->quotes);
	textbuf_fini(&qotd->wire);
}

/* Read the quotations of a text; there may be none in it. 0 or -errno, then nothing is held. */
static int
qotd_read(struct qotd *ret_qotd, const char *text, size_t length)
{
	struct qotd qotd = { .wire = TEXTBUF_INIT(QUOTES_MAX) };
	struct textbuf clean = TEXTBUF_INIT(QUOTES_MAX);
	const char *end = text + length;
	const char *cursor = text;
	const char *quote;
	size_t quote_length;
	size_t places = 1;
	int error;

	while (next_text(&cursor, end, &quote, &quote_length))
		places++;
	qotd.quotes = calloc(places, sizeof(*qotd.quotes));
	if (!qotd.quotes)
		return -ENOMEM;
	cursor = text;
	while (next_text(&cursor, end, &quote, &quote_length)) {
		clean_text(&clean, quote, quote_length);
		if (clean.length > 0)
			add_quote(&qotd, &clean);
	}
	error = textbuf_error(&clean) ? textbuf_error(&clean) : textbuf_error(&qotd.wire);
	textbuf_fini(&clean);
	if (error)
		qotd_fini(&qotd);
	else
		*ret_qotd = qotd;
	return error;
}

/* From the service's file; without one, or without a quotation in it, our own few. */
static int
qotd_load(const struct builtin *builtin, struct qotd *ret_qotd)
{
	size_t length = 0;
	const char *file = builtin_file(builtin, &length);

	if (file) {
		int error = qotd_read(ret_qotd, file, length);

		if (error || ret_qotd->count > 0)
			return error;
		qotd_fini(ret_qotd);
	}
	return qotd_read(ret_qotd, own_quotes, sizeof(own_quotes) - 1);
}

static int
qotd_start(struct builtin *builtin, void **ret_state)
{
	struct qotd *qotd = malloc(sizeof(*qotd));
	int error;

	if (!qotd)
		return -ENOMEM;
	error = qotd_load(builtin, qotd);
	if (error) {
		free(qotd);
		return error;
	}
	*ret_state = qotd;
	return 0;
}

static void
qotd_retune(struct builtin *builtin)
{
	struct qotd *qotd = builtin_state(builtin);
	struct qotd fresh;

	if (qotd_load(builtin, &fresh) < 0)
		return; /* better the old quotations than none */
	qotd_fini(qotd);
	*qotd = fresh;
}

static void
qotd_stop(struct builtin *builtin)
{
	struct qotd *qotd = builtin_state(builtin);

	qotd_fini(qotd);
	free(qotd);
}

static const struct quote *
choose_quote(const struct qotd *qotd)
{
	uint64_t chance;

	builtin_random(&chance, sizeof(chance));
	return &qotd->quotes[chance % qotd->count];
}

static void
qotd_open(struct conn *conn)
{
	const struct qotd *qotd = builtin_state(conn_builtin(conn));
	const struct piece *piece = &choose_quote(qotd)->stream;

	/* Fits: it is the first. */
	(void)conn_write(conn, qotd->wire.text + piece->offset, piece->length);
	conn_finish(conn, ENDING_SERVED);
}

static void
qotd_datagram(struct datagram *datagram)
{
	const struct qotd *qotd = builtin_state(datagram->builtin);
	const struct piece *piece = &choose_quote(qotd)->datagram;

	/* No budget, no answer. */
	(void)datagram_reply(datagram, qotd->wire.text + piece->offset, piece->length);
}

const struct service_ops qotd_ops = {
	.name = "qotd",
	.start = qotd_start,
	.retune = qotd_retune,
	.stop = qotd_stop,
	.open = qotd_open,
	.datagram = qotd_datagram,
};
