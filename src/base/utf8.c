/* SPDX-License-Identifier: ISC */
/* UTF-8: decoding by the table of well-formed sequences, and the code points that hide. */
#include "base/utf8.h"

/* Unicode's table 3-7: what the first byte promises, and the range of the second, which is
 * where overlong forms, surrogates and values beyond the end are told apart. */
static const struct lead {
	unsigned char first;
	unsigned char last;
	unsigned char length;
	unsigned char second_first;
	unsigned char second_last;
} leads[] = {
	{ 0xC2, 0xDF, 2, 0x80, 0xBF },
	{ 0xE0, 0xE0, 3, 0xA0, 0xBF },
	{ 0xE1, 0xEC, 3, 0x80, 0xBF },
	{ 0xED, 0xED, 3, 0x80, 0x9F },
	{ 0xEE, 0xEF, 3, 0x80, 0xBF },
	{ 0xF0, 0xF0, 4, 0x90, 0xBF },
	{ 0xF1, 0xF3, 4, 0x80, 0xBF },
	{ 0xF4, 0xF4, 4, 0x80, 0x8F },
};

/* In rising order. */
static const struct range {
	uint32_t first;
	uint32_t last;
} hidden[] = {
	{ 0x0000, 0x001F },      /* C0 */
	{ 0x007F, 0x009F },      /* DEL, C1 */
	{ 0x00AD, 0x00AD },      /* soft hyphen */
	{ 0x034F, 0x034F },      /* combining grapheme joiner */
	{ 0x061C, 0x061C },      /* Arabic letter mark: bidirectional */
	{ 0x115F, 0x1160 },      /* Hangul fillers: blank letters */
	{ 0x17B4, 0x17B5 },      /* Khmer inherent vowels */
	{ 0x180B, 0x180F },      /* Mongolian selectors and vowel separator */
	{ 0x200B, 0x200F },      /* zero-width, left-to-right and right-to-left marks */
	{ 0x2028, 0x202E },      /* line and paragraph separators, embeddings, overrides */
	{ 0x2060, 0x206F },      /* word joiner, invisible operators, isolates */
	{ 0x3164, 0x3164 },      /* Hangul filler */
	{ 0xD800, 0xF8FF },      /* surrogates, private use */
	{ 0xFDD0, 0xFDEF },      /* non-characters */
	{ 0xFE00, 0xFE0F },      /* variation selectors */
	{ 0xFEFF, 0xFEFF },      /* byte order mark */
	{ 0xFFA0, 0xFFA0 },      /* halfwidth Hangul filler */
	{ 0xFFF0, 0xFFFB },      /* interlinear annotations */
	{ 0xFFFE, 0xFFFF },      /* non-characters */
	{ 0x13430, 0x1343F },    /* Egyptian format controls */
	{ 0x1BCA0, 0x1BCA3 },    /* shorthand format controls */
	{ 0x1D173, 0x1D17A },    /* musical format controls */
	{ 0xE0000, 0xE0FFF },    /* tags, more variation selectors */
	{ 0xF0000, UINT32_MAX }, /* private use, and what is no code point */
};

static const struct lead *
find_lead(unsigned char byte)
{
	for (size_t i = 0; i < ARRAY_SIZE(leads); i++) {
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	}
	return NULL;
}

size_t
utf8_next(const char *bytes, size_t length, uint32_t *ret_point)
{
	const unsigned char *at = (const unsigned char *)bytes;
	const struct lead *lead;
	uint32_t point;

	if (length == 0)
		return 0;
	if (at[0] < 0x80) {
		if (ret_point != NULL)
			*ret_point = at[0];
		return 1;
	}
	lead = find_lead(at[0]);
	if (lead == NULL || length < lead->length)
		return 0;
	if (at[1] < lead->second_first || at[1] > lead->second_last)
		return 0;
	point = at[0] & (0x7Fu >> lead->length);
	for (size_t i = 1; i < lead->length; i++) {
		if ((at[i] & 0xC0) != 0x80)
			return 0;
		point = point << 6 | (at[i] & 0x3Fu);
	}
	if (ret_point != NULL)
		*ret_point = point;
	return lead->length;
}

size_t
utf8_check(const char *bytes, size_t length)
{
	size_t offset = 0;
	size_t step;

	while ((step = utf8_next(bytes + offset, length - offset, NULL)) > 0)
		offset += step;
	return offset;
}

bool
utf8_is_printable(uint32_t point)
{
	if (point >= 0x20 && point < 0x7F)
		return true;
	/* The last two of every plane are non-characters. */
	if ((point & 0xFFFE) == 0xFFFE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (point <= hidden[i].last)
			return point < hidden[i].first;
	}
	return false;
}
