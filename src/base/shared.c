/* SPDX-License-Identifier: ISC */
/* The shared memory: making it, mapping it, naming its rows, counting in it. */
#include "base/shared.h"

#include "base/shared_layout.h"
#include "base/shared_view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define MAGIC UINT64_C(0x3165766565722f2f)
#define VERSION 5
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static size_t
size_of(uint32_t rows, uint32_t writers)
{
	return sizeof(struct header) + writers * sizeof(struct process) +
		(size_t)rows * sizeof(struct row) +
		(size_t)rows * writers * (sizeof(struct block) + sizeof(struct timings)) +
		writers * (sizeof(struct refused_table) + sizeof(struct log_ring));
}

static bool
is_shape(uint32_t rows, uint32_t writers)
{
	return rows > 0 && rows <= SHARED_ROWS_MAX && writers > 0 && writers <= SHARED_WRITERS_MAX;
}

/* Names what is counted, in its order: as many other counters are not the same counters. */
#define METRIC(name, kind, help) #name ","
#define HISTOGRAM(name, first_us, shift, bounds, help) #name ":" #first_us #shift #bounds ","
#define PROCESS(name, kind, whose, help) #name ","
static uint64_t
table_hash(void)
{
	static const char table[] =
#include "base/metrics.def"
		;
	uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

	for (const char *at = table; *at != '\0'; at++)
		hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	return hash;
}

/* --- making and mapping */

static int
map_memory(struct shared **ret_shared, int shared_fd, int protection, uint32_t rows,
	uint32_t writers)
{
	struct shared *shared = calloc(1, sizeof(*shared));
	size_t size = size_of(rows, writers);

	if (shared == NULL)
		return -ENOMEM;
	shared->memory = mmap(NULL, size, protection, MAP_SHARED, shared_fd, 0);
	if (shared->memory == MAP_FAILED) {
		int error = errno;

		free(shared);
		return -error;
	}
	shared->size = size;
	shared->processes =
		(struct process *)(void *)((char *)shared->memory + sizeof(struct header));
	shared->rows = (struct row *)(void *)(shared->processes + writers);
	shared->blocks = (struct block *)(void *)(shared->rows + rows);
	shared->timings = (struct timings *)(void *)(shared->blocks + (size_t)rows * writers);
	shared->refused =
		(struct refused_table *)(void *)(shared->timings + (size_t)rows * writers);
	shared->rings = (struct log_ring *)(void *)(shared->refused + writers);
	shared->row_count = rows;
	shared->writer_count = writers;
	*ret_shared = shared;
	return 0;
}

struct shared *
shared_free(struct shared *shared)
{
	if (shared == NULL)
		return NULL;
	(void)munmap(shared->memory, shared->size);
	free(shared);
	return NULL;
}

