/* SPDX-License-Identifier: ISC */
/* Bans, as a gate sees them: who is kept out, and whom it keeps out from now on. A ban holds for
 * all gates at once (model/ban.h); the supervisor is told, so that it lasts longer than we do. */
#ifndef REEVE_GATE_BANS_H
#define REEVE_GATE_BANS_H

#include "gate/state.h"

#define BANS_NO_USER UINT32_MAX

/* Is the peer kept out of this service, or of all? `user` is who a unix peer is, or NO_USER. */
bool bans_hold(const struct service *service, const struct netaddr *peer, uint32_t user);

/* Keep it out for the service's ban_time: who touched a sensor out of all services, others out of
 * this one or of all, as ban_scope says. Who is kept out already is not told of again. */
void bans_impose(const struct service *service, const struct netaddr *peer, uint32_t user,
	enum verdict verdict);

#endif
