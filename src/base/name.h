/* SPDX-License-Identifier: ISC */
/* Names that people choose for themselves and their rooms: one word of letters, digits and _ - .
 * in any script, that cannot be mistaken for another by mixing scripts that look alike. One rule
 * for the chat that takes them and the configuration that names its first room. */
#ifndef REEVE_NAME_H
#define REEVE_NAME_H

#include "base/util.h"

#define NAME_USER_POINTS 24 /* longest name of a user, in code points */
#define NAME_ROOM_POINTS 32 /* and of a room */

/* NULL if `name` may be a name of up to `points` code points, else what is wrong with it: the
 * end of a sentence that begins with "A name". */
const char *name_mistake(const char *name, size_t points);

#endif
