/* SPDX-License-Identifier: ISC */
/* Names of hosts, as rules have them and as the DNS gives them: letters, digits, '-' and '_' in
 * labels of up to 63 bytes; in small letters, without a dot at the end. */
#ifndef REEVE_HOSTNAME_H
#define REEVE_HOSTNAME_H

#include "base/util.h"

#define HOSTNAME_BYTES_MAX 253
#define HOSTNAME_ROOM 256 /* with its NUL */

/* Write a name in its one form. False: it is none, for a name does not end in a number, nor in a
 * single letter: those are addresses that were written wrong. */
bool hostname_read(const char *text, size_t length, char ret_name[static HOSTNAME_ROOM]);

/* Is the name one of the domain, which begins with a dot? "a.example.org" is of ".example.org",
 * "example.org" is not. */
bool hostname_is_of(const char *name, const char *domain);

#endif
