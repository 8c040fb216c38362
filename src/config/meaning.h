/* SPDX-License-Identifier: ISC */
/* What values mean that their texts and numbers alone do not say. */
#ifndef REEVE_MEANING_H
#define REEVE_MEANING_H

#include "config/config.h"

/* Does it have a socket of that type (SOCK_STREAM); of datagrams; of connections? */
bool config_has_type(const struct service_config *service, int type);
bool config_speaks_datagrams(const struct service_config *service);
bool config_speaks_streams(const struct service_config *service);

/* Does anybody answer datagrams on its sockets of that protocol who does not look at where they
 * came from? A program that has the socket itself (wait) sees to that on its own. */
bool config_answers_datagrams(const struct service_config *service, enum protocol protocol);

/* The service's `idle`, with what auto means for its handler: milliseconds, 0 for ever. */
int64_t config_idle(const struct service_config *service);

/* Take a value of kind RLIMIT apart: "soft", "soft:hard", "unlimited". False: it is none. */
#define CONFIG_UNLIMITED (-1)
bool config_rlimit(const char *text, int64_t *ret_soft, int64_t *ret_hard);

/* The number of a capability: "net_raw" and "CAP_NET_RAW" are 13. -1: there is none. */
int config_capability(const char *name);

/* A value of kind RATE, so many in a span of time, and the number that holds it. None: 0. */
struct config_rate {
	int64_t count;
	msec span;
};
#define CONFIG_RATE_SPAN_MAX 86400000
struct config_rate config_rate(int64_t value);
int64_t config_rate_value(struct config_rate rate);

#endif
