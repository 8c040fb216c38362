/* SPDX-License-Identifier: ISC */
/* Places of a service, shared by all gates. All operations are sequentially consistent: the proof
 * in the header needs one order of "noted as waiting, then looked" and "freed, then read the
 * notes". */
#include "base/shared_places.h"

#include "base/shared_layout.h"

int64_t
shared_active(const struct shared *shared, uint32_t row)
{
	uint64_t sum = 0;

	/* Whoever has taken a place has noted that first, and sees its own note. */
	if (atomic_load(&shared->rows[row].written) == 0)
		return 0;
	/* Downwards, as places are handed over: one that moves while we look is seen before or
	 * after its move, or both times, but never missed. Unsigned: a gate gone bad may have
	 * written anything, and overflow must be harmless. */
	for (uint32_t writer = shared->writer_count; writer-- > 0;)
		sum += (uint64_t)atomic_load(&shared_block(shared, row, writer)->active);
	return (int64_t)sum;
}

void
shared_set_ceiling(struct shared *shared, uint32_t row, int64_t ceiling)
{
	shared_note_written(&shared->rows[row], SHARED_SUPERVISOR);
	atomic_store(&shared_block(shared, row, SHARED_SUPERVISOR)->ceiling, ceiling + 1);
}

int64_t
shared_ceiling(const struct shared *shared, uint32_t row)
{
	if (!shared_is_written(shared, row, SHARED_SUPERVISOR))
		return SHARED_NO_CEILING;
	return atomic_load(&shared_block(shared, row, SHARED_SUPERVISOR)->ceiling) - 1;
}

/* What holds now: looked up anew each time, as the places are, so that a ceiling that is raised is
 * seen by whoever was noted as waiting before that. */
static int64_t
limit_now(const struct shared *shared, uint32_t row, int64_t limit)
{
	int64_t ceiling = shared_ceiling(shared, row);

	return ceiling >= 0 && ceiling < limit ? ceiling : limit;
}

bool
shared_is_full(const struct shared *shared, uint32_t row, int64_t limit)
{
	return shared_active(shared, row) >= limit_now(shared, row, limit);
}

static bool
has_others_waiting(struct shared *shared, uint32_t row, uint32_t writer)
{
	return (atomic_load(&shared->rows[row].waiting) & ~(UINT64_C(1) << writer)) != 0;
}

/* Two that ask for the last place at the same time may each see the other's count and both step
 * back; the one that steps back last sees a free place and must try again, for there is nobody
 * left who would wake anyone. So: try for as long as there is a place when one looks after
 * stepping back. Each further round needs another writer in the same few instructions. */
bool
shared_admit(struct shared *shared, uint32_t row, uint32_t writer, int64_t limit)
{
	struct block *own = shared_block(shared, row, writer);

	shared_note_written(&shared->rows[row], writer);
	do {
		(void)atomic_fetch_add(&own->active, 1);
		if (shared_active(shared, row) <= limit_now(shared, row, limit))
			return true;
		(void)atomic_fetch_or(&shared->rows[row].waiting, UINT64_C(1) << writer);
		(void)atomic_fetch_sub(&own->active, 1);
	} while (!shared_is_full(shared, row, limit));
	return false;
}

void
shared_keep(struct shared *shared, uint32_t row, uint32_t writer)
{
	shared_note_written(&shared->rows[row], writer);
	(void)atomic_fetch_add(&shared_block(shared, row, writer)->active, 1);
}

bool
shared_release(struct shared *shared, uint32_t row, uint32_t writer)
{
	(void)atomic_fetch_sub(&shared_block(shared, row, writer)->active, 1);
	return has_others_waiting(shared, row, writer);
}

bool
shared_hand_over(struct shared *shared, uint32_t row, uint32_t from, uint32_t to)
{
	shared_note_written(&shared->rows[row], to);
	/* In this order no place looks free in between. */
	(void)atomic_fetch_add(&shared_block(shared, row, to)->active, 1);
	(void)atomic_fetch_sub(&shared_block(shared, row, from)->active, 1);
	return has_others_waiting(shared, row, to);
}

void
shared_forget_writer(struct shared *shared, uint32_t writer)
{
	for (uint32_t row = 0; row < shared->row_count; row++) {
		/* What was never used has no pages; do not make them. */
		if (shared_is_written(shared, row, writer)) {
			struct block *block = shared_block(shared, row, writer);

			atomic_store(&block->active, 0);
			atomic_store(&block->seats, 0);
			atomic_store(&block->ticket, 0);
		}
		if (atomic_load(&shared->rows[row].waiting) != 0)
			(void)atomic_fetch_and(&shared->rows[row].waiting,
				~(UINT64_C(1) << writer));
	}
	refused_forget(&shared->refused[writer]);
}

uint64_t
shared_take_waiting(struct shared *shared, uint32_t row)
{
	/* Mostly nobody waits: a plain look leaves the cache line shared. */
	if (atomic_load(&shared->rows[row].waiting) == 0)
		return 0;
	return atomic_exchange(&shared->rows[row].waiting, 0);
}
