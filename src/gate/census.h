/* SPDX-License-Identifier: ISC */
/* The connections of this gate, written down for who asks, or ended. */
#ifndef REEVE_GATE_CENSUS_H
#define REEVE_GATE_CENSUS_H

#include "gate/state.h"

/* Take the supervisor's question, with memory for the rows; the answer is on its way. 0. */
int census_take(struct gate *gate, const struct message_census *asked, int memory_fd);

#endif
