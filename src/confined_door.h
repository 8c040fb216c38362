/* SPDX-License-Identifier: ISC */
/* The door of the programs that only reeved starts: reeve-gate and reeve-resolver. */
#ifndef REEVE_CONFINED_DOOR_H
#define REEVE_CONFINED_DOOR_H

#include "base/log.h"

/* Read the command line that reeved writes (supervisor/confined.c), and live by `life` on the
 * channel that is standard input. The exit status of `program`. */
int confined_door(int argc, char **argv, const char *program,
	int (*life)(int channel_fd, enum log_sink sink, enum log_level level));

#endif
