/* SPDX-License-Identifier: ISC */
/* Names: which are the same, and which are nobody's to take. */
#include "services/chat_name.h"

#include "base/utf8.h"

#include <string.h>

#define CASE_ALTERNATES 0 /* upper and lower take turns, beginning with an upper one */

/* Upper case letters and how far away their lower ones are. */
static const struct {
	uint32_t first, last;
	uint32_t distance;
} folds[] = {
	{ 'A', 'Z', 32 },
	{ 0xc0, 0xd6, 32 },
	{ 0xd8, 0xde, 32 }, /* Latin-1 */
	{ 0x100, 0x12f, CASE_ALTERNATES },
	{ 0x132, 0x137, CASE_ALTERNATES },
	{ 0x139, 0x148, CASE_ALTERNATES },
	{ 0x14a, 0x177, CASE_ALTERNATES },
	{ 0x179, 0x17e, CASE_ALTERNATES },
	{ 0x1cd, 0x1dc, CASE_ALTERNATES },
	{ 0x1de, 0x1ef, CASE_ALTERNATES },
	{ 0x1f8, 0x21f, CASE_ALTERNATES },
	{ 0x222, 0x233, CASE_ALTERNATES },
	{ 0x386, 0x386, 38 },
	{ 0x388, 0x38a, 37 },
	{ 0x38c, 0x38c, 64 },
	{ 0x38e, 0x38f, 63 },
	{ 0x391, 0x3a1, 32 },
	{ 0x3a3, 0x3ab, 32 }, /* Greek */
	{ 0x3c2, 0x3c2, 1 },  /* final sigma */
	{ 0x3d8, 0x3ef, CASE_ALTERNATES },
	{ 0x400, 0x40f, 80 },
	{ 0x410, 0x42f, 32 }, /* Cyrillic */
	{ 0x460, 0x481, CASE_ALTERNATES },
	{ 0x48a, 0x4bf, CASE_ALTERNATES },
	{ 0x4c1, 0x4ce, CASE_ALTERNATES },
	{ 0x4d0, 0x52f, CASE_ALTERNATES },
	{ 0x531, 0x556, 48 }, /* Armenian */
	{ 0x1e00, 0x1e95, CASE_ALTERNATES },
	{ 0x1ea0, 0x1eff, CASE_ALTERNATES },
};

static uint32_t
fold_point(uint32_t point)
{
	if (point == 0x178)
		return 0xff; /* Y with diaeresis: its lower case is in Latin-1 */
	for (size_t i = 0; i < ARRAY_SIZE(folds); i++) {
		if (point < folds[i].first || point > folds[i].last)
			continue;
		if (folds[i].distance == CASE_ALTERNATES)
			return point + ((point - folds[i].first) % 2 == 0);
		return point + folds[i].distance;
	}
	return point;
}

static size_t
put_point(uint32_t point, char to[static 4])
{
	static const struct {
		uint32_t end;
		uint8_t lead;
	} forms[] = { { 0x80, 0 }, { 0x800, 0xc0 }, { 0x10000, 0xe0 }, { 0x110000, 0xf0 } };
	size_t length = 1;

	while (point >= forms[length - 1].end)
		length++;
	for (size_t i = length - 1; i > 0; i--) {
		to[i] = (char)(0x80 | (point & 0x3f));
		point >>= 6;
	}
	to[0] = (char)(forms[length - 1].lead | point);
	return length;
}

/* Write `name` without its case; at most `max` bytes, no NUL; the length. */
static size_t
fold(const char *name, char *to, size_t max)
{
	size_t left = strlen(name);
	size_t length = 0;

	while (left > 0) {
		char folded[4];
		uint32_t point = 0;
		size_t step = utf8_next(name, left, &point);
		size_t width;

		if (step == 0)
			break;
		width = put_point(fold_point(point), folded);
		if (length + width > max)
			break;
		memcpy(to + length, folded, width);
		length += width;
		name += step;
		left -= step;
	}
	return length;
}

bool
chat_name_equal(const char *a, const char *b)
{
	char folded_a[CHAT_ROOM_BYTES], folded_b[CHAT_ROOM_BYTES];
	size_t length = fold(a, folded_a, sizeof(folded_a));

	return fold(b, folded_b, sizeof(folded_b)) == length &&
		memcmp(folded_a, folded_b, length) == 0;
}

uint64_t
chat_name_hash(const struct siphash_key *key, const char *name)
{
	char folded[CHAT_ROOM_BYTES];
	size_t length = fold(name, folded, sizeof(folded));

	return siphash(key, folded, length);
}

bool
chat_name_is_reserved(const char *name)
{
	static const char *const words[] = { "admin", "administrator", "all", "chat", "everybody",
		"everyone", "help", "moderator", "nobody", "operator", "reeve", "root", "server",
		"sysop", "system", "you" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (chat_name_equal(words[i], name))
			return true;
	return false;
}
