/* SPDX-License-Identifier: ISC */
/* Sets of prefixes: sorted, cut into ranges, searched. */
#include "model/prefixes.h"

#include <string.h>

#define NESTED_MAX 129 /* prefixes around one address: of every length one */
#define NOT_IN_ANY 255 /* a range's length when no prefix holds there */
#define STRIDE 16      /* ranges between two samples: the starts of IPv4's fill a cache line */
#define CACHE_LINE 64
#define RANGES_MAX (64U << 20)

/* The ranges of one family. IPv4 has no lower halves, and its upper ones are 32 bits wide.
 * Offsets are in bytes from the start of the set. */
struct ranges {
	uint32_t count;
	uint32_t sample_count;
	uint64_t samples; /* the start of every STRIDE-th range: few enough for the cache */
	uint64_t highs;
	uint64_t lows;
	uint64_t holders; /* the prefix that holds there: its number, and its length in 8 bits */
};

struct prefixes {
	uint64_t size;
	struct ranges v4;
	struct ranges v6;
};

/* ---------------------------------------------------------------- order */

static unsigned
digit_of(const struct prefix *prefix, unsigned place)
{
	if (place == 0)
		return prefix->length;
	if (place <= 8)
		return (unsigned)(prefix->low >> (8 * (place - 1))) & 0xff;
	return (unsigned)(prefix->high >> (8 * (place - 9))) & 0xff;
}

static bool
is_before(const struct prefix *a, const struct prefix *b)
{
	if (a->high != b->high)
		return a->high < b->high;
	if (a->low != b->low)
		return a->low < b->low;
	return a->length < b->length;
}

static bool
is_sorted(const struct prefix *list, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (is_before(&list[i], &list[i - 1]))
			return false;
	return true;
}

/* One pass of a radix sort, which keeps the order of equals. False: all had the same digit, and
 * nothing was moved. */
static bool
sort_by_digit(const struct prefix *from, struct prefix *to, size_t count, unsigned place)
{
	size_t next[257] = { 0 };

	for (size_t i = 0; i < count; i++)
		next[digit_of(&from[i], place) + 1]++;
	for (size_t i = 0; i < 256; i++)
		if (next[i + 1] == count)
			return false;
	for (size_t i = 0; i < 256; i++)
		next[i + 1] += next[i];
	for (size_t i = 0; i < count; i++)
		to[next[digit_of(&from[i], place)]++] = from[i];
	return true;
}

/* By address, then what is wider first. A million takes this a tenth of qsort's time. */
static int
sort(struct prefix *list, size_t count)
{
	auto_free struct prefix *room = NULL;
	struct prefix *from = list;
	struct prefix *to;

	if (is_sorted(list, count))
		return 0;
	room = calloc(count, sizeof(*room));
	if (!room)
		return -1;
	to = room;
	for (unsigned place = 0; place <= 16; place++)
		if (sort_by_digit(from, to, count, place)) {
			struct prefix *sorted = to;

			to = from;
			from = sorted;
		}
	if (from != list)
		memcpy(list, from, count * sizeof(*list));
	return 0;
}

/* ---------------------------------------------------------------- ranges */

struct bound {
	uint64_t high;
	uint64_t low;
};

/* The ranges of one family while they are made. */
struct cut {
	struct bound *starts;
	uint32_t *holders;
	size_t count;
	const struct prefix *open[NESTED_MAX]; /* around where we are, the widest first */
	size_t open_count;
};

/* From here on holds what is innermost. */
static void
begin_range(struct cut *cut, struct bound start)
{
	const struct prefix *inner = cut->open_count > 0 ? cut->open[cut->open_count - 1] : NULL;
	size_t at = cut->count;

	/* What ended and what begins at the same place are one change. */
	if (at > 0 && cut->starts[at - 1].high == start.high &&
		cut->starts[at - 1].low == start.low)
		at--;
	cut->starts[at] = start;
	cut->holders[at] = inner ? inner->number << 8 | inner->length : NOT_IN_ANY;
	cut->count = at + 1;
}

/* The first address behind it; false: there is none. */
static bool
find_end(const struct prefix *prefix, struct bound *ret_end)
{
	struct bound end = { .high = prefix->high, .low = prefix->low };

	if (prefix->length == 0)
		return false;
	if (prefix->length <= 64) {
		end.high += UINT64_C(1) << (64 - prefix->length);
		*ret_end = end;
		return end.high != 0;
	}
	end.low += UINT64_C(1) << (128 - prefix->length);
	if (end.low == 0)
		end.high++;
	*ret_end = end;
	return end.low != 0 || end.high != 0;
}

