/* SPDX-License-Identifier: ISC */
/* The programs that run: one struct handler each, found by its pid. */
#ifndef REEVE_HANDLER_TABLE_H
#define REEVE_HANDLER_TABLE_H

#include "supervisor/state.h"

/* 0 or -ENOMEM. The end closes what the handlers hold; the programs go on. */
int handlers_init(struct handler_table *table);
void handlers_fini(struct handler_table *table);

/* The table owns what is added, until it is taken. NULL: no handler has that pid. */
void handlers_add(struct handler_table *table, struct handler *handler);
struct handler *handlers_take(struct handler_table *table, pid_t pid);
struct handler *handlers_find(const struct handler_table *table, pid_t pid);

/* The next after `handler` (NULL: the first), in no order; NULL at the end. Nothing may be added
 * or taken meanwhile. */
struct handler *handlers_next(const struct handler_table *table, const struct handler *handler);

#endif
