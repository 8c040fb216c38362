/* SPDX-License-Identifier: ISC */
/* What services want to be written, out of their keys and for the log. */
#ifndef REEVE_LOG_WISHES_H
#define REEVE_LOG_WISHES_H

#include "base/log_policy.h"
#include "config/config.h"

/* Those of that configuration, for log_set_policies, and how many; NULL if there are none, or no
 * memory for them: then the log tells all. */
struct log_policy *log_wishes_read(const struct config *config, size_t *ret_count);

#endif
