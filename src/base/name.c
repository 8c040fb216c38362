/* SPDX-License-Identifier: ISC */
/* Names that people choose: what may be one. */
#include "base/name.h"

#include "base/utf8.h"

#include <string.h>

struct range {
	uint32_t first, last;
};

/* Printable code points beyond ASCII that are no letters or digits: punctuation, symbols,
 * pictures, and marks that pile up on any letter. What is not here counts as a letter, so that
 * scripts that this table has never heard of have names too. */
static const struct range not_letters[] = {
	{ 0xa0, 0xa9 }, /* Latin-1: signs */
	{ 0xab, 0xb4 }, { 0xb6, 0xb9 }, { 0xbb, 0xbf }, { 0xd7, 0xd7 }, { 0xf7, 0xf7 },
	{ 0x2c2, 0x2df },                   /* modifier signs */
	{ 0x2e5, 0x36f },                   /* tone letters, combining marks */
	{ 0x37e, 0x37e },                   /* Greek question mark */
	{ 0x387, 0x387 },                   /* Greek middle dot */
	{ 0x482, 0x489 },                   /* Cyrillic signs */
	{ 0x55a, 0x55f },                   /* Armenian */
	{ 0x589, 0x58f }, { 0x5be, 0x5be }, /* Hebrew */
	{ 0x5c0, 0x5c0 }, { 0x5c3, 0x5c3 }, { 0x5f3, 0x5f4 }, { 0x600, 0x60f },   /* Arabic */
	{ 0x61b, 0x61f }, { 0x66a, 0x66d }, { 0x6d4, 0x6d4 }, { 0x1680, 0x1680 }, /* Ogham blank */
	{ 0x1ab0, 0x1aff }, /* combining marks */
	{ 0x1dc0, 0x1dff }, /* combining marks */
	{ 0x2000, 0x2bff }, /* punctuation, currencies, arrows, mathematics, drawing */
	{ 0x2e00, 0x2e7f }, /* more punctuation */
	{ 0x3000, 0x3004 }, /* CJK punctuation */
	{ 0x3008, 0x3020 }, { 0x302a, 0x3030 }, { 0x303d, 0x303f }, { 0x30fb, 0x30fb },
	{ 0x3200, 0x33ff },                     /* CJK in circles and squares */
	{ 0xfb29, 0xfb29 }, { 0xfd3e, 0xfd3f }, /* ornate parentheses */
	{ 0xfdfc, 0xfdff }, { 0xfe00, 0xfe6f }, /* selectors, half marks, small forms */
	{ 0xff00, 0xff65 },                     /* fullwidth: look like ASCII */
	{ 0xffe0, 0xffff },                     /* fullwidth signs, specials */
	{ 0x1d000, 0x1d7ff },                   /* music, mathematical letters */
	{ 0x1f000, 0x1ffff },                   /* pictures */
};

/* Scripts whose letters look like each other's: a name keeps to one of them. */
static const struct {
	struct range range;
	unsigned script;
} lookalikes[] = {
	{ { 'A', 'Z' }, 1 },
	{ { 'a', 'z' }, 1 },
	{ { 0xaa, 0x24f }, 1 },
	{ { 0x1e00, 0x1eff }, 1 },
	{ { 0x370, 0x3ff }, 2 },
	{ { 0x400, 0x52f }, 4 },
	{ { 0x530, 0x58f }, 8 },
};

static bool
is_within(const struct range *range, uint32_t point)
{
	return point >= range->first && point <= range->last;
}

static bool
is_name_mark(uint32_t point)
{
	return point == '_' || point == '-' || point == '.';
}

static bool
is_letter(uint32_t point)
{
	if (point < 0x80)
		return (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z') ||
			(point >= 'a' && point <= 'z');
	for (size_t i = 0; i < ARRAY_SIZE(not_letters); i++)
		if (is_within(&not_letters[i], point))
			return false;
	return utf8_is_printable(point);
}

static unsigned
script_of(uint32_t point)
{
	for (size_t i = 0; i < ARRAY_SIZE(lookalikes); i++)
		if (is_within(&lookalikes[i].range, point))
			return lookalikes[i].script;
	return 0;
}

const char *
name_mistake(const char *name, size_t points)
{
	size_t left = strlen(name);
	size_t count = 0;
	unsigned scripts = 0;
	bool has_letter = false;

	if (name[0] == '-' || name[0] == '.')
		return "begins with a letter, a digit or _.";
	while (left > 0) {
		uint32_t point = 0;
		size_t step = utf8_next(name, left, &point);

		if (step == 0 || (!is_letter(point) && !is_name_mark(point)))
			return "is one word of letters, digits and _ - . only.";
		has_letter |= is_letter(point);
		scripts |= script_of(point);
		name += step;
		left -= step;
		count++;
	}
	if (!has_letter)
		return "needs a letter or a digit.";
	if (count > points)
		return points == NAME_USER_POINTS ? "has at most 24 characters."
						  : "has at most 32 characters.";
	if ((scripts & (scripts - 1)) != 0)
		return "does not mix Latin, Greek, Cyrillic and Armenian letters.";
	return NULL;
}
