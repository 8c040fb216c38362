/* SPDX-License-Identifier: ISC */
/* SipHash-2-4 (Aumasson and Bernstein, 2012). */
#include "base/siphash.h"

#include <endian.h>
#include <string.h>

#define ROUNDS_PER_WORD 2
#define ROUNDS_AT_END 4

static uint64_t
rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static void
mix(uint64_t v[static 4], int rounds)
{
	while (rounds-- > 0) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = rotate(v[1], 13) ^ v[0];
		v[3] = rotate(v[3], 16) ^ v[2];
		v[0] = rotate(v[0], 32);
		v[2] += v[1];
		v[0] += v[3];
		v[1] = rotate(v[1], 17) ^ v[2];
		v[3] = rotate(v[3], 21) ^ v[0];
		v[2] = rotate(v[2], 32);
	}
}

/* Little-endian, whatever the machine is, so that the published test vectors hold. */
static uint64_t
read_word(const unsigned char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return le64toh(word);
}

static uint64_t
read_rest(const unsigned char *bytes, size_t length)
{
	uint64_t word = 0;

	for (size_t i = 0; i < length; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	return word;
}

static void
absorb(uint64_t v[static 4], uint64_t word)
{
	v[3] ^= word;
	mix(v, ROUNDS_PER_WORD);
	v[0] ^= word;
}

uint64_t
siphash(const struct siphash_key *key, const void *bytes, size_t length)
{
	const unsigned char *next = bytes;
	size_t left = length;
	uint64_t v[4] = {
		key->low ^ 0x736f6d6570736575,
		key->high ^ 0x646f72616e646f6d,
		key->low ^ 0x6c7967656e657261,
		key->high ^ 0x7465646279746573,
	};

	for (; left >= 8; left -= 8, next += 8)
		absorb(v, read_word(next));
	absorb(v, read_rest(next, left) | (uint64_t)length << 56);
	v[2] ^= 0xff;
	mix(v, ROUNDS_AT_END);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
