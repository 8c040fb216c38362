/* SPDX-License-Identifier: ISC */
/* Who is to be explained, as the command line says. */
#ifndef REEVE_CONTROL_EXPLAIN_ASKED_H
#define REEVE_CONTROL_EXPLAIN_ASKED_H

#include "control/verbs.h"
#include "model/access.h"

struct explain_asked {
	const char *name;
	struct netaddr peer;
	struct netaddr proxy;
	bool has_proxy;
	bool has_user;
	struct access_peer unix_peer;
	uint32_t way;
	uint16_t minute;
};

/* 0, or -errno, and what is wrong has been printed. The name is the command line's. */
int explain_read_asked(const struct control *control, struct explain_asked *ret_asked);

#endif
