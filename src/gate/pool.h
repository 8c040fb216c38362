/* SPDX-License-Identifier: ISC */
/* Objects of one size from chunks: no bookkeeping beside them, no trace of use in pages that
 * were never needed. */
#ifndef REEVE_GATE_POOL_H
#define REEVE_GATE_POOL_H

#include "gate/state.h"

/* A zeroed object; all objects of a pool have the size of the first. NULL: no memory. */
void *pool_take(struct pool *pool, size_t size);
void pool_give(struct pool *pool, void *object);

/* Free the chunks; no object may be in use. */
void pool_fini(struct pool *pool);

#endif
