/* SPDX-License-Identifier: ISC */
/* Refusals by source. Whoever writes releases with every store, whoever reads acquires with every
 * load: who has seen a word of a row's next source sees that its number has changed, too. */
#include "base/refused.h"

#include <string.h>

#define SCOPE_SHIFT 32
#define LENGTH_SHIFT 16

static uint64_t
get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static void
set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

/* The last word depends on all of the address: it is compared first, and mostly tells. */
static void
write_name(uint64_t name[static REFUSED_NAME_WORDS], const struct netaddr *source, uint32_t length)
{
	uint64_t address[2] = { 0, 0 };

	if (source->family == AF_INET)
		memcpy(address, &source->ip.v4, sizeof(source->ip.v4));
	else if (source->family == AF_INET6)
		memcpy(address, &source->ip.v6, sizeof(source->ip.v6));
	name[0] = source->family | (uint64_t)length << LENGTH_SHIFT |
		(uint64_t)source->scope << SCOPE_SHIFT;
	name[1] = address[0];
	name[2] = address[0] ^ address[1];
}

static void
read_name(const uint64_t name[static REFUSED_NAME_WORDS], struct refused_row *row)
{
	const uint64_t address[2] = { name[1], name[1] ^ name[2] };

	row->source.family = (uint16_t)name[0];
	row->source.scope = (uint32_t)(name[0] >> SCOPE_SHIFT);
	row->length = (uint16_t)(name[0] >> LENGTH_SHIFT);
	memcpy(&row->source.ip, address, sizeof(row->source.ip));
}

/* REFUSED_ROWS: it has none. */
static size_t
find_row(const struct refused_table *table, const uint64_t name[static REFUSED_NAME_WORDS])
{
	const uint64_t last = name[2];

	for (size_t i = 0; i < REFUSED_ROWS; i++)
		if (get(&table->names[2][i]) == last && get(&table->names[1][i]) == name[1] &&
			get(&table->names[0][i]) == name[0])
			return i;
	return REFUSED_ROWS;
}

/* Counts only grow, so a row that still has what was the least has it now; and once all of them
 * were forgotten, none has it. From where the last one was found: in a flood of sources all rows
 * have the least in turn. */
static size_t
find_least(struct refused_table *table)
{
	uint64_t least = get(&table->least);
	size_t found = 0;

	for (size_t i = 1; i <= REFUSED_ROWS; i++) {
		size_t row = (get(&table->hand) + i) % REFUSED_ROWS;

		if (get(&table->counts[row]) == least) {
			set(&table->hand, row);
			return row;
		}
	}
	for (size_t i = 1; i < REFUSED_ROWS; i++)
		if (get(&table->counts[i]) < get(&table->counts[found]))
			found = i;
	set(&table->least, get(&table->counts[found]));
	set(&table->hand, found);
	return found;
}

static void
give_row(struct refused_table *table, size_t index, const uint64_t name[static REFUSED_NAME_WORDS],
	uint64_t count, uint64_t error)
{
	/* One who was killed in here has left it odd. */
	uint64_t change = get(&table->changes[index]) | 1;

	set(&table->changes[index], change);
	for (size_t i = 0; i < REFUSED_NAME_WORDS; i++)
		set(&table->names[i][index], name[i]);
	set(&table->counts[index], count);
	set(&table->errors[index], error);
	set(&table->changes[index], change + 1);
}

void
refused_note(struct refused_table *table, const struct netaddr *source, uint32_t length)
{
	uint64_t name[REFUSED_NAME_WORDS];
	uint64_t count;
	size_t row;

	write_name(name, source, length);
	row = find_row(table, name);
	if (row < REFUSED_ROWS) {
		set(&table->counts[row], get(&table->counts[row]) + 1);
		return;
	}
	row = find_least(table);
	count = get(&table->counts[row]);
	give_row(table, row, name, count + 1, count);
}

static bool
is_source(const struct refused_row *row)
{
	switch (row->source.family) {
	case AF_INET:
		return row->length <= 32;
	case AF_INET6:
		return row->length <= 128;
	default:
		return row->source.family == AF_UNIX;
	}
}

bool
refused_read(const struct refused_table *table, size_t index, struct refused_row *ret_row)
{
	uint64_t change = get(&table->changes[index]);
	uint64_t name[REFUSED_NAME_WORDS];
	struct refused_row row = { .length = 0 };

	for (size_t i = 0; i < REFUSED_NAME_WORDS; i++)
		name[i] = get(&table->names[i][index]);
	row.count = get(&table->counts[index]);
	row.error = get(&table->errors[index]);
	if (change % 2 != 0 || get(&table->changes[index]) != change)
		return false;
	read_name(name, &row);
	if (row.count == 0 || row.count > REFUSED_MOST || row.error > row.count || !is_source(&row))
		return false;
	*ret_row = row;
	return true;
}

void
refused_forget(struct refused_table *table)
{
	static const uint64_t nobody[REFUSED_NAME_WORDS];

	for (size_t i = 0; i < REFUSED_ROWS; i++)
		if (get(&table->counts[i]) != 0 || get(&table->changes[i]) % 2 != 0)
			give_row(table, i, nobody, 0, 0);
}
