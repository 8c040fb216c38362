/* SPDX-License-Identifier: ISC */
/* The last events of each writer, in the shared memory. */
#ifndef REEVE_SHARED_LOG_H
#define REEVE_SHARED_LOG_H

#include "base/log_ring.h"
#include "base/shared.h"

struct log_ring *shared_log(const struct shared *shared, uint32_t writer);

#endif
