/* SPDX-License-Identifier: ISC */
/* The service manager's side of the daemon, through sd-daemon(3). */
#include "effects/notify.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define STATE_MAX 512

int
notify_take_sockets(struct handed_socket **ret_sockets)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names);
	struct handed_socket *sockets;

	if (count <= 0)
		return count;
	sockets = calloc((size_t)count, sizeof(*sockets));
	if (sockets == NULL)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		sockets[i].listen_fd = SD_LISTEN_FDS_START + i;
		sockets[i].name = names[i];
	}
	free(names);
	*ret_sockets = sockets;
	return count;
}

/* sd_notify(3) would wait until the manager reads: one that does not must not hold up the ports.
 * The protocol is a datagram of lines; what does not fit its queue is lost, which costs a status
 * line at worst. */
static void
send_state(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length = path != NULL ? strlen(path) : 0;
	auto_close int notify_fd = -1;

	if (length < 2 || length >= sizeof(to.sun_path))
		return;
	memcpy(to.sun_path, path, length);
	if (*path == '@')
		to.sun_path[0] = '\0'; /* an abstract name */
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd >= 0)
		(void)sendto(notify_fd, state, strlen(state), MSG_NOSIGNAL,
			(const struct sockaddr *)&to,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
}

void
notify_ready(const char *status)
{
	char state[STATE_MAX];

	(void)snprintf(state, sizeof(state), "READY=1\nMAINPID=%ld\nSTATUS=%s", (long)getpid(),
		status);
	send_state(state);
}

/* systemd 253 wants the moment of the reload to tell an old READY from the new one. */
void
notify_reloading(void)
{
	char state[STATE_MAX];
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof(state),
		"RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=Reading the configuration",
		(long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	send_state(state);
}

void
notify_stopping(void)
{
	send_state("STOPPING=1\nSTATUS=Ending; running programs go on");
}

void
notify_free_sockets(struct handed_socket *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (sockets[i].listen_fd >= 0)
			(void)close(sockets[i].listen_fd);
		free(sockets[i].name);
	}
	free(sockets);
}
