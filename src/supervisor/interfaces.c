/* SPDX-License-Identifier: ISC */
/* Interfaces that access rules name: found, watched. */
#include "supervisor/interfaces.h"

#include "supervisor/rules.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define NOTICES_AT_ONCE 64

static struct rule_interface *
find(struct rule_interface *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list;
}

int
interfaces_add(struct rule_interface **list, const char *name)
{
	struct rule_interface *interface;

	if (find(*list, name) != NULL)
		return 0;
	interface = calloc(1, sizeof(*interface));
	if (interface == NULL)
		return -ENOMEM;
	interface->name = strdup(name);
	if (interface->name == NULL) {
		free(interface);
		return -ENOMEM;
	}
	interface->index = if_nametoindex(name);
	interface->next = *list;
	*list = interface;
	return 0;
}

uint32_t
interfaces_find(const struct rule_interface *list, const char *name)
{
	while (list != NULL && strcmp(list->name, name) != 0)
		list = list->next;
	return list != NULL ? list->index : 0;
}

void
interfaces_free(struct rule_interface **list)
{
	while (*list != NULL) {
		struct rule_interface *interface = *list;

		*list = interface->next;
		free(interface->name);
		free(interface);
	}
}

/* What a notice says does not matter: the interfaces are looked at themselves, and so the loss of
 * some is no loss. */
static void
drain(int notices_fd)
{
	char bytes[8192];

	for (int i = 0; i < NOTICES_AT_ONCE; i++)
		if (recv(notices_fd, bytes, sizeof(bytes), MSG_DONTWAIT) < 0 && errno != ENOBUFS)
			break;
}

static void
interfaces_changed(struct watch *watch, uint32_t events)
{
	struct supervisor *supervisor = CONTAINER_OF(watch, struct supervisor, interface_watch);
	bool is_other = false;

	(void)events;
	drain(watch->fd);
	for (struct rule_interface *interface = supervisor->rules.interfaces; interface != NULL;
		interface = interface->next) {
		uint32_t index = if_nametoindex(interface->name);

		if (index == interface->index)
			continue;
		interface->index = index;
		is_other = true;
		LOG(access_interface, .interface = interface->name, .index = index);
	}
	if (is_other)
		rules_ask_renewal(supervisor);
}

static int
listen_for_notices(void)
{
	const struct sockaddr_nl groups = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	auto_close int low_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int notices_fd;

	if (low_fd < 0 || bind(low_fd, (const struct sockaddr *)&groups, sizeof(groups)) < 0)
		return -errno;
	notices_fd = spawn_move_high(low_fd);
	if (notices_fd >= 0)
		(void)util_take_fd(&low_fd);
	return notices_fd;
}

void
interfaces_swap(struct supervisor *supervisor)
{
	struct watch *watch = &supervisor->interface_watch;
	const struct rule_interface *interface = supervisor->rules.interfaces;

	for (; interface != NULL; interface = interface->next)
		if (interface->index == 0)
			LOG(access_interface, .interface = interface->name, .index = 0);
	if (supervisor->rules.interfaces == NULL) {
		interfaces_fini(supervisor);
		return;
	}
	if (watch->ready != NULL)
		return;
	*watch = (struct watch){
		.fd = listen_for_notices(), .events = EPOLLIN, .ready = interfaces_changed
	};
	if (watch->fd < 0 || loop_watch(supervisor->loop, watch) < 0)
		LOG(system_error, .step = "interfaces",
			.error = watch->fd < 0 ? -watch->fd : errno);
	else /* one that has changed since it was looked at is told by nobody */
		interfaces_changed(watch, 0);
}

void
interfaces_fini(struct supervisor *supervisor)
{
	struct watch *watch = &supervisor->interface_watch;

	if (watch->ready == NULL)
		return;
	if (watch->fd >= 0) {
		loop_unwatch(supervisor->loop, watch);
		(void)close(watch->fd);
	}
	watch->ready = NULL;
}
