/* SPDX-License-Identifier: ISC */
/* The last events of each writer. */
#include "base/shared_log.h"

#include "base/shared_layout.h"

struct log_ring *
shared_log(const struct shared *shared, uint32_t writer)
{
	return &shared->rings[writer];
}
