/* SPDX-License-Identifier: ISC */
/* Services and sockets as JSON. */
#include "supervisor/control_describe.h"

#include <stdio.h>
#include <string.h>

json_t *
control_string(const char *text)
{
	return varlink_text(text, strlen(text));
}

json_t *
control_handler(const struct service_config *service)
{
	char text[64];

	if (service->program != NULL)
		return control_string(service->program[0]);
	(void)snprintf(text, sizeof(text), "builtin:%s", service->builtin);
	return control_string(text);
}

json_t *
control_endpoint(const struct listener *listener)
{
	char room[NETADDR_TEXT_MAX];

	return json_pack("{s:s, s:o}", "protocol", protocol_word(listener->wanted.protocol),
		"address",
		control_string(listener->path != NULL ? listener->path
						      : netaddr_format(&listener->bound, room)));
}

static const char *
nearest_service(const struct config *config, const char *name)
{
	auto_free const char **names = calloc((size_t)config->service_count + 1, sizeof(*names));

	if (names == NULL)
		return NULL;
	for (uint32_t i = 0; i < config->service_count; i++)
		names[i] = config->services[i].name;
	return complaint_nearest(name, names);
}

struct served *
control_find_service(struct control_peer *peer, const char *name)
{
	const struct service_set *set = &peer->supervisor->services;
	const char *nearest;

	for (uint32_t i = 0; i < set->config->service_count; i++)
		if (strcmp(set->config->services[i].name, name) == 0)
			return set->served[i];
	nearest = nearest_service(set->config, name);
	control_fail(peer, CONTROL_ERROR("NoSuchService"),
		json_pack("{s:s, s:o*}", "service", name, "nearest",
			nearest != NULL ? control_string(nearest) : NULL));
	return NULL;
}
