/* SPDX-License-Identifier: ISC */
/* LINK: @READER src/base/netaddr.o src/base/textbuf.o src/base/utf8.o src/config/print.o
 * src/base/prefix.o tests/fuzz/round_trip.o -lconfig */
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
