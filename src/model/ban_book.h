/* SPDX-License-Identifier: ISC */
/* The book of bans: what the supervisor knows of those that hold, so that they outlast it. It has a
 * bound; when it is full those that stand in it stay, for otherwise whoever has many addresses
 * could have an old offender forgotten. Only a ban by hand finds room by taking the place of the
 * one that ends first. */
#ifndef REEVE_BAN_BOOK_H
#define REEVE_BAN_BOOK_H

#include "base/verdict.h"
#include "model/ban.h"

struct ban {
	struct ban_source source;
	const char *service;  /* NULL: of all */
	uint64_t number;      /* ban_service of that, or BAN_OF_ALL */
	msec until;           /* by the loop's clock */
	msec span;            /* that it was made for */
	enum verdict verdict; /* that led to it; ADMIT: it was made by hand */
	bool is_exported;     /* to the packet filter */
	/* The book's. */
	uint64_t key;
	size_t place;
	struct ban *next;
};

struct ban_book;

/* Room for so many. NULL: no memory. */
struct ban_book *ban_book_new(size_t limit);
struct ban_book *ban_book_free(struct ban_book *book);

/* The ban of that service and source, or NULL. `key` is ban_key of both. */
struct ban *ban_book_find(const struct ban_book *book, uint64_t key, const struct ban *like);

/* Write one down (its service is copied); one that is there gets the later end. NULL: there is no
 * room or no memory. *ret_dropped: it took the place of one that is to be lifted and freed
 * with ban_free, or NULL. */
struct ban *ban_book_add(struct ban_book *book, uint64_t key, const struct ban *like,
	struct ban **ret_dropped);

/* Take one out, to be freed with ban_free. */
struct ban *ban_book_take(struct ban_book *book, struct ban *ban);
struct ban *ban_free(struct ban *ban);

/* All that stand in it, in no order: place 0 to count - 1. Taking one out moves the last one. */
size_t ban_book_count(const struct ban_book *book);
struct ban *ban_book_at(const struct ban_book *book, size_t place);

/* Does the prefix of `outer` hold that of `inner`? */
bool ban_source_holds(const struct ban_source *outer, const struct ban_source *inner);

#endif
