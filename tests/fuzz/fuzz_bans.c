/* LINK: src/model/ban_book.o src/model/ban_text.o src/model/ban.o src/model/client_source.o
 * src/model/rate.o src/base/shared_sources.o src/base/siphash.o src/base/netaddr.o
 * src/base/textbuf.o src/base/utf8.o src/base/verdict.o */
/* SPDX-License-Identifier: ISC */
/* Any bytes as a line of the file of bans: told what is wrong with it, or a ban that is the same
 * when it is written and read again. */
#include "model/ban_text.h"

#include <string.h>

#define NOW 1000000
#define WALL INT64_C(1795000000)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
read_again(const struct ban *ban)
{
	struct textbuf line = TEXTBUF_INIT(2 * BAN_LINE_MAX);
	struct ban again;

	ban_write(ban, NOW, WALL, &line);
	if (textbuf_error(&line) < 0 || line.length < 2)
		abort();
	line.text[line.length - 1] = '\0';
	if (ban_read(&again, line.text, NOW, WALL) != NULL)
		abort();
	if (again.until != ban->until || again.span != ban->span || again.verdict != ban->verdict ||
		again.source.length != ban->source.length ||
		again.source.user != ban->source.user ||
		!netaddr_equal(&again.source.address, &ban->source.address))
		abort();
	textbuf_fini(&line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char line[BAN_LINE_MAX];
	struct ban ban;

	if (length >= sizeof(line))
		return 0;
	memcpy(line, bytes, length);
	line[length] = '\0';
	/* One that has ended before the daemon began has no end by its clock. */
	if (ban_read(&ban, line, NOW, WALL) == NULL && ban.until > NOW)
		read_again(&ban);
	return 0;
}
