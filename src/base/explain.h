/* SPDX-License-Identifier: ISC */
/* The lines of `reeved --explain`, for those who want to see a connection happen: each row of
 * explain.def makes `struct explanation_NAME` and a function; EXPLAIN(name, .field = value, ...)
 * is written down where the call is made. A line is out before the next call, so that those of
 * several processes stand in the order in which things happened. What strangers sent is escaped.
 *
 * Without --explain it is a look at one variable. */
#ifndef REEVE_EXPLAIN_H
#define REEVE_EXPLAIN_H

#include "base/netaddr.h"
#include "base/util.h"

struct explain_bytes {
	const void *bytes;
	size_t length;
};

#define TEXT(field) const char *field;
#define PEER(field) const struct netaddr *field;
#define NUMBER(field) int64_t field;
#define BYTES(field) struct explain_bytes field;
#define EXPLANATION(name, call, sentence, fields) \
	struct explanation_##name {               \
		fields int unused_;               \
	};                                        \
	void explain_##name(const struct explanation_##name *explanation);
#include "base/explain.def"
#undef EXPLANATION
#undef TEXT
#undef PEER
#undef NUMBER
#undef BYTES

#define EXPLAIN(name, ...)                                             \
	(log_explains() ? explain_##name(&(struct explanation_##name){ \
				  __VA_ARGS__, .unused_ = 0 })         \
			: (void)0)

/* Whether anybody wants to know (log.c). */
bool log_explains(void);

#endif
