/* SPDX-License-Identifier: ISC */
/* Sockets that were handed in. */
#include "supervisor/handed.h"

#include "supervisor/store.h"

#include <dirent.h>
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

/* What is open needs no permission to be opened. */
static bool
is_same(const struct endpoint *open, const struct endpoint *wanted)
{
	if (open->protocol != wanted->protocol)
		return false;
	if (open->path != NULL || wanted->path != NULL)
		return open->path != NULL && wanted->path != NULL &&
			strcmp(open->path, wanted->path) == 0;
	return netaddr_equal(&open->address, &wanted->address);
}

bool
handed_has(const void *owner, const struct service_config *service, const struct endpoint *endpoint)
{
	const struct supervisor *supervisor = owner;

	for (size_t i = 0; i < supervisor->handed_count; i++)
		if (fits(&supervisor->handed[i], service, endpoint))
			return true;
	for (size_t i = 0; i < supervisor->listeners.count; i++)
		if (is_same(&supervisor->listeners.slots[i].listener->wanted, endpoint))
			return true;
	return false;
}

int
handed_take(struct supervisor *supervisor, const struct service_config *service,
	const struct endpoint *endpoint, int *ret_listen_fd, struct netaddr *ret_bound,
	bool *ret_was_stored)
{
	for (size_t i = 0; i < supervisor->handed_count; i++) {
		struct handed_socket *handed = &supervisor->handed[i];
		int error;

		if (!fits(handed, service, endpoint))
			continue;
		error = listen_take(handed->listen_fd, ret_bound, endpoint);
		*ret_was_stored = strncmp(handed->name, STORE_PREFIX, strlen(STORE_PREFIX)) == 0;
		if (error == 0)
			*ret_listen_fd = util_take_fd(&handed->listen_fd);
		return error;
	}
	return 0;
}

/* A name that no service can have. */
#define LEFT_NAME "(left)"

static int
add_left(struct supervisor *supervisor, int left_fd)
{
	size_t count = supervisor->handed_count;
	struct handed_socket *wider = reallocarray(supervisor->handed, count + 1, sizeof(*wider));

	if (wider == NULL)
		return -ENOMEM;
	supervisor->handed = wider;
	wider[count] = (struct handed_socket){ .listen_fd = left_fd, .name = strdup(LEFT_NAME) };
	supervisor->handed_count++;
	return wider[count].name != NULL ? 0 : -ENOMEM;
}

int
handed_find_left(struct supervisor *supervisor)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	int error = 0;

	if (folder == NULL)
		return -errno;
	while (error == 0 && (entry = readdir(folder)) != NULL) {
		int left_fd = (int)strtol(entry->d_name, NULL, 10);

		if (left_fd <= STDERR_FILENO || left_fd == dirfd(folder))
			continue;
		if (listen_is_any(left_fd))
			error = add_left(supervisor, left_fd);
		else
			(void)close(left_fd);
	}
	(void)closedir(folder);
	return error;
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
