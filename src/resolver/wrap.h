/* SPDX-License-Identifier: ISC */
/* tcp_wrappers' files, /etc/hosts.allow and /etc/hosts.deny, asked by its own library. They are
 * read for every question, as it does. Commands in them are not carried out: what would be
 * replaced by one (twist) is a refusal, what would only be started (spawn) is not.
 *
 * wrap_none.c stands for it in a build without the library: it refuses. */
#ifndef REEVE_RESOLVER_WRAP_H
#define REEVE_RESOLVER_WRAP_H

#include "base/netaddr.h"

enum wrap_answer {
	WRAP_ADMITS,
	WRAP_REFUSES,
	WRAP_WANTS_NAME, /* a rule depends on it */
};

/* Ask as that daemon about a client of that name: NULL is not known yet, "unknown" has none, and
 * "paranoid" one that does not have the address. Reads files, and blocks on them. */
enum wrap_answer wrap_judge(const char *daemon, const struct netaddr *address, const char *name);

#endif
