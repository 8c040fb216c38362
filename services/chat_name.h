/* SPDX-License-Identifier: ISC */
/* Names of users and rooms: which are the same. What may be one is base/name.h's. */
#ifndef REEVE_CHAT_NAME_H
#define REEVE_CHAT_NAME_H

#include "base/name.h"
#include "base/siphash.h"

#define CHAT_NAME_BYTES (NAME_USER_POINTS * 4)
#define CHAT_ROOM_BYTES (NAME_ROOM_POINTS * 4)

/* Two names are one, but for case; a hash that is the same for both. Upper case of ASCII, Latin,
 * Greek, Cyrillic and Armenian is folded one to one, a final sigma as any other; scripts without
 * case stay. No locale, and no folding that changes the number of code points. */
bool chat_name_equal(const char *a, const char *b);
uint64_t chat_name_hash(const struct siphash_key *key, const char *name);

/* True for words that a user could pass for somebody else with. */
bool chat_name_is_reserved(const char *name);

#endif
