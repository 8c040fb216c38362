/* SPDX-License-Identifier: ISC */
/* What is remembered of sources: their names, and the words that others change at the same time. */
#include "model/client_source.h"

#include <string.h>

/* Another process changed the word between our look and our change: so often we look again. It
 * takes as many changes by others within a few instructions; only a gate gone bad makes them. */
#define ATTEMPTS 64

/* Refusals: until when they count, and in the lowest bits how many there were. */
#define COUNT_MASK UINT64_C(0xffff)

/* Who is hashed, with the secret. Without gaps, which would be hashed too. */
struct name {
	uint32_t family;
	uint32_t scope;
	uint64_t detail;
	unsigned char address[16];
};
_Static_assert(sizeof(struct name) == 32, "a name has no gaps");

static void
copy_prefix(unsigned char *to, const void *address, size_t length, unsigned bits)
{
	size_t whole = bits / 8;

	memcpy(to, address, length);
	if (whole >= length)
		return;
	to[whole] &= (unsigned char)(0xff00 >> bits % 8);
	memset(to + whole + 1, 0, length - whole - 1);
}

/* What is asked about him makes another key of the secret one, so that he is hashed once, however
 * much is asked. Nobody who does not know the first can tell what the second will be. */
static uint64_t
stir(uint64_t key, uint64_t number)
{
	key = (key ^ number) * UINT64_C(0x9e3779b97f4a7c15);
	return key ^ key >> 32;
}

static uint64_t
key_of(const struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate)
{
	struct name name = { .detail = source->detail };
	const struct netaddr *peer = source->peer;
	uint64_t key;

	if (peer)
		name.family = peer->family;
	if (name.family == AF_INET)
		copy_prefix(name.address, &peer->ip.v4, sizeof(peer->ip.v4), source->prefix4);
	if (name.family == AF_INET6) {
		name.scope = peer->scope;
		copy_prefix(name.address, &peer->ip.v6, sizeof(peer->ip.v6), source->prefix6);
	}
	key = shared_sources_key(sources, &name, sizeof(name));
	key = stir(stir(key, source->kind + 1), source->service);
	if (rate) /* of a bucket: another rate has another one */
		key = stir(stir(stir(key, rate->tokens), (uint64_t)rate->span), rate->burst);
	return key != 0 ? key : 1;
}

uint64_t
client_source_key(const struct shared_sources *sources, const struct client_source *source)
{
	return key_of(sources, source, NULL);
}

void
client_source_expect(const struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate)
{
	shared_sources_expect(sources, key_of(sources, source, rate));
}

/* The bucket of a source. One that was emptied at another rate (a reload changed it) says when it
 * would be full at that one: it is not asked. */
static _Atomic uint64_t *
word_of(struct shared_sources *sources, const struct client_source *source, const struct rate *rate,
	uint64_t now)
{
	_Atomic uint64_t *word = shared_sources_take(sources, key_of(sources, source, rate), now);
	struct client_source others = { .kind = source->kind, .service = source->service };

	return word ? word : shared_sources_overflow(sources, key_of(sources, &others, rate));
}

bool
client_source_take(struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate, uint64_t amount, uint64_t now)
{
	_Atomic uint64_t *word = word_of(sources, source, rate, now);
	uint64_t before = atomic_load(word);

	for (int i = 0; i < ATTEMPTS; i++) {
		uint64_t after = before;

		if (!rate_take(rate, amount, now, &after))
			return false;
		if (atomic_compare_exchange_strong(word, &before, after))
			return true;
	}
	return false;
}

bool
client_source_take_or_punish(struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate, msec penalty, uint64_t now, bool *ret_is_new)
{
	_Atomic uint64_t *word = word_of(sources, source, rate, now);
	uint64_t before = atomic_load(word);

	*ret_is_new = false;
	for (int i = 0; i < ATTEMPTS; i++) {
		uint64_t after = before;
		bool is_taken = rate_take(rate, 1, now, &after);

		/* Later than any bucket that was only emptied: it is being punished already. */
		if (!is_taken && before > rate_punish(rate, 0, now))
			return false;
		if (!is_taken)
			after = rate_punish(rate, penalty, now);
		if (atomic_compare_exchange_strong(word, &before, after)) {
			*ret_is_new = !is_taken;
			return is_taken;
		}
	}
	return false;
}

void
client_source_take_on_credit(struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate, uint64_t now)
{
	_Atomic uint64_t *word = word_of(sources, source, rate, now);
	uint64_t before = atomic_load(word);

	for (int i = 0; i < ATTEMPTS; i++)
		if (atomic_compare_exchange_strong(word, &before,
			    rate_take_on_credit(rate, 1, now, before)))
			return;
}

msec
client_source_wait(struct shared_sources *sources, const struct client_source *source,
	const struct rate *rate, uint64_t now)
{
	const _Atomic uint64_t *word = word_of(sources, source, rate, now);

	return rate_wait(rate, 1, now, atomic_load(word));
}

bool
client_source_note_refusal(struct shared_sources *sources, const struct client_source *source,
	uint32_t limit, msec span, uint64_t now)
{
	_Atomic uint64_t *word =
		shared_sources_take(sources, client_source_key(sources, source), now);
	uint64_t before;

	if (!word)
		return false;
	before = atomic_load(word);
	for (int i = 0; i < ATTEMPTS; i++) {
		bool is_first = before <= now || (before & COUNT_MASK) == 0;
		uint64_t until = is_first ? now + rate_clock(span) : before;
		uint64_t count = is_first ? 1 : (before & COUNT_MASK) + 1;
		uint64_t after = count < limit ? (until & ~COUNT_MASK) | count : 0;

		if (atomic_compare_exchange_strong(word, &before, after))
			return after == 0;
	}
	return false;
}
