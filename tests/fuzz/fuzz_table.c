/* SPDX-License-Identifier: ISC */
/* LINK: src/base/netaddr.o src/base/textbuf.o src/base/utf8.o src/config/arena.o
 * src/config/clashes.o src/config/complaint.o src/config/conf.o src/config/conf_text.o
 * src/config/config.o src/config/keys.o src/config/layer.o src/config/map.o
 * src/config/meaning.o src/config/ports.o src/config/print.o src/config/protocols.o
 * src/config/reader.o src/config/source.o src/config/table.o src/config/value.o
 * src/base/prefix.o src/config/access_rule.o src/config/value_read.o src/config/value_write.o
 * src/config/words.o tests/fuzz/round_trip.o -lconfig */
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
