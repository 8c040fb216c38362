/* SPDX-License-Identifier: ISC */
/* The memory that supervisor, gates and reevectl share: one row a service, in it one block for
 * each writer with what this writer counted and how many connections it holds. A process writes
 * its own blocks only, so that gates on several processors do not wait for each other's cache
 * lines; a reader adds the blocks up. Except: the supervisor takes places over, one by one when
 * it starts a handler, all at once when a gate has died. Everything is atomic; nobody locks.
 *
 * Every gate can write all of it. A gate that was taken over can spoil counts and limits; nothing
 * else must depend on them. The shape (rows, writers) is read once and then from own memory.
 *
 * 128 bytes a row, and a row and writer 8 for each metric and each bucket of a histogram; pages
 * that nobody has used cost nothing, so a daemon may make many more rows than it has services. A
 * page that is only read becomes real, too: so each row notes who has written for it, and nobody
 * else's blocks are looked at. */
#ifndef REEVE_SHARED_H
#define REEVE_SHARED_H

#include "base/util.h"

#define SHARED_SUPERVISOR 0 /* writer numbers: the supervisor, then gate 0 is writer 1 ... */
#define SHARED_WRITERS_MAX 64
#define SHARED_GATES_MAX (SHARED_WRITERS_MAX - 1)
#define SHARED_NAME_MAX 64 /* with its NUL: as long as the table lets a name be; else it is cut */
#define SHARED_ROWS_MAX (1u << 20)

enum metric {
#define METRIC(name, kind, help) METRIC_##name,
#include "base/metrics.def"
	METRIC_COUNT
};

struct shared; /* a mapping of the whole */

/* Make the memory for `rows` services and `writers` processes (sealed against resizing), or map
 * one that was handed over. `ret_fd` is the caller's. Create fails with -EINVAL for a shape out
 * of range, map with -EPROTO if the memory is of another version, size or not sealed. -errno. */
int shared_create(struct shared **ret_shared, int *ret_fd, uint32_t rows, uint32_t writers);
int shared_map(struct shared **ret_shared, int shared_fd);
struct shared *shared_free(struct shared *shared);

uint32_t shared_rows(const struct shared *shared);
uint32_t shared_writers(const struct shared *shared);

/* Name a row for those who watch, and start it from zero. An empty name frees the row. Nobody
 * may be counting in the row at that time. */
void shared_name_row(struct shared *shared, uint32_t row, const char *name);

/* What else those who watch want to know: which of the services with that name it is, counted from
 * 1 (0: it has left the configuration, and only its last connections are still there), and how
 * many connections it may hold. 1 and 0 in a row that was just named. */
void shared_describe_row(struct shared *shared, uint32_t row, uint32_t number, int64_t places);

/* The row's name; false if the row is free. */
bool shared_row_name(const struct shared *shared, uint32_t row, char ret_name[SHARED_NAME_MAX]);

/* Add to a counter of this writer; read one's sum. */
void shared_add(struct shared *shared, uint32_t row, uint32_t writer, enum metric metric,
	uint64_t amount);
uint64_t shared_read(const struct shared *shared, uint32_t row, enum metric metric);

#endif
