/* SPDX-License-Identifier: ISC */
/* Where a daemon's files lie when nobody says otherwise: as root the system's places, else the
 * user's own (XDG Base Directory Specification). One answer for daemon and tool. */
#ifndef REEVE_CONFIG_PLACES_H
#define REEVE_CONFIG_PLACES_H

#include "base/util.h"

#define PLACES_PATH_MAX 4096

struct places {
	char conf[PLACES_PATH_MAX];      /* reeve.conf */
	char run_dir[PLACES_PATH_MAX];   /* empty: there is none */
	char state_dir[PLACES_PATH_MAX]; /* the same */
};

/* Reads $XDG_CONFIG_HOME, $XDG_RUNTIME_DIR, $XDG_STATE_HOME and $HOME. Does not fail. */
void places_find(struct places *ret_places);

#endif
