/* SPDX-License-Identifier: ISC */
/* A hash table of links. */
#include "services/chat_table.h"

#include <errno.h>

#define HEADS_AT_START 64

static struct chat_link **
head_of(const struct chat_table *table, uint64_t hash)
{
	return &table->heads[hash & (table->head_count - 1)];
}

static struct chat_link *
skip_others(struct chat_link *link, uint64_t hash)
{
	while (link && link->hash != hash)
		link = link->next;
	return link;
}

static void
grow(struct chat_table *table)
{
	struct chat_table wider = { .head_count = table->head_count * 2 };

	wider.heads = calloc(wider.head_count, sizeof(struct chat_link *));
	if (!wider.heads)
		return;
	for (size_t i = 0; i < table->head_count; i++) {
		while (table->heads[i]) {
			struct chat_link *link = table->heads[i];
			struct chat_link **head = head_of(&wider, link->hash);

			table->heads[i] = link->next;
			link->next = *head;
			*head = link;
		}
	}
	free(table->heads);
	table->heads = wider.heads;
	table->head_count = wider.head_count;
}

int
chat_table_init(struct chat_table *table)
{
	*table = (struct chat_table){ .head_count = HEADS_AT_START };
	table->heads = calloc(table->head_count, sizeof(struct chat_link *));
	return table->heads ? 0 : -ENOMEM;
}

void
chat_table_fini(struct chat_table *table)
{
	free(table->heads);
	*table = (struct chat_table){ 0 };
}

void
chat_table_add(struct chat_table *table, struct chat_link *link)
{
	struct chat_link **head;

	if (table->count >= table->head_count)
		grow(table);
	head = head_of(table, link->hash);
	link->next = *head;
	*head = link;
	table->count++;
}

void
chat_table_remove(struct chat_table *table, struct chat_link *link)
{
	struct chat_link **place = head_of(table, link->hash);

	while (*place != link)
		place = &(*place)->next;
	*place = link->next;
	link->next = NULL;
	table->count--;
}

struct chat_link *
chat_table_first(const struct chat_table *table, uint64_t hash)
{
	return skip_others(*head_of(table, hash), hash);
}

struct chat_link *
chat_table_next(const struct chat_link *link)
{
	return skip_others(link->next, link->hash);
}
