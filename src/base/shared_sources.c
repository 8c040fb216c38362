/* SPDX-License-Identifier: ISC */
/* The memory of sources: making it, mapping it, finding a key's word. */
#include "base/shared_sources.h"

#include "base/shared.h"
#include "base/shared_sources_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC UINT64_C(0x3173656372756f73)
#define VERSION 3
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Somebody else took the place that we wanted: so often we look again. */
#define ATTEMPTS 4

static size_t
offset_of_sets(void)
{
	return sizeof(struct sources_header) + sizeof(struct sources_marks) +
		sizeof(struct sources_filter) + OVERFLOWS * sizeof(uint64_t);
}

static size_t
offset_of_holds(const struct sources_header *header)
{
	return offset_of_sets() + (size_t)header->set_count * sizeof(struct source_set);
}

static size_t
size_of(const struct sources_header *header)
{
	return offset_of_holds(header) +
		(size_t)header->writers * header->hold_set_count * sizeof(struct hold_set);
}

static uint32_t
power_of_two(uint32_t least)
{
	uint32_t power = 1;

	while (power < least)
		power *= 2;
	return power;
}

static bool
is_power_of_two(uint32_t number)
{
	return number != 0 && (number & (number - 1)) == 0;
}

static bool
is_shape(const struct sources_header *header)
{
	return is_power_of_two(header->set_count) && is_power_of_two(header->hold_set_count) &&
		header->set_count <= SHARED_SOURCES_MOST / SOURCES_PER_SET &&
		header->hold_set_count <= header->set_count && header->writers > 0 &&
		header->writers <= SHARED_WRITERS_MAX;
}

static int
map_memory(struct shared_sources **ret_sources, int sources_fd, const struct sources_header *header)
{
	struct shared_sources *sources = calloc(1, sizeof(*sources));
	char *memory;

	if (sources != NULL)
		sources->memo = calloc(1, sizeof(*sources->memo));
	if (sources == NULL || sources->memo == NULL) {
		free(sources);
		return -ENOMEM;
	}
	sources->size = size_of(header);
	memory = mmap(NULL, sources->size, PROT_READ | PROT_WRITE, MAP_SHARED, sources_fd, 0);
	if (memory == MAP_FAILED) {
		int error = errno;

		free(sources->memo);
		free(sources);
		return -error;
	}
	sources->memory = memory;
	sources->marks = (struct sources_marks *)(void *)(memory + sizeof(*header));
	sources->filter = (struct sources_filter *)(void *)(sources->marks + 1);
	sources->overflows = (_Atomic uint64_t *)(void *)(sources->filter + 1);
	sources->sets = (struct source_set *)(void *)(memory + offset_of_sets());
	sources->holds = (struct hold_set *)(void *)(memory + offset_of_holds(header));
	sources->set_count = header->set_count;
	sources->hold_set_count = header->hold_set_count;
	sources->writer_count = header->writers;
	sources->seed = header->seed;
	*ret_sources = sources;
	return 0;
}

struct shared_sources *
shared_sources_free(struct shared_sources *sources)
{
	if (sources == NULL)
		return NULL;
	(void)munmap(sources->memory, sources->size);
	free(sources->memo);
	free(sources);
	return NULL;
}

