/* SPDX-License-Identifier: ISC */
/* Look-ups that do not block, by c-ares: /etc/hosts, then the DNS. Its sockets and time-outs are
 * the loop's. What a look-up found is the callback's to copy; the callback may come before the
 * function returns. */
#ifndef REEVE_RESOLVER_DNS_H
#define REEVE_RESOLVER_DNS_H

#include "base/loop.h"
#include "base/netaddr.h"
#include "effects/channel.h"
#include "model/host_addresses.h"

#define DNS_NAMES_MAX CLIENT_NAMES_MAX

struct dns;

/* Are names that do not exist completed as /etc/resolv.conf has it (search)? Those that people
 * write are, those that the DNS tells us are whole. */
enum dns_names { DNS_NAMES_SEARCHED, DNS_NAMES_WHOLE };

/* `servers` with commas, or "": those of /etc/resolv.conf. NULL: they cannot be used, or there
 * is no memory. */
struct dns *dns_new(struct loop *loop, const char *servers, enum dns_names names);

/* Whatever is under way is answered with NAMES_NO_ANSWER first. */
struct dns *dns_free(struct dns *dns);

/* Whom to ask from now on, instead of the one that is given away: another one if /etc/resolv.conf
 * is. What is under way goes on where it was asked. Not to be called out of a callback. */
struct dns *dns_follow(struct dns *dns);

/* The addresses of a name. `ttl` in seconds, 0: it is not known. */
struct dns_addresses {
	enum names_error error;
	uint32_t ttl;
	struct host_addresses addresses;
};

/* Those of both families. If `sought` is given, that one alone, however many the name has. */
void dns_find_addresses(struct dns *dns, const char *name, const struct netaddr *sought,
	void (*done)(void *owner, const struct dns_addresses *found), void *owner);

/* The names that the DNS has for an address, well-formed ones only. */
void dns_find_names(struct dns *dns, const struct netaddr *address,
	void (*done)(void *owner, enum names_error error, const struct client_names *found),
	void *owner);

#endif
