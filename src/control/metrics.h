/* SPDX-License-Identifier: ISC */
/* The daemon's counters for machines, on stdout: as text, or with --json a family on each line. */
#ifndef REEVE_CONTROL_METRICS_H
#define REEVE_CONTROL_METRICS_H

#include "control/verbs.h"
#include "model/openmetrics.h"

/* 0 or -errno: -ENOENT without a daemon, -EPROTO if it is of another version, what writing said. */
int metrics_print(const struct control *control, enum openmetrics_form form);

#endif
