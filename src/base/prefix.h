/* SPDX-License-Identifier: ISC */
/* Address prefixes: "192.0.2.0/24", "2001:db8::/32". What was written wrong must never come to
 * mean more than what was meant: a text is read strictly or not at all. */
#ifndef REEVE_PREFIX_H
#define REEVE_PREFIX_H

#include "base/netaddr.h"

#define PREFIX_TEXT_MAX 56 /* the longest that prefix_format writes, with its NUL */

/* 24 bytes, for there are millions. The address as one number of 128 bits in two halves; that of
 * IPv4 in the uppermost 32. */
struct prefix {
	uint64_t high;
	uint64_t low;
	uint32_t number; /* the owner's: which rule or line it was */
	uint8_t length;  /* bits */
	bool is_v4;
};

/* How an IPv4 address without length is meant: itself, or as xinetd does, where .0 at its end
 * stands for any (10.1.0.0 is 10.1.0.0/16, 0.0.0.0 is everybody). */
enum prefix_style { PREFIX_EXACT, PREFIX_TRAILING_ZEROS };

/* Read an address, address/length or address/netmask of that many bytes. NULL: done, except for
 * `number`; else what is wrong ("has bits set behind its length"), and `ret_prefix` is untouched.
 * An IPv4 address in IPv6's clothes (::ffff:192.0.2.1) is an IPv4 address. */
const char *prefix_parse(struct prefix *ret_prefix, const char *text, size_t length,
	enum prefix_style style);

/* Write address/length, and return `text`, which has room for PREFIX_TEXT_MAX bytes. */
const char *prefix_format(const struct prefix *prefix, char *text);

/* The prefix of that address alone, which is one of IPv4 or IPv6. */
struct prefix prefix_of_address(const struct netaddr *address);

/* True if every address of `inner` is one of `outer`, too. */
bool prefix_contains(const struct prefix *outer, const struct prefix *inner);

#endif
