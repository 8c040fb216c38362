/* SPDX-License-Identifier: ISC */
/* LINK: src/base/netaddr.o src/base/textbuf.o src/base/utf8.o src/config/arena.o
 * src/config/clashes.o src/config/complaint.o src/config/conf.o src/config/conf_text.o
 * src/config/config.o src/config/keys.o src/config/layer.o src/config/map.o
 * src/config/meaning.o src/config/ports.o src/config/print.o src/config/protocols.o
 * src/config/reader.o src/config/source.o src/config/table.o src/config/value.o
 * src/base/prefix.o src/config/access_rule.o src/config/value_read.o src/config/value_write.o
 * src/config/words.o tests/fuzz/round_trip.o -lconfig */
/* Any text as reeve.conf: read without harm, and if nothing is wrong with it, printed and read
 * back to the same. */
#include "tests/fuzz/round_trip.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	round_trip_conf((const char *)bytes, length);
	return 0;
}
