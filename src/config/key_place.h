/* SPDX-License-Identifier: ISC */
/* Where a service's settings were written, for who has something to say about them. `place` is one
 * of enum KEY_PLACE_... of keys.h. */
#ifndef REEVE_KEY_PLACE_H
#define REEVE_KEY_PLACE_H

#include "config/config.h"

/* Where a key was set; the service's name if it is a default. */
const struct where *check_key_where(const struct service_config *service, size_t place);
bool check_key_is_set(const struct service_config *service, size_t place);

/* Where that element of a list was set. */
const struct where *check_element_where(const struct service_config *service, size_t place,
	uint32_t index);

#endif
