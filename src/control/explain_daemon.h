/* SPDX-License-Identifier: ISC */
/* What a running daemon knows of the peer that is explained. Without one nothing is known, and
 * nobody is told of it. */
#ifndef REEVE_CONTROL_EXPLAIN_DAEMON_H
#define REEVE_CONTROL_EXPLAIN_DAEMON_H

#include "base/netaddr.h"
#include "control/explain.h"

/* Connections that the service has now, the one of that number (from 1) of its name; -1: not
 * known. */
int64_t explain_ask_active(const struct control *control, const char *service, uint32_t number);

/* All bans of now, as the daemon lists them; NULL: not known. The caller's. */
json_t *explain_ask_bans(const struct control *control);

/* The first of them that keeps the peer out of the service; `user` counts on unix sockets. False:
 * none does. The texts are those of the list. */
bool explain_find_ban(const json_t *bans, const char *service, const struct netaddr *peer,
	uint32_t user, struct explain_ban *ret_ban);

#endif
