/* SPDX-License-Identifier: ISC */
/* Sockets that whoever started us handed in (LISTEN_FDS). */
#ifndef REEVE_SUPERVISOR_HANDED_H
#define REEVE_SUPERVISOR_HANDED_H

#include "supervisor/state.h"

/* Was a socket for this endpoint handed in? `owner` is the supervisor. */
bool handed_has(const void *owner, const struct service_config *service,
	const struct endpoint *endpoint);

/* Take it: 0, and *ret_listen_fd is the caller's, or as it was if there is none; or -errno. It
 * may be one that we had ourselves, which the service manager has kept. */
int handed_take(struct supervisor *supervisor, const struct service_config *service,
	const struct endpoint *endpoint, int *ret_listen_fd, struct netaddr *ret_bound,
	bool *ret_was_stored);

/* Take every listening or datagram socket that is open here as one that was handed in, and close
 * all other descriptors: for when nothing else is known of what was left to us. 0 or -errno. */
int handed_find_left(struct supervisor *supervisor);

/* Close those that no service wanted. */
void handed_close_unclaimed(struct supervisor *supervisor);

#endif
