/* SPDX-License-Identifier: ISC */
/* A hash table whose links lie in the things it holds: adding cannot fail. It grows with what
 * it holds; when there is no memory to grow, the chains get longer and all stays right. */
#ifndef REEVE_CHAT_TABLE_H
#define REEVE_CHAT_TABLE_H

#include "base/util.h"

struct chat_link {
	struct chat_link *next;
	uint64_t hash; /* set by the owner before chat_table_add */
};

struct chat_table {
	struct chat_link **heads;
	size_t head_count; /* a power of two */
	size_t count;
};

/* 0 or -ENOMEM. fini frees the table, not what it holds. */
int chat_table_init(struct chat_table *table);
void chat_table_fini(struct chat_table *table);

void chat_table_add(struct chat_table *table, struct chat_link *link);
void chat_table_remove(struct chat_table *table, struct chat_link *link);

/* All links of that hash, one by one; NULL after the last. */
struct chat_link *chat_table_first(const struct chat_table *table, uint64_t hash);
struct chat_link *chat_table_next(const struct chat_link *link);

#endif
