/* SPDX-License-Identifier: ISC */
/* The columns of protocols.def. */
#include "config/config.h"

#include <sys/socket.h>

static const struct {
	const char *word;
	int family;
	int type;
} rows[] = {
#define PROTOCOL(name_, word_, family_, type_) \
	[PROTOCOL_##name_] = { .word = (word_), .family = (family_), .type = (type_) },
#define BOTH(word, v4, v6)
#include "config/protocols.def"
#undef PROTOCOL
#undef BOTH
};

const char *
protocol_word(enum protocol protocol)
{
	return rows[protocol].word;
}

int
protocol_family(enum protocol protocol)
{
	return rows[protocol].family;
}

int
protocol_type(enum protocol protocol)
{
	return rows[protocol].type;
}
