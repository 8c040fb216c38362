/* SPDX-License-Identifier: ISC */
/* Sockets that were handed in. */
#include "supervisor/handed.h"

#include <errno.h>
#include <string.h>

/* Does it belong to this endpoint: by its name, else by its address? */
static bool
fits(const struct handed_socket *handed, const struct service_config *service,
	const struct endpoint *endpoint)
{
	if (handed->listen_fd < 0)
		return false;
	if (strcmp(handed->name, service->name) == 0)
		return listen_has_protocol(handed->listen_fd, endpoint->protocol);
	return listen_fits(handed->listen_fd, endpoint);
}

bool
handed_has(const void *owner, const struct service_config *service, const struct endpoint *endpoint)
{
	const struct supervisor *supervisor = owner;

	for (size_t i = 0; i < supervisor->handed_count; i++)
		if (fits(&supervisor->handed[i], service, endpoint))
			return true;
	return false;
}

int
handed_take(struct supervisor *supervisor, const struct service_config *service,
	const struct endpoint *endpoint, int *ret_listen_fd, struct netaddr *ret_bound)
{
	for (size_t i = 0; i < supervisor->handed_count; i++) {
		struct handed_socket *handed = &supervisor->handed[i];
		int error;

		if (!fits(handed, service, endpoint))
			continue;
		error = listen_take(handed->listen_fd, ret_bound, endpoint);
		if (error == 0)
			*ret_listen_fd = util_take_fd(&handed->listen_fd);
		return error;
	}
	return 0;
}

void
handed_close_unclaimed(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->handed_count; i++)
		if (supervisor->handed[i].listen_fd >= 0)
			LOG(socket_unknown, .name = supervisor->handed[i].name);
	notify_free_sockets(supervisor->handed, supervisor->handed_count);
	supervisor->handed = NULL;
	supervisor->handed_count = 0;
}
