/* SPDX-License-Identifier: ISC */
/* Keys of a program that the rest of its service leaves nothing to do for: `per` without a
 * datagram socket, `first_byte` where the program takes its clients itself. On a service's line
 * or in its block such a key is a mistake; one of `defaults` is not for that service. */
#ifndef REEVE_CLASHES_H
#define REEVE_CLASHES_H

#include "config/config.h"

struct clash {
	size_t place; /* of the key among those of services */
	bool (*is_there)(const struct service_config *service, const struct service_keys *keys);
	const char *text; /* what is wrong, what is wanted */
};

/* All, such that what a key depends on comes before it. They hold for services that have a
 * program and sockets. */
const struct clash *clashes_all(size_t *ret_count);

#endif
