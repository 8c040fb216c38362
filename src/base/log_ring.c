/* SPDX-License-Identifier: ISC */
/* Events in a ring: a slot is taken out of sight, written, and shown with its new number. */
#include "base/log_ring.h"

#include <string.h>
#include <time.h>

static int64_t
clock_us(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void
log_ring_add(void *memory, enum log_level level, const char *text, size_t length)
{
	struct log_ring *ring = memory;
	uint64_t number = atomic_load_explicit(&ring->last, memory_order_relaxed) + 1;
	struct log_slot *slot = &ring->slots[number % LOG_RING_SLOTS];
	size_t kept = length < LOG_RING_TEXT ? length : LOG_RING_TEXT;

	atomic_store(&slot->number, 0);
	atomic_thread_fence(memory_order_release);
	slot->time_us = clock_us();
	slot->level = (uint32_t)level;
	slot->length = (uint32_t)kept;
	memcpy(slot->text, text, kept); /* what stands there now, another may have written */
	atomic_store(&slot->number, number);
	atomic_store(&ring->last, number);
}

uint64_t
log_ring_position(const struct log_ring *ring, uint64_t count)
{
	uint64_t last = atomic_load(&ring->last);

	if (count > LOG_RING_SLOTS)
		count = LOG_RING_SLOTS;
	return last > count ? last - count : 0;
}

static bool
copy_slot(const struct log_slot *slot, uint64_t number, struct log_record *ret_record)
{
	if (atomic_load(&slot->number) != number)
		return false;
	ret_record->time_us = slot->time_us;
	ret_record->level = (enum log_level)slot->level;
	ret_record->length = atomic_load_explicit(&slot->length, memory_order_relaxed);
	if (ret_record->length > LOG_RING_TEXT)
		ret_record->length = LOG_RING_TEXT;
	memcpy(ret_record->text, slot->text, ret_record->length);
	atomic_thread_fence(memory_order_acquire);
	if (ret_record->level < LOG_LEVEL_ERR || ret_record->level > LOG_LEVEL_DEBUG)
		ret_record->level = LOG_LEVEL_ERR;
	return atomic_load(&slot->number) == number;
}

bool
log_ring_read(const struct log_ring *ring, uint64_t *position, struct log_record *ret_record,
	uint64_t *missed)
{
	uint64_t last = atomic_load(&ring->last);

	/* Another process has begun anew there. */
	if (*position > last)
		*position = last;
	if (last - *position > LOG_RING_SLOTS) {
		*missed += last - *position - LOG_RING_SLOTS;
		*position = last - LOG_RING_SLOTS;
	}
	while (*position < last) {
		uint64_t number = ++*position;

		if (copy_slot(&ring->slots[number % LOG_RING_SLOTS], number, ret_record))
			return true;
		/* It was written anew while we came, or looked. */
		++*missed;
	}
	return false;
}
