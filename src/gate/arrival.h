/* SPDX-License-Identifier: ISC */
/* By which interface a client came: for services whose rules name one. Not the one that has the
 * address that was asked, since a host takes packets for any of its addresses by any interface; the
 * kernel remembers which one it was. */
#ifndef REEVE_ARRIVAL_H
#define REEVE_ARRIVAL_H

#include "gate/state.h"

/* Ask of a connection: that of the packet that opened it. An index, or ACCESS_WAY_... */
uint32_t arrival_ask(int conn_fd, const struct netaddr *peer);

/* Have each datagram of a listener say how it came and which address it asked, or no longer. */
void arrival_expect(const struct listener *listener, bool is_wanted);

#endif
