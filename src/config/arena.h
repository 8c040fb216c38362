/* SPDX-License-Identifier: ISC */
/* The memory of one configuration: thousands of small texts that are freed together. Nothing
 * taken from an arena is ever given back alone, so no reader has to say who owns what. */
#ifndef REEVE_ARENA_H
#define REEVE_ARENA_H

#include "base/util.h"

struct arena;

struct arena *arena_new(void);
struct arena *arena_free(struct arena *arena);

/* `size` bytes, zeroed, aligned for every type; NULL when there is no memory, which the arena
 * remembers: arena_error is then -ENOMEM for good. */
void *arena_take(struct arena *arena, size_t size);

/* A copy of `length` bytes with a NUL behind them. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);

/* The same, but equal bytes give the same pointer; nobody may write to it. */
char *arena_intern(struct arena *arena, const char *bytes, size_t length);

/* The same for lists of texts that were interned; the list that comes back ends in a NULL. */
char **arena_intern_list(struct arena *arena, char *const *texts, size_t count);

/* The same for objects; their padding is compared, too. */
const void *arena_intern_object(struct arena *arena, const void *object, size_t size);

/* Free what is remembered for that. */
void arena_stop_interning(struct arena *arena);

int arena_error(const struct arena *arena);

#endif
