/* SPDX-License-Identifier: ISC */
/* How values are written in saved rows; for saved_write.c and saved_read.c alone. */
#ifndef REEVE_SAVED_WORDS_H
#define REEVE_SAVED_WORDS_H

#include "base/saved.h"

#define SAVED_NO_TEXT "-"

/* Written as it is; others as %XX. */
static inline bool
saved_is_plain(char byte)
{
	return byte > ' ' && byte < 0x7f && byte != '%';
}

static inline size_t
saved_ip_length(uint16_t family)
{
	if (family == AF_INET)
		return sizeof(struct in_addr);
	return family == AF_INET6 ? sizeof(struct in6_addr) : 0;
}

#endif
