/* SPDX-License-Identifier: ISC */
/* What a proxy says before the client's first byte (model/proxy.h). A client of a service with
 * `proxy_from` has its place and its descriptor, but is judged and served only when its header is
 * there: as the peer that the header names. Not one byte behind the header is read. Meanwhile it
 * waits in the hall (gate/hall.h). */
#ifndef REEVE_GATE_PREFACE_H
#define REEVE_GATE_PREFACE_H

#include "gate/entrance.h"

/* Somebody has connected: wait for what it says, for `proxy_timeout` at most. False: it is none of
 * the service's proxies and was turned away, as are those that say nothing, or something else. */
bool preface_begin(struct entrant *proxy);

#endif
