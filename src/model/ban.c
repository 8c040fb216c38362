/* SPDX-License-Identifier: ISC */
/* Bans: where they lie, and which of them a peer is looked for under. */
#include "model/ban.h"

#include "model/client_source.h"

#include <string.h>

/* Marks: four words for bans from all services, four for those from one. In the first of them the
 * lengths of IPv4 and a bit for users, in the other three the lengths of IPv6. */
#define WORDS_EACH (SHARED_SOURCES_MARKS / 2)
#define USERS_BIT 63
#define WORD_BITS 64

/* Which bit of the filter is a ban's is said by other bits of its key than those that choose its
 * place in the table. */
#define FILTER_SHIFT 20

#define LENGTH_SHIFT 56 /* up to 128 in a service's number of 64 bits */

/* Another gate changed the word between our look and our change: so often we look again. */
#define ATTEMPTS 64

uint64_t
ban_service(const struct shared_sources *sources, const char *name)
{
	return shared_sources_key(sources, name, strlen(name));
}

static void
cut_bits(unsigned char *address, size_t size, uint32_t bits)
{
	size_t whole = bits / 8;

	if (whole >= size)
		return;
	address[whole] &= (unsigned char)(0xff00 >> bits % 8);
	memset(address + whole + 1, 0, size - whole - 1);
}

void
ban_source_of(struct ban_source *ret_source, const struct netaddr *peer, uint32_t prefix4,
	uint32_t prefix6, uint32_t user)
{
	struct ban_source source = { .address = { .family = peer->family } };

	if (peer->family == AF_INET) {
		source.length = prefix4;
		source.address.ip.v4 = peer->ip.v4;
		cut_bits((unsigned char *)&source.address.ip.v4, sizeof(peer->ip.v4), prefix4);
	} else if (peer->family == AF_INET6) {
		source.length = prefix6;
		source.address.scope = peer->scope;
		source.address.ip.v6 = peer->ip.v6;
		cut_bits((unsigned char *)&source.address.ip.v6, sizeof(peer->ip.v6), prefix6);
	} else
		source.user = user;
	*ret_source = source;
}

static uint64_t
key_of(const struct shared_sources *sources, uint64_t service, const struct netaddr *peer,
	uint32_t length, uint32_t user)
{
	const struct client_source ban = { .kind = SOURCE_BAN,
		/* A network and its first address have the same bits, and must not be the same. */
		.service = service ^ (uint64_t)length << LENGTH_SHIFT,
		.peer = peer,
		.prefix4 = (uint8_t)length,
		.prefix6 = (uint8_t)length,
		.detail = peer->family == AF_UNIX ? (uint64_t)user + 1 : 0 };

	return client_source_key(sources, &ban);
}

uint64_t
ban_key(const struct shared_sources *sources, uint64_t service, const struct ban_source *source)
{
	return key_of(sources, service, &source->address, source->length, source->user);
}

static size_t
place_filter(uint64_t key, uint64_t *ret_bit)
{
	uint64_t place = key >> FILTER_SHIFT;

	*ret_bit = UINT64_C(1) << place % WORD_BITS;
	return place / WORD_BITS % SHARED_SOURCES_FILTER;
}

static size_t
first_word(uint64_t service)
{
	return service == BAN_OF_ALL ? 0 : WORDS_EACH;
}

static size_t
place_mark(uint64_t service, const struct ban_source *source, uint64_t *ret_bit)
{
	size_t word = first_word(service);
	uint32_t bit = source->length;

	if (source->address.family == AF_UNIX)
		bit = USERS_BIT;
	else if (source->address.family == AF_INET6)
		word += 1 + source->length / WORD_BITS;
	*ret_bit = UINT64_C(1) << bit % WORD_BITS;
	return word;
}

bool
ban_impose(struct shared_sources *sources, uint64_t service, const struct ban_source *source,
	uint64_t until, uint64_t now)
{
	uint64_t key = ban_key(sources, service, source);
	_Atomic uint64_t *word = NULL;
	uint64_t bit, before;
	size_t mark;

	if (source->address.family != AF_UNIX || source->user != BAN_NO_USER)
		word = shared_sources_take(sources, key, now);
	if (!word)
		return false;
	before = atomic_load(word);
	for (int i = 0; before < until && i < ATTEMPTS; i++)
		if (atomic_compare_exchange_strong(word, &before, until))
			break;
	mark = place_mark(service, source, &bit);
	(void)atomic_fetch_or(&shared_sources_marks(sources)[mark], bit);
	mark = place_filter(key, &bit);
	(void)atomic_fetch_or(&shared_sources_filter(sources)[mark], bit);
	return true;
}