static bool
is_at_or_before(const struct bound *end, const struct prefix *prefix)
{
	return end->high != prefix->high ? end->high < prefix->high : end->low <= prefix->low;
}

/* Leave those that end at or before the next one (NULL: all). */
static void
leave(struct cut *cut, const struct prefix *next)
{
	struct bound end;

	while (cut->open_count > 0) {
		bool has_end = find_end(cut->open[cut->open_count - 1], &end);

		if (next && (!has_end || !is_at_or_before(&end, next)))
			return;
		cut->open_count--;
		if (has_end)
			begin_range(cut, end);
	}
}

static void
cut_ranges(struct cut *cut, const struct prefix *list, size_t count)
{
	begin_range(cut, (struct bound){ 0, 0 });
	for (size_t i = 0; i < count; i++) {
		const struct prefix *prefix = &list[i];

		if (i > 0 && !is_before(&list[i - 1], prefix))
			continue; /* it is there already */
		leave(cut, prefix);
		cut->open[cut->open_count++] = prefix;
		begin_range(cut, (struct bound){ prefix->high, prefix->low });
	}
	leave(cut, NULL);
}

static void
cut_fini(struct cut *cut)
{
	free(cut->starts);
	free(cut->holders);
}

/* Every prefix begins a range and ends in one. */
static int
cut_init(struct cut *cut, size_t prefix_count)
{
	size_t count = 2 * prefix_count + 1;

	*cut = (struct cut){
		.starts = calloc(count, sizeof(*cut->starts)),
		.holders = calloc(count, sizeof(*cut->holders)),
	};
	if (cut->starts && cut->holders)
		return 0;
	cut_fini(cut);
	return -1;
}

/* ---------------------------------------------------------------- the set */

static uint64_t
take(uint64_t *size, size_t bytes)
{
	uint64_t offset = *size;

	*size += (bytes + PREFIXES_ALIGNMENT - 1) / PREFIXES_ALIGNMENT * PREFIXES_ALIGNMENT;
	return offset;
}

static void
lay_out(struct ranges *ranges, size_t count, bool is_v4, uint64_t *size)
{
	size_t high_size = is_v4 ? sizeof(uint32_t) : sizeof(uint64_t);

	ranges->count = (uint32_t)count;
	ranges->sample_count = (uint32_t)((count + STRIDE - 1) / STRIDE);
	ranges->samples = take(size, ranges->sample_count * high_size);
	if (count > STRIDE)
		*size = (*size + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	ranges->highs = take(size, count * high_size);
	ranges->lows = take(size, is_v4 ? 0 : count * sizeof(uint64_t));
	ranges->holders = take(size, count * sizeof(uint32_t));
}

static void *
at(struct prefixes *set, uint64_t offset)
{
	return (char *)set + offset;
}

static void
fill(struct prefixes *set, const struct ranges *ranges, const struct cut *cut, bool is_v4)
{
	for (uint32_t i = 0; i < ranges->count; i++) {
		const struct bound *start = &cut->starts[i];

		if (is_v4) {
			((uint32_t *)at(set, ranges->highs))[i] = (uint32_t)(start->high >> 32);
			if (i % STRIDE == 0)
				((uint32_t *)at(set, ranges->samples))[i / STRIDE] =
					(uint32_t)(start->high >> 32);
		} else {
			((uint64_t *)at(set, ranges->highs))[i] = start->high;
			((uint64_t *)at(set, ranges->lows))[i] = start->low;
			if (i % STRIDE == 0)
				((uint64_t *)at(set, ranges->samples))[i / STRIDE] = start->high;
		}
	}
	memcpy(at(set, ranges->holders), cut->holders, ranges->count * sizeof(*cut->holders));
}

static struct prefixes *
make_set(const struct cut *v4, const struct cut *v6)
{
	struct prefixes layout = { .size = 0 };
	uint64_t size = 0;
	struct prefixes *set;

	(void)take(&size, sizeof(layout));
	lay_out(&layout.v4, v4->count, true, &size);
	lay_out(&layout.v6, v6->count, false, &size);
	layout.size = size;
	set = calloc(1, size);
	if (!set)
		return NULL;
	*set = layout;
	fill(set, &layout.v4, v4, true);
	fill(set, &layout.v6, v6, false);
	return set;
}

/* IPv4 first, each family in its own order. */
static size_t
part_families(struct prefix *list, size_t count, struct prefix *v6)
{
	size_t v4_count = 0;
	size_t v6_count = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i].is_v4)
			list[v4_count++] = list[i];
		else
			v6[v6_count++] = list[i];
	memcpy(list + v4_count, v6, v6_count * sizeof(*v6));
	return v4_count;
}

