/* SPDX-License-Identifier: ISC */
/* Programs that run, by their pid. */
#include "supervisor/handler_table.h"

#include <errno.h>

#define BUCKETS_MIN 1024

int
handlers_init(struct handler_table *table)
{
	table->bucket_count = BUCKETS_MIN;
	table->buckets = calloc(table->bucket_count, sizeof(struct handler *));
	return table->buckets != NULL ? 0 : -ENOMEM;
}

void
handlers_fini(struct handler_table *table)
{
	for (size_t i = 0; table->buckets != NULL && i < table->bucket_count; i++)
		while (table->buckets[i] != NULL) {
			struct handler *next = table->buckets[i]->next;

			if (table->buckets[i]->stderr_fd >= 0)
				(void)close(table->buckets[i]->stderr_fd);
			free(table->buckets[i]);
			table->buckets[i] = next;
		}
	free(table->buckets);
	table->buckets = NULL;
}

static struct handler **
bucket_of(const struct handler_table *table, pid_t pid)
{
	return &table->buckets[(size_t)pid & (table->bucket_count - 1)];
}

/* Twice the buckets when they are full on average; without memory the chains grow instead. */
static void
grow_table(struct handler_table *table)
{
	size_t old_count = table->bucket_count;
	struct handler **old = table->buckets;

	if (table->count < old_count)
		return;
	table->buckets = calloc(old_count * 2, sizeof(struct handler *));
	if (table->buckets == NULL) {
		table->buckets = old;
		return;
	}
	table->bucket_count = old_count * 2;
	for (size_t i = 0; i < old_count; i++)
		while (old[i] != NULL) {
			struct handler *handler = old[i];
			struct handler **bucket = bucket_of(table, handler->pid);

			old[i] = handler->next;
			handler->next = *bucket;
			*bucket = handler;
		}
	free(old);
}

void
handlers_add(struct handler_table *table, struct handler *handler)
{
	struct handler **bucket;

	grow_table(table);
	bucket = bucket_of(table, handler->pid);
	handler->next = *bucket;
	*bucket = handler;
	table->count++;
}

struct handler *
handlers_take(struct handler_table *table, pid_t pid)
{
	struct handler **place = bucket_of(table, pid);

	while (*place != NULL && (*place)->pid != pid)
		place = &(*place)->next;
	struct handler *found = *place;

	if (found != NULL) {
		*place = found->next;
		table->count--;
	}
	return found;
}

struct handler *
handlers_find(const struct handler_table *table, pid_t pid)
{
	struct handler *handler = *bucket_of(table, pid);

	while (handler != NULL && handler->pid != pid)
		handler = handler->next;
	return handler;
}

static struct handler *
first_from(const struct handler_table *table, size_t bucket)
{
	while (bucket < table->bucket_count && table->buckets[bucket] == NULL)
		bucket++;
	return bucket < table->bucket_count ? table->buckets[bucket] : NULL;
}

struct handler *
handlers_next(const struct handler_table *table, const struct handler *handler)
{
	if (handler == NULL)
		return first_from(table, 0);
	if (handler->next != NULL)
		return handler->next;
	return first_from(table, ((size_t)handler->pid & (table->bucket_count - 1)) + 1);
}
