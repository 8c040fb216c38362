/* SPDX-License-Identifier: ISC */
/* notify.h for a build without libsystemd: there is no service manager to talk to. */
#include "effects/notify.h"

int
notify_take_sockets(struct handed_socket **ret_sockets)
{
	(void)ret_sockets;
	return 0;
}

void
notify_free_sockets(struct handed_socket *sockets, size_t count)
{
	(void)sockets;
	(void)count;
}

void
notify_ready(const char *status)
{
	(void)status;
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}
