/* SPDX-License-Identifier: ISC */
/* Hosts that rules name: looked up, again and again, and the supervisor told what was found. */
#ifndef REEVE_RESOLVER_HOSTS_H
#define REEVE_RESOLVER_HOSTS_H

#include "resolver/state.h"

struct hosts *hosts_new(struct resolver *resolver);
struct hosts *hosts_free(struct hosts *hosts);

/* New settings: all hosts are forgotten, and others are named. 0 or -errno. */
int hosts_begin(struct hosts *hosts);
int hosts_add(struct hosts *hosts, const struct message *message);

#endif
