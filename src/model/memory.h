/* SPDX-License-Identifier: ISC */
/* What the kernel's texts say of the host's memory. */
#ifndef REEVE_MEMORY_H
#define REEVE_MEMORY_H

#include "base/util.h"

/* Of /proc/pressure/memory: the part of the last ten seconds in which somebody waited for memory,
 * in hundredths of a percent. Of /proc/meminfo: the bytes that could be had without swapping. -1:
 * the text does not say. */
int64_t memory_pressure_of(const char *text);
int64_t memory_available_of(const char *text);

#endif
