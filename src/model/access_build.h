/* SPDX-License-Identifier: ISC */
/* Make the image of a configuration's rules (access.h). */
#ifndef REEVE_ACCESS_BUILD_H
#define REEVE_ACCESS_BUILD_H

#include "config/config.h"
#include "model/access.h"
#include "model/prefixes.h"

/* What only the host knows. */
struct access_lookup {
	void *owner;
	/* The number of a user or group: 0 or -errno. */
	int (*find_id)(void *owner, const char *name, bool is_group, uint32_t *ret_id);
	/* The index of an interface; 0: there is none of that name. */
	uint32_t (*find_interface)(void *owner, const char *name);
	/* The addresses of a host: how many, borrowed. -1: nobody knows them. They may be kept for
	 * no_access (`is_deny`) for longer than for only_from; and of a host that has more than are
	 * kept, nobody knows all, as no_access would have to. */
	int (*find_host)(void *owner, const char *name, bool is_deny,
		const struct netaddr **ret_addresses);
	/* The prefixes of a file; NULL: they are not there. */
	const struct prefixes *(*find_list)(void *owner, const char *path);
};

/* 0 with *ret_access NULL: no service has rules. Else malloc'ed; 0 or -errno. */
int access_build(const struct config *config, uint32_t generation,
	const struct access_lookup *lookup, struct access **ret_access, size_t *ret_size);

#endif
