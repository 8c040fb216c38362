/* SPDX-License-Identifier: ISC */
/* Seats and tickets. As with places, everything is sequentially consistent: who is noted as waiting
 * looks once more afterwards, and who changes something looks at the notes afterwards. */
#include "base/shared_queue.h"

#include "base/shared_layout.h"

int64_t
shared_queue_length(const struct shared *shared, uint32_t row)
{
	uint64_t sum = 0;

	for (uint32_t writer = 0; writer < shared->writer_count; writer++)
		if (shared_is_written(shared, row, writer))
			sum += (uint64_t)atomic_load(&shared_block(shared, row, writer)->seats);
	return (int64_t)sum;
}

static void
note_waiting(struct shared *shared, uint32_t row, uint32_t writer)
{
	(void)atomic_fetch_or(&shared->rows[row].waiting, UINT64_C(1) << writer);
}

bool
shared_queue_has_others(const struct shared *shared, uint32_t row, uint32_t writer)
{
	return (atomic_load(&shared->rows[row].waiting) & ~(UINT64_C(1) << writer)) != 0;
}

/* Counted first and looked at afterwards, so there are never more than `limit`. */
bool
shared_queue_sit(struct shared *shared, uint32_t row, uint32_t writer, int64_t limit)
{
	struct block *own = shared_block(shared, row, writer);

	shared_note_written(&shared->rows[row], writer);
	do {
		(void)atomic_fetch_add(&own->seats, 1);
		if (shared_queue_length(shared, row) <= limit)
			return true;
		note_waiting(shared, row, writer);
		(void)atomic_fetch_sub(&own->seats, 1);
	} while (shared_queue_length(shared, row) < limit);
	return false;
}

bool
shared_queue_rise(struct shared *shared, uint32_t row, uint32_t writer)
{
	(void)atomic_fetch_sub(&shared_block(shared, row, writer)->seats, 1);
	return shared_queue_has_others(shared, row, writer);
}

uint64_t
shared_queue_draw(struct shared *shared, uint32_t row)
{
	return atomic_fetch_add(&shared->rows[row].tickets, 1) + 1;
}

void
shared_queue_show(struct shared *shared, uint32_t row, uint32_t writer, uint64_t ticket)
{
	atomic_store(&shared_block(shared, row, writer)->ticket, ticket);
}

/* Seats are held, too, for clients that are not there after all, and tickets were drawn by those
 * who have left: he is not behind more than either says. */
int64_t
shared_queue_position(const struct shared *shared, uint32_t row)
{
	uint64_t last = atomic_load(&shared->rows[row].tickets);
	uint64_t oldest = last;
	int64_t seats = shared_queue_length(shared, row);

	for (uint32_t writer = 0; writer < shared->writer_count; writer++) {
		uint64_t shown;

		if (!shared_is_written(shared, row, writer))
			continue;
		shown = atomic_load(&shared_block(shared, row, writer)->ticket);
		if (shown != SHARED_NO_TICKET && shown < oldest)
			oldest = shown;
	}
	return last - oldest < (uint64_t)seats ? (int64_t)(last - oldest) + 1 : seats;
}

static bool
is_behind(const struct shared *shared, uint32_t row, uint32_t writer, uint64_t ticket)
{
	for (uint32_t other = 0; other < shared->writer_count; other++) {
		uint64_t shown;

		if (other == writer || !shared_is_written(shared, row, other))
			continue;
		shown = atomic_load(&shared_block(shared, row, other)->ticket);
		if (shown != SHARED_NO_TICKET && (ticket == SHARED_NO_TICKET || shown < ticket))
			return true;
	}
	return false;
}

bool
shared_queue_is_behind(struct shared *shared, uint32_t row, uint32_t writer, uint64_t ticket)
{
	if (!is_behind(shared, row, writer, ticket))
		return false;
	note_waiting(shared, row, writer);
	return is_behind(shared, row, writer, ticket);
}
