/* SPDX-License-Identifier: ISC */
/* The names of a client: those of its address that have the address themselves, so that nobody can
 * give himself one of somebody else's. In the form of base/hostname.h. */
#ifndef REEVE_CLIENT_NAMES_H
#define REEVE_CLIENT_NAMES_H

#include "base/hostname.h"

#define CLIENT_NAMES_MAX 4 /* further ones are not looked at */

struct client_names {
	uint32_t count;
	char names[CLIENT_NAMES_MAX][HOSTNAME_ROOM];
};

#endif
