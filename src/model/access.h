/* SPDX-License-Identifier: ISC */
/* Who is admitted, and when: the rules of all services as one image without pointers, which the
 * supervisor makes (access_build.h) and the gates map.
 *
 * Services that have the same rules share a set of them, and every file of prefixes is there once,
 * however many sets name it. Of the rules around a peer the most specific one decides, and of two
 * that are equally specific no_access does. A unix peer's user is more specific than its groups,
 * these than ALL.
 *
 * By which interface somebody came is another matter than where he comes from: neither is more
 * specific than the other, both are more so than ALL, and where they differ no_access decides. The
 * same goes for a domain and a network; but a single host is more specific than a domain, and a
 * domain than one that it is a part of.
 *
 * The names of hosts are addresses here. What is known of a client may not be enough for an answer:
 * then access_must_ask says so. */
#ifndef REEVE_ACCESS_H
#define REEVE_ACCESS_H

#include "base/netaddr.h"
#include "base/verdict.h"
#include "model/client_names.h"

#define ACCESS_GROUPS_MAX 256 /* of a unix peer that are looked at */
#define ACCESS_NO_SET UINT32_MAX

struct access;

/* Who a unix peer is, as the kernel says. Whoever is not known, or may be in more groups than are
 * known, is in none that only_from names and in all that no_access does. */
struct access_peer {
	bool is_known;
	bool has_more_groups;
	uint32_t user;
	uint32_t groups[ACCESS_GROUPS_MAX];
	uint32_t group_count;
};

/* By which interface a client came. */
#define ACCESS_WAY_NONE 0 /* by none, as unix clients do, or nobody asks */
#define ACCESS_WAY_UNKNOWN UINT32_MAX

/* What is known of a client's names. Without an answer he has none that only_from names and all
 * that no_access does. */
enum access_naming { ACCESS_NAMES_UNKNOWN, ACCESS_NAMES_KNOWN };

/* Whoever is judged, as far as rules ask: when, too. */
struct access_client {
	const struct netaddr *address;
	const struct access_peer *unix_peer; /* NULL: it is not known */
	uint32_t way;                        /* index of an interface, or ACCESS_WAY_... */
	enum access_naming naming;
	const struct client_names *names; /* if known */
	uint16_t minute;                  /* of the local day */
};

/* Where a rule was written; lives as long as the image. file NULL: no rule decided. */
struct access_place {
	const char *file;
	uint32_t line;
};

/* Is that an image, whole, of a configuration of that generation with so many services? */
bool access_is_image(const void *bytes, size_t size, uint32_t generation, uint32_t service_count);

/* The prefixes of a file that the rules name; NULL: none does. */
struct prefixes;
const struct prefixes *access_find_file(const struct access *access, const char *path);

/* The set of the service with that index; ACCESS_NO_SET: it has no rules. Across images of one
 * generation it stays the same. */
uint32_t access_set_of(const struct access *access, uint32_t service);

/* What a set has to ask for: who a unix peer is, by which interface a client came, what time it
 * is. */
bool access_asks_who(const struct access *access, uint32_t set);
bool access_asks_way(const struct access *access, uint32_t set);
bool access_asks_names(const struct access *access, uint32_t set);
bool access_asks_when(const struct access *access, uint32_t set);

/* Names are asked for far away, so it is worth knowing beforehand whether they matter: may the
 * answer be another one once they are known? */
bool access_must_ask(const struct access *access, uint32_t set, const struct access_client *client);

/* Are tcp_wrappers' files to be asked about the set's clients? Then where that is written. */
bool access_asks_wrap(const struct access *access, uint32_t set, struct access_place *ret_place);

/* *ret_place: the rule that decided, be it one that admits; untouched if none did. */
enum verdict access_judge(const struct access *access, uint32_t set,
	const struct access_client *client, struct access_place *ret_place);

#endif