static bool
are_numbers_small(const struct prefix *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].number > PREFIXES_NUMBER_MAX)
			return false;
	return true;
}

struct prefixes *
prefixes_new(struct prefix *list, size_t count)
{
	auto_free struct prefix *room = calloc(count + 1, sizeof(*room));
	struct prefixes *set = NULL;
	struct cut v4;
	struct cut v6;
	size_t v4_count;

	if (!room || count > RANGES_MAX / 2 || !are_numbers_small(list, count))
		return NULL;
	if (count == 0)
		list = room; /* of an empty list there may be none */
	v4_count = part_families(list, count, room);
	if (sort(list, v4_count) < 0 || sort(list + v4_count, count - v4_count) < 0 ||
		cut_init(&v4, v4_count) < 0)
		return NULL;
	if (cut_init(&v6, count - v4_count) == 0) {
		cut_ranges(&v4, list, v4_count);
		cut_ranges(&v6, list + v4_count, count - v4_count);
		set = make_set(&v4, &v6);
		cut_fini(&v6);
	}
	cut_fini(&v4);
	return set;
}

size_t
prefixes_size(const struct prefixes *set)
{
	return (size_t)set->size;
}

/* ---------------------------------------------------------------- search */

static const void *
look(const struct prefixes *set, uint64_t offset)
{
	return (const char *)set + offset;
}

/* How many of the sorted numbers from `first` on, `count` of them, are not greater. Without
 * branches that a random client would make the processor guess wrong. */
static uint32_t
count_up_to_32(const uint32_t *numbers, uint32_t first, uint32_t count, uint32_t number)
{
	uint32_t found = first;

	while (count > 0) {
		uint32_t half = (count + 1) / 2;

		found += numbers[found + half - 1] <= number ? half : 0;
		count -= half;
	}
	return found;
}

static uint32_t
find_v4(const struct prefixes *set, uint32_t address)
{
	const struct ranges *ranges = &set->v4;
	uint32_t sample =
		count_up_to_32(look(set, ranges->samples), 0, ranges->sample_count, address) - 1;
	uint32_t first = sample * STRIDE;
	uint32_t count = ranges->count - first < STRIDE ? ranges->count - first : STRIDE;

	return count_up_to_32(look(set, ranges->highs), first, count, address) - 1;
}

/* The same for two halves. Samples are upper halves, and many ranges may share one: among those
 * the lower half decides. */
static uint32_t
find_v6(const struct prefixes *set, uint64_t high, uint64_t low)
{
	const struct ranges *ranges = &set->v6;
	const uint64_t *samples = look(set, ranges->samples);
	const uint64_t *highs = look(set, ranges->highs);
	const uint64_t *lows = look(set, ranges->lows);
	uint32_t first = 0; /* it starts at ::, so at or before the address */
	uint32_t behind = ranges->sample_count;

	while (behind - first > 1) {
		uint32_t middle = first + (behind - first) / 2;

		if (samples[middle] < high ||
			(samples[middle] == high && lows[middle * STRIDE] <= low))
			first = middle;
		else
			behind = middle;
	}
	first *= STRIDE;
	behind = ranges->count - first < STRIDE ? ranges->count : first + STRIDE;
	while (behind - first > 1) {
		uint32_t middle = first + (behind - first) / 2;

		if (highs[middle] < high || (highs[middle] == high && lows[middle] <= low))
			first = middle;
		else
			behind = middle;
	}
	return first;
}

struct prefixes_match
prefixes_find(const struct prefixes *set, const struct netaddr *address)
{
	struct prefixes_match match = { .length = -1 };
	const struct ranges *ranges = &set->v4;
	uint32_t holder;
	uint32_t range;

	if (address->family == AF_INET) {
		range = find_v4(set, ntohl(address->ip.v4.s_addr));
	} else if (address->family == AF_INET6) {
		const struct prefix alone = prefix_of_address(address);

		ranges = &set->v6;
		range = find_v6(set, alone.high, alone.low);
	} else {
		return match;
	}
	holder = ((const uint32_t *)look(set, ranges->holders))[range];
	if ((holder & 0xff) != NOT_IN_ANY)
		match = (struct prefixes_match){ .number = holder >> 8, .length = holder & 0xff };
	return match;
}
