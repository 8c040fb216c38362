/* SPDX-License-Identifier: ISC */
/* LINK: @READER src/base/netaddr.o src/base/textbuf.o src/base/utf8.o src/config/print.o
 * src/base/prefix.o tests/fuzz/round_trip.o -lconfig */
/* Any text as a table, handed to the reader as the gates get it, between quotes: read without
 * harm, and if nothing is wrong with it, printed and read back to the same. */
#include "tests/fuzz/round_trip.h"

#define TABLE_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct textbuf conf = TEXTBUF_INIT((size_t)8 * TABLE_MAX);

	if (length > TABLE_MAX)
		return 0;
	textbuf_add(&conf, "table = \"");
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] >= ' ' && bytes[i] < 0x7f && bytes[i] != '"' && bytes[i] != '\\')
			textbuf_add_bytes(&conf, (const char *)&bytes[i], 1);
		else
			textbuf_addf(&conf, "\\x%02x", (unsigned int)bytes[i]);
	}
	textbuf_add(&conf, "\";");
	if (textbuf_error(&conf) == 0)
		round_trip_conf(conf.text, conf.length);
	textbuf_fini(&conf);
	return 0;
}
