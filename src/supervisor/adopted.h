/* SPDX-License-Identifier: ISC */
/* Programs that an earlier reeved has started and that are not our children. They are counted,
 * limited and heard as others are; of their end we learn that it was, and not how. */
#ifndef REEVE_SUPERVISOR_ADOPTED_H
#define REEVE_SUPERVISOR_ADOPTED_H

#include "supervisor/state.h"

/* Watch for the end of the handler's process, which was born then. 0, or -errno: it has ended, or
 * cannot be watched. */
int adopted_begin(struct supervisor *supervisor, struct handler *handler, uint64_t birth);

/* It has ended, or we do. */
void adopted_end(struct supervisor *supervisor, struct handler *handler);

#endif