int
shared_create(struct shared **ret_shared, int *ret_fd, uint32_t rows, uint32_t writers)
{
	auto_close int shared_fd = -1;
	struct header header = {
		.magic = MAGIC,
		.version = VERSION,
		.table = table_hash(),
		.rows = rows,
		.writers = writers,
		.release = REEVE_VERSION,
	};
	int error;

	if (!is_shape(rows, writers))
		return -EINVAL;
	header.size = size_of(rows, writers);
	shared_fd = memfd_create("reeve-shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (shared_fd < 0)
		return -errno;
	if (ftruncate(shared_fd, (off_t)header.size) < 0)
		return -errno;
	/* Whoever was given a descriptor to read by must not open it again for writing. */
	if (fchmod(shared_fd, S_IRUSR | S_IWUSR) < 0)
		return -errno;
	if (fcntl(shared_fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	error = map_memory(ret_shared, shared_fd, PROT_READ | PROT_WRITE, rows, writers);
	if (error < 0)
		return error;
	memcpy((*ret_shared)->memory, &header, sizeof(header));
	*ret_fd = util_take_fd(&shared_fd);
	return 0;
}

static int
map_checked(struct shared **ret_shared, int shared_fd, int protection)
{
	struct header header;
	struct stat status;
	int seals = fcntl(shared_fd, F_GET_SEALS);

	/* Without the seals somebody could shrink it under us, and touching it would be SIGBUS. */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	if (fstat(shared_fd, &status) < 0)
		return -errno;
	if (pread(shared_fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
		return -EPROTO;
	if (header.magic != MAGIC || header.version != VERSION || header.table != table_hash())
		return -EPROTO;
	if (!is_shape(header.rows, header.writers))
		return -EPROTO;
	if (header.size != size_of(header.rows, header.writers) ||
		(uint64_t)status.st_size != header.size)
		return -EPROTO;
	return map_memory(ret_shared, shared_fd, protection, header.rows, header.writers);
}

int
shared_map(struct shared **ret_shared, int shared_fd)
{
	return map_checked(ret_shared, shared_fd, PROT_READ | PROT_WRITE);
}

/* --- for those who watch */

int
shared_open_view(int shared_fd)
{
	char path[32];
	int view_fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", shared_fd);
	view_fd = open(path, O_RDONLY | O_CLOEXEC);
	return view_fd < 0 ? -errno : view_fd;
}

int
shared_view(const struct shared **ret_view, int view_fd)
{
	struct shared *shared = NULL;
	int error = map_checked(&shared, view_fd, PROT_READ);

	if (error == 0)
		*ret_view = shared;
	return error;
}

const struct shared *
shared_view_free(const struct shared *view)
{
	/* The promise to change nothing was the memory's, which goes now. */
	return shared_free((struct shared *)(uintptr_t)view);
}

uint32_t
shared_rows(const struct shared *shared)
{
	return shared->row_count;
}

uint32_t
shared_writers(const struct shared *shared)
{
	return shared->writer_count;
}

/* --- names */

static void
forget_written(struct shared *shared, uint32_t row_index)
{
	for (uint32_t writer = 0; writer < shared->writer_count; writer++)
		if (shared_is_written(shared, row_index, writer)) {
			memset(shared_block(shared, row_index, writer), 0, sizeof(struct block));
			memset(shared_timings(shared, row_index, writer), 0,
				sizeof(struct timings));
		}
	atomic_store(&shared->rows[row_index].written, 0);
}

void
shared_name_row(struct shared *shared, uint32_t row_index, const char *name)
{
	struct row *row = &shared->rows[row_index];
	uint64_t generation = atomic_load(&row->generation);
	size_t length = strnlen(name, SHARED_NAME_MAX - 1);

	/* A row's first user finds zeroes; writing them would make its pages real. */
	if (generation == 0 && length == 0)
		return;
	atomic_store(&row->generation, generation + 1);
	atomic_thread_fence(memory_order_release);
	memset(row->name, 0, SHARED_NAME_MAX);
	memcpy(row->name, name, length);
	atomic_store(&row->number, 1);
	atomic_store(&row->places, 0);
	atomic_store(&row->waiting, 0);
	forget_written(shared, row_index);
	atomic_store(&row->generation, generation + 2);
}

void
shared_describe_row(struct shared *shared, uint32_t row_index, uint32_t number, int64_t places)
{
	atomic_store(&shared->rows[row_index].number, number);
	atomic_store(&shared->rows[row_index].places, places);
}

bool
shared_row_name(const struct shared *shared, uint32_t row_index, char ret_name[SHARED_NAME_MAX])
{
	const struct row *row = &shared->rows[row_index];
	uint64_t before = atomic_load(&row->generation);
	char name[SHARED_NAME_MAX];

	memcpy(name, row->name, sizeof(name));
	atomic_thread_fence(memory_order_acquire);
	/* Whoever watches looks again later. */
	if (before % 2 != 0 || atomic_load(&row->generation) != before || name[0] == '\0')
		return false;
	name[SHARED_NAME_MAX - 1] = '\0';
	memcpy(ret_name, name, sizeof(name));
	return true;
}

bool
shared_row_facts(const struct shared *view, uint32_t row, struct shared_facts *ret_facts)
{
	struct shared_facts facts;

	if (!shared_row_name(view, row, facts.name))
		return false;
	facts.number = atomic_load(&view->rows[row].number);
	facts.places = atomic_load(&view->rows[row].places);
	facts.is_used = atomic_load(&view->rows[row].written) != 0;
	*ret_facts = facts;
	return true;
}

/* --- counters: no order between them is promised */

void
shared_add(struct shared *shared, uint32_t row, uint32_t writer, enum metric metric,
	uint64_t amount)
{
	shared_note_written(&shared->rows[row], writer);
	(void)atomic_fetch_add_explicit(&shared_block(shared, row, writer)->metrics[metric], amount,
		memory_order_relaxed);
}

uint64_t
shared_read(const struct shared *shared, uint32_t row, enum metric metric)
{
	uint64_t sum = 0;

	for (uint32_t writer = 0; writer < shared->writer_count; writer++)
		if (shared_is_written(shared, row, writer))
			sum += atomic_load_explicit(&shared_block(shared, row, writer)
							     ->metrics[metric],
				memory_order_relaxed);
	return sum;
}
