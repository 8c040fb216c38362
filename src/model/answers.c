/* SPDX-License-Identifier: ISC */
/* Answers that are remembered for a while. */
#include "model/answers.h"

#include <string.h>

#define WAYS 4 /* places that an answer may have */

struct answers {
	struct siphash_key secret;
	size_t sets; /* a power of two */
	struct answer places[];
};

struct answer_key
answer_key_of(const struct netaddr *address, uint32_t asks, uint32_t row)
{
	struct answer_key key = { .scope = address->scope, .asks = asks, .row = row };

	if (address->family == AF_INET) {
		key.address[10] = key.address[11] = 0xff;
		memcpy(key.address + 12, &address->ip.v4, 4);
	} else {
		memcpy(key.address, &address->ip.v6, sizeof(key.address));
	}
	return key;
}

bool
answer_key_equal(const struct answer_key *a, const struct answer_key *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

struct answers *
answers_new(size_t count, const struct siphash_key *secret)
{
	struct answers *answers;
	size_t sets = 1;

	while (sets * WAYS < count)
		sets *= 2;
	answers = calloc(1, sizeof(*answers) + sets * WAYS * sizeof(answers->places[0]));
	if (!answers)
		return NULL;
	answers->secret = *secret;
	answers->sets = sets;
	return answers;
}

struct answers *
answers_free(struct answers *answers)
{
	free(answers);
	return NULL;
}

static size_t
first_place(const struct answers *answers, const struct answer_key *key)
{
	return (siphash(&answers->secret, key, sizeof(*key)) & (answers->sets - 1)) * WAYS;
}

const struct answer *
answers_find(const struct answers *answers, const struct answer_key *key, msec now)
{
	const struct answer *place = &answers->places[first_place(answers, key)];

	for (size_t i = 0; i < WAYS; i++)
		if (place[i].expires > now && answer_key_equal(&place[i].key, key))
			return &place[i];
	return NULL;
}

void
answers_add(struct answers *answers, const struct answer *answer, msec now)
{
	struct answer *place = &answers->places[first_place(answers, &answer->key)];
	struct answer *chosen = place;

	for (size_t i = 0; i < WAYS; i++) {
		if (answer_key_equal(&place[i].key, &answer->key)) {
			chosen = &place[i];
			break;
		}
		if (place[i].expires < chosen->expires)
			chosen = &place[i];
	}
	if (answer->expires > now)
		*chosen = *answer;
}
