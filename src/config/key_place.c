/* SPDX-License-Identifier: ISC */
/* Where settings were written: found again by those who complain of them. */
#include "config/key_place.h"

/* The first from that place on. */
static const struct key_where *
first_from(const struct key_wheres *wheres, size_t place)
{
	for (uint32_t i = 0; i < wheres->count; i++)
		if (wheres->list[i].place >= place)
			return &wheres->list[i];
	return NULL;
}

const struct key_where *
key_place_next(const struct service_config *service, size_t place)
{
	const struct key_where *own = first_from(&service->wheres->own, place);
	const struct key_where *common = first_from(&service->wheres->common, place);

	if (own == NULL || (common != NULL && common->place < own->place))
		return common;
	return own;
}

const struct key_where *
key_place_find(const struct service_config *service, size_t place)
{
	const struct key_where *found = key_place_next(service, place);

	return found != NULL && found->place == place ? found : NULL;
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