void
ban_lift(struct shared_sources *sources, uint64_t service, const struct ban_source *source)
{
	shared_sources_forget(sources, ban_key(sources, service, source));
}

uint64_t
ban_until(struct shared_sources *sources, uint64_t service, const struct ban_source *source)
{
	const _Atomic uint64_t *word =
		shared_sources_find(sources, ban_key(sources, service, source));

	return word ? atomic_load(word) : 0;
}

static bool
is_kept_out(struct shared_sources *sources, uint64_t service, const struct netaddr *peer,
	uint32_t length, uint32_t user, uint64_t now)
{
	uint64_t key = key_of(sources, service, peer, length, user);
	const _Atomic uint64_t *word;
	uint64_t bit;
	size_t place = place_filter(key, &bit);

	if ((atomic_load_explicit(&shared_sources_filter(sources)[place], memory_order_relaxed) &
		    bit) == 0)
		return false;
	word = shared_sources_find(sources, key);
	return word && atomic_load(word) > now;
}

/* The bits of a family, whatever else somebody may have marked. */
static uint64_t
look_at_mark(const struct shared_sources *sources, size_t word, uint64_t permitted)
{
	return atomic_load_explicit(&shared_sources_marks(sources)[word], memory_order_relaxed) &
		permitted;
}

static bool
holds_at(struct shared_sources *sources, uint64_t service, const struct netaddr *peer,
	uint64_t bits, uint32_t first_length, uint64_t now)
{
	for (; bits != 0; bits &= bits - 1)
		if (is_kept_out(sources, service, peer,
			    first_length + (uint32_t)__builtin_ctzll(bits), 0, now))
			return true;
	return false;
}

static bool
holds(struct shared_sources *sources, uint64_t service, const struct netaddr *peer, uint32_t user,
	uint64_t now)
{
	static const uint64_t lengths6[] = { UINT64_MAX, UINT64_MAX, 1 }; /* 0 to 128 */
	size_t word = first_word(service);

	if (peer->family == AF_UNIX)
		return look_at_mark(sources, word, UINT64_C(1) << USERS_BIT) != 0 &&
			user != BAN_NO_USER && is_kept_out(sources, service, peer, 0, user, now);
	if (peer->family == AF_INET)
		return holds_at(sources, service, peer,
			look_at_mark(sources, word, (UINT64_C(1) << 33) - 1), 0, now);
	for (uint32_t i = 0; i < ARRAY_SIZE(lengths6); i++)
		if (holds_at(sources, service, peer,
			    look_at_mark(sources, word + 1 + i, lengths6[i]), i * WORD_BITS, now))
			return true;
	return false;
}

bool
ban_holds(struct shared_sources *sources, uint64_t service, const struct netaddr *peer,
	uint32_t user, uint64_t now)
{
	return holds(sources, BAN_OF_ALL, peer, user, now) ||
		holds(sources, service, peer, user, now);
}

bool
ban_are_any(const struct shared_sources *sources)
{
	for (size_t i = 0; i < SHARED_SOURCES_MARKS; i++)
		if (look_at_mark(sources, i, UINT64_MAX) != 0)
			return true;
	return false;
}

void
ban_marks_add(struct ban_marks *marks, uint64_t key, uint64_t service,
	const struct ban_source *source)
{
	uint64_t bit;
	size_t place = place_mark(service, source, &bit);

	marks->lengths[place] |= bit;
	place = place_filter(key, &bit);
	marks->filter[place] |= bit;
}

void
ban_marks_set(struct shared_sources *sources, const struct ban_marks *marks)
{
	for (size_t i = 0; i < SHARED_SOURCES_FILTER; i++)
		atomic_store_explicit(&shared_sources_filter(sources)[i], marks->filter[i],
			memory_order_relaxed);
	for (size_t i = 0; i < SHARED_SOURCES_MARKS; i++)
		atomic_store(&shared_sources_marks(sources)[i], marks->lengths[i]);
}