int
shared_sources_create(struct shared_sources **ret_sources, int *ret_fd, uint32_t keys,
	uint32_t writers, const void *seed)
{
	auto_close int sources_fd = -1;
	struct sources_header header = { .magic = MAGIC, .version = VERSION, .writers = writers };
	int error;

	if (keys < SHARED_SOURCES_LEAST || keys > SHARED_SOURCES_MOST)
		return -EINVAL;
	header.set_count = power_of_two(keys / SOURCES_PER_SET);
	header.hold_set_count = power_of_two(keys / SOURCES_A_HOLD / HOLDS_PER_SET);
	header.size = size_of(&header);
	memcpy(&header.seed, seed, sizeof(header.seed));
	if (!is_shape(&header))
		return -EINVAL;
	sources_fd = memfd_create("reeve-sources", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (sources_fd < 0)
		return -errno;
	if (ftruncate(sources_fd, (off_t)header.size) < 0)
		return -errno;
	if (fcntl(sources_fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	error = map_memory(ret_sources, sources_fd, &header);
	if (error < 0)
		return error;
	memcpy((*ret_sources)->memory, &header, sizeof(header));
	*ret_fd = util_take_fd(&sources_fd);
	return 0;
}

int
shared_sources_map(struct shared_sources **ret_sources, int sources_fd)
{
	struct sources_header header;
	struct stat status;
	int seals = fcntl(sources_fd, F_GET_SEALS);

	/* Without the seals somebody could shrink it under us, and touching it would be SIGBUS. */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	if (fstat(sources_fd, &status) < 0)
		return -errno;
	if (pread(sources_fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return -EPROTO;
	if (header.magic != MAGIC || header.version != VERSION || !is_shape(&header))
		return -EPROTO;
	if (header.size != size_of(&header) || (uint64_t)status.st_size != header.size)
		return -EPROTO;
	return map_memory(ret_sources, sources_fd, &header);
}

uint32_t
shared_sources_writers(const struct shared_sources *sources)
{
	return sources->writer_count;
}

/* --- words */

uint64_t
shared_sources_key(const struct shared_sources *sources, const void *bytes, size_t length)
{
	struct sources_memo *memo = sources->memo;
	uint64_t key;

	if (length == memo->length && memcmp(bytes, memo->bytes, length) == 0)
		return memo->key;
	key = siphash(&sources->seed, bytes, length);
	key = key != 0 ? key : 1;
	if (length > MEMO_MAX)
		return key;
	memcpy(memo->bytes, bytes, length);
	memo->length = length;
	memo->key = key;
	return key;
}

static struct source_set *
set_of(struct shared_sources *sources, uint64_t key)
{
	return &sources->sets[key & (sources->set_count - 1)];
}

static _Atomic uint64_t *
find_in(struct source_set *set, uint64_t key)
{
	for (size_t i = 0; i < SOURCES_PER_SET; i++)
		if (atomic_load_explicit(&set->keys[i], memory_order_relaxed) == key)
			return &set->words[i];
	return NULL;
}

_Atomic uint64_t *
shared_sources_find(struct shared_sources *sources, uint64_t key)
{
	return find_in(set_of(sources, key), key);
}

/* The place that has said nothing for longest; SOURCES_PER_SET if all say something. */
static size_t
find_passed(const struct source_set *set, uint64_t now)
{
	size_t best = SOURCES_PER_SET;
	uint64_t earliest = now;

	for (size_t i = 0; i < SOURCES_PER_SET; i++) {
		uint64_t moment = atomic_load_explicit(&set->words[i], memory_order_relaxed);

		if (moment <= earliest && (best == SOURCES_PER_SET || moment < earliest)) {
			best = i;
			earliest = moment;
		}
	}
	return best;
}

_Atomic uint64_t *
shared_sources_take(struct shared_sources *sources, uint64_t key, uint64_t now)
{
	struct source_set *set = set_of(sources, key);

	for (int i = 0; i < ATTEMPTS; i++) {
		_Atomic uint64_t *word = find_in(set, key);
		size_t place;
		uint64_t before;

		if (word != NULL)
			return word;
		place = find_passed(set, now);
		if (place == SOURCES_PER_SET)
			return NULL;
		before = atomic_load_explicit(&set->keys[place], memory_order_relaxed);
		/* The word needs no change: its moment has passed, for whomever it is. And if two
		 * gates take two places for one key, both use the first from then on. */
		(void)atomic_compare_exchange_strong(&set->keys[place], &before, key);
	}
	return NULL;
}

void
shared_sources_forget(struct shared_sources *sources, uint64_t key)
{
	struct source_set *set = set_of(sources, key);

	for (size_t i = 0; i < SOURCES_PER_SET; i++)
		if (atomic_load_explicit(&set->keys[i], memory_order_relaxed) == key)
			atomic_store(&set->words[i], 0);
}

_Atomic uint64_t *
shared_sources_marks(const struct shared_sources *sources)
{
	return sources->marks->words;
}

_Atomic uint64_t *
shared_sources_filter(const struct shared_sources *sources)
{
	return sources->filter->words;
}

void
shared_sources_expect(const struct shared_sources *sources, uint64_t key)
{
	const struct source_set *set = &sources->sets[key & (sources->set_count - 1)];

	__builtin_prefetch(set->keys);
	__builtin_prefetch(set->words);
}

_Atomic uint64_t *
shared_sources_overflow(struct shared_sources *sources, uint64_t key)
{
	return &sources->overflows[key % OVERFLOWS];
}
