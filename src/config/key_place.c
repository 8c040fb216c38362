/* SPDX-License-Identifier: ISC */
/* Where settings were written: found again by those who complain of them. */
#include "config/key_place.h"

const struct key_where *
key_place_find(const struct service_config *service, size_t place)
{
	for (uint32_t i = 0; i < service->wheres->key_count; i++)
		if (service->wheres->keys[i].place == place)
			return &service->wheres->keys[i];
	return NULL;
}

bool
key_place_is_set(const struct service_config *service, size_t place)
{
	return key_place_find(service, place) != NULL;
}

const struct where *
key_place_where(const struct service_config *service, size_t place)
{
	const struct key_where *found = key_place_find(service, place);

	return found != NULL ? &found->where : &service->wheres->name;
}

const struct where *
key_place_element(const struct service_config *service, size_t place, uint32_t index)
{
	const struct key_where *found = key_place_find(service, place);

	if (found != NULL && found->elements != NULL)
		return &found->elements[index];
	return key_place_where(service, place);
}
