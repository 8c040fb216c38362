/* SPDX-License-Identifier: ISC */
/* What has to hold for every text that is read as a configuration. */
#ifndef REEVE_TESTS_ROUND_TRIP_H
#define REEVE_TESTS_ROUND_TRIP_H

#include "base/textbuf.h"

/* Aborts if the text is without a complaint but its print is not read back to the same print,
 * or if complaints cannot be shown. */
void round_trip_conf(const char *text, size_t length);

#endif
