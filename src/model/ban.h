/* SPDX-License-Identifier: ISC */
/* Bans: sources that are kept out of one service, or of all, until a moment. They lie in the memory
 * that all gates share (base/shared_sources.h), each under its prefix: one that is made, or lifted,
 * holds for every gate from the next client on.
 *
 * A service tells sources apart by prefixes of one length, but a reload may change that, and people
 * ban networks of any size. So a peer is looked for under each length that bans have, and these are
 * marked in the same memory: where nobody is banned, nothing is looked for. */
#ifndef REEVE_BAN_H
#define REEVE_BAN_H

#include "base/netaddr.h"
#include "base/shared_sources.h"

#define BAN_NO_USER UINT32_MAX /* of a unix peer: it is not known who it is */

/* A prefix of addresses, all other bits 0; AF_UNIX: a user. */
struct ban_source {
	struct netaddr address;
	uint32_t length;
	uint32_t user;
};

#define BAN_OF_ALL UINT64_C(0) /* instead of a service */

/* A service is known by its name: one that is gone for a while comes back with its bans. */
uint64_t ban_service(const struct shared_sources *sources, const char *name);

/* The source that a peer belongs to; `user` counts for unix peers alone. */
void ban_source_of(struct ban_source *ret_source, const struct netaddr *peer, uint32_t prefix4,
	uint32_t prefix6, uint32_t user);

/* What it lies under. */
uint64_t ban_key(const struct shared_sources *sources, uint64_t service,
	const struct ban_source *source);

/* Keep a source out until a moment, or longer if it already is. False: there is no place for it,
 * or it is nobody known. */
bool ban_impose(struct shared_sources *sources, uint64_t service, const struct ban_source *source,
	uint64_t until, uint64_t now);
void ban_lift(struct shared_sources *sources, uint64_t service, const struct ban_source *source);

/* Until when that very source is kept out; not later than now: it is not. */
uint64_t ban_until(struct shared_sources *sources, uint64_t service,
	const struct ban_source *source);

/* Is a peer kept out of the service, by whatever prefix? Are there bans at all? */
bool ban_holds(struct shared_sources *sources, uint64_t service, const struct netaddr *peer,
	uint32_t user, uint64_t now);
bool ban_are_any(const struct shared_sources *sources);

/* What is marked beside bans, for who knows them all: the lengths that they have, and a bit for
 * each. Too large for a stack. */
struct ban_marks {
	uint64_t lengths[SHARED_SOURCES_MARKS];
	uint64_t filter[SHARED_SOURCES_FILTER];
};
void ban_marks_add(struct ban_marks *marks, uint64_t key, uint64_t service,
	const struct ban_source *source);
void ban_marks_set(struct shared_sources *sources, const struct ban_marks *marks);

#endif
