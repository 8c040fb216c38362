/* SPDX-License-Identifier: ISC */
/* UTF-8 (RFC 3629): what is well-formed, and what is harmless to show to another person. */
#ifndef REEVE_UTF8_H
#define REEVE_UTF8_H

#include "base/util.h"

/* Length in bytes (1 to 4) of the well-formed sequence that starts at `bytes`, 0 if there is
 * none within `length`. Overlong forms, surrogates and values above U+10FFFF are not
 * well-formed. `ret_point` (may be NULL) gets the code point. */
size_t utf8_next(const char *bytes, size_t length, uint32_t *ret_point);

/* Offset of the first byte that is not part of a well-formed sequence; `length` if all is. */
size_t utf8_check(const char *bytes, size_t length);

/* True for code points that print as something and steer nothing: not C0, DEL, C1, line and
 * paragraph separators, bidirectional controls, zero-width and other invisible format
 * characters, private use, non-characters. */
bool utf8_is_printable(uint32_t point);

#endif
