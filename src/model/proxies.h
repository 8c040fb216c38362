/* SPDX-License-Identifier: ISC */
/* The proxies of a service, `proxy_from`: addresses and prefixes, and the word unix. */
#ifndef REEVE_PROXIES_H
#define REEVE_PROXIES_H

#include "base/netaddr.h"

struct proxies;

/* From words that have been checked. NULL: no memory; then nobody is one. */
struct proxies *proxies_new(char *const *words);
struct proxies *proxies_free(struct proxies *proxies);

/* `proxies` may be NULL. */
bool proxies_has(const struct proxies *proxies, const struct netaddr *peer);

#endif
