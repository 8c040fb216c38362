/* SPDX-License-Identifier: ISC */
/* Where a service's settings were written, for who has something to say about them. `place` is one
 * of enum KEY_PLACE_... of keys.h. Not for what config_load_bare has read. */
#ifndef REEVE_KEY_PLACE_H
#define REEVE_KEY_PLACE_H

#include "config/config.h"

/* Where a key was set; NULL if it is a default. */
const struct key_where *key_place_find(const struct service_config *service, size_t place);
bool key_place_is_set(const struct service_config *service, size_t place);

/* The key with the lowest place from that one on that is no default; NULL: there are no more. */
const struct key_where *key_place_next(const struct service_config *service, size_t place);

/* Where a key was set; the service's name if it is a default. */
const struct where *key_place_where(const struct service_config *service, size_t place);

/* Where that element of a list was set. */
const struct where *key_place_element(const struct service_config *service, size_t place,
	uint32_t index);

#endif
