/* SPDX-License-Identifier: ISC */
/* The book of bans: a table by key, and all of them in a row for who goes through them. */
#include "model/ban_book.h"

#include <string.h>

#define ROW_FIRST 64

struct ban_book {
	struct ban **buckets;
	size_t bucket_count; /* a power of two */
	struct ban **row;
	size_t count;
	size_t room;
	size_t limit;
};

struct ban_book *
ban_book_new(size_t limit)
{
	struct ban_book *book = calloc(1, sizeof(*book));

	if (!book)
		return NULL;
	book->limit = limit;
	book->bucket_count = 1;
	while (book->bucket_count < limit)
		book->bucket_count *= 2;
	/* Pages that no ban is in cost nothing. */
	book->buckets = calloc(book->bucket_count, sizeof(struct ban *));
	if (!book->buckets)
		return ban_book_free(book);
	return book;
}

struct ban *
ban_free(struct ban *ban)
{
	free(ban);
	return NULL;
}

struct ban_book *
ban_book_free(struct ban_book *book)
{
	if (!book)
		return NULL;
	for (size_t i = 0; i < book->count; i++)
		(void)ban_free(book->row[i]);
	free(book->row);
	free(book->buckets);
	free(book);
	return NULL;
}

static struct ban **
bucket_of(const struct ban_book *book, uint64_t key)
{
	return &book->buckets[key & (book->bucket_count - 1)];
}

static bool
is_same_source(const struct ban_source *a, const struct ban_source *b)
{
	return netaddr_equal(&a->address, &b->address) && a->length == b->length &&
		a->user == b->user;
}

struct ban *
ban_book_find(const struct ban_book *book, uint64_t key, const struct ban *like)
{
	struct ban *ban = *bucket_of(book, key);

	while (ban &&
		(ban->key != key || ban->number != like->number ||
			!is_same_source(&ban->source, &like->source)))
		ban = ban->next;
	return ban;
}

static bool
make_room(struct ban_book *book)
{
	size_t room = book->room == 0 ? ROW_FIRST : book->room * 2;
	struct ban **row;

	if (book->count < book->room)
		return true;
	row = realloc(book->row, room * sizeof(struct ban *));
	if (!row)
		return false;
	book->row = row;
	book->room = room;
	return true;
}

/* With a copy of the service's name behind it. */
static struct ban *
copy_of(const struct ban *like, uint64_t key)
{
	size_t length = like->service ? strlen(like->service) + 1 : 0;
	struct ban *ban = malloc(sizeof(*ban) + length);

	if (!ban)
		return NULL;
	*ban = *like;
	ban->key = key;
	if (like->service)
		ban->service = memcpy(ban + 1, like->service, length);
	return ban;
}

struct ban *
ban_book_take(struct ban_book *book, struct ban *ban)
{
	struct ban **link = bucket_of(book, ban->key);

	while (*link != ban)
		link = &(*link)->next;
	*link = ban->next;
	book->row[ban->place] = book->row[--book->count];
	book->row[ban->place]->place = ban->place;
	return ban;
}

/* Of those that nobody made by hand. */
static struct ban *
take_first_to_end(struct ban_book *book)
{
	struct ban *first = NULL;

	for (size_t i = 0; i < book->count; i++)
		if (book->row[i]->verdict != VERDICT_ADMIT &&
			(!first || book->row[i]->until < first->until))
			first = book->row[i];
	return first ? ban_book_take(book, first) : NULL;
}

struct ban *
ban_book_add(struct ban_book *book, uint64_t key, const struct ban *like, struct ban **ret_dropped)
{
	struct ban *ban = ban_book_find(book, key, like);
	struct ban **bucket = bucket_of(book, key);

	*ret_dropped = NULL;
	if (ban) {
		if (ban->until < like->until) {
			ban->until = like->until;
			ban->span = like->span;
			ban->verdict = like->verdict;
			ban->is_exported = false;
		}
		return ban;
	}
	if (book->count == book->limit && like->verdict == VERDICT_ADMIT)
		*ret_dropped = take_first_to_end(book);
	if (book->count == book->limit || !make_room(book))
		return NULL;
	ban = copy_of(like, key);
	if (!ban)
		return NULL;
	ban->next = *bucket;
	*bucket = ban;
	ban->place = book->count;
	book->row[book->count++] = ban;
	return ban;
}

size_t
ban_book_count(const struct ban_book *book)
{
	return book->count;
}

struct ban *
ban_book_at(const struct ban_book *book, size_t place)
{
	return book->row[place];
}

bool
ban_source_holds(const struct ban_source *outer, const struct ban_source *inner)
{
	struct ban_source cut;

	if (outer->address.family != inner->address.family || inner->length < outer->length)
		return false;
	ban_source_of(&cut, &inner->address, outer->length, outer->length, inner->user);
	return is_same_source(outer, &cut);
}
