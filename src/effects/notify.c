/* SPDX-License-Identifier: ISC */
/* The service manager's side of the daemon: sd_listen_fds(3) and sd_notify(3), by hand. Both are a
 * few environment variables and a datagram; libsystemd brings six libraries along, and a megabyte
 * that a small board does not have to spare. */
#include "effects/notify.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#define STATE_MAX 512
#define HANDED_START 3 /* SD_LISTEN_FDS_START */
#define HANDED_MAX 1000000

/* How many sockets are meant for us: 0 also where another process was meant. */
static int
count_handed(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	char *end;
	long value;

	if (pid == NULL || count == NULL)
		return 0;
	errno = 0;
	value = strtol(pid, &end, 10);
	if (errno != 0 || end == pid || *end != '\0')
		return -EINVAL;
	if (value != (long)getpid())
		return 0;
	value = strtol(count, &end, 10);
	if (errno != 0 || end == count || *end != '\0' || value < 0 || value > HANDED_MAX)
		return -EINVAL;
	return (int)value;
}

/* Take the next of the names, which colons part; "unknown" where no names were given. */
static char *
next_name(const char **names)
{
	const char *name = *names;
	size_t length;

	if (name == NULL)
		return strdup("unknown");
	length = strcspn(name, ":");
	*names = name[length] == ':' ? name + length + 1 : NULL;
	return strndup(name, length);
}

static size_t
count_names(const char *names)
{
	size_t count = 1;

	for (; *names != '\0'; names++)
		count += *names == ':';
	return count;
}

static int
take_handed(struct handed_socket *sockets, int count)
{
	const char *names = getenv("LISTEN_FDNAMES");

	if (names != NULL && count_names(names) != (size_t)count)
		return -EINVAL;
	for (int i = 0; i < count; i++) {
		sockets[i].listen_fd = HANDED_START + i;
		sockets[i].name = next_name(&names);
		if (sockets[i].name == NULL)
			return -ENOMEM;
		if (fcntl(sockets[i].listen_fd, F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
	}
	return 0;
}

int
notify_take_sockets(struct handed_socket **ret_sockets)
{
	int count = count_handed();
	struct handed_socket *sockets = NULL;
	int error = 0;

	if (count > 0) {
		sockets = calloc((size_t)count, sizeof(*sockets));
		error = sockets != NULL ? take_handed(sockets, count) : -ENOMEM;
	}
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	(void)unsetenv("LISTEN_FDNAMES");
	if (error == 0 && sockets != NULL) {
		*ret_sockets = sockets;
		return count;
	}
	for (int i = 0; sockets != NULL && i < count; i++)
		free(sockets[i].name);
	free(sockets);
	return error < 0 ? error : count;
}

/* sd_notify(3) would wait until the manager reads: one that does not must not hold up the ports.
 * The protocol is a datagram of lines. 0, -EAGAIN when its queue is full, -errno. */
static int
send_with(const char *state, int sent_fd)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t length = path != NULL ? strlen(path) : 0;
	auto_close int notify_fd = -1;
	struct iovec part = { .iov_base = (void *)(uintptr_t)state, .iov_len = strlen(state) };
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = { 0 } };
	struct msghdr message = { .msg_name = &to, .msg_iov = &part, .msg_iovlen = 1 };

	if (length < 2 || length >= sizeof(to.sun_path))
		return -ENOENT;
	memcpy(to.sun_path, path, length);
	if (*path == '@')
		to.sun_path[0] = '\0'; /* an abstract name */
	message.msg_namelen = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (sent_fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.align), &sent_fd, sizeof(int));
	}
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd < 0 || sendmsg(notify_fd, &message, MSG_NOSIGNAL) < 0)
		return errno == EWOULDBLOCK || errno == ENOBUFS || errno == ETOOMANYREFS ? -EAGAIN
											 : -errno;
	return 0;
}

/* What does not fit the queue is lost, which costs a status line at worst. */
static void
send_state(const char *state)
{
	(void)send_with(state, -1);
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

bool
notify_has_store(void)
{
	const char *most = getenv("FDSTORE");

	return getenv("NOTIFY_SOCKET") != NULL && most != NULL && strtol(most, NULL, 10) > 0;
}

/* Without polling: what of a socket is an error or a hang-up is none of the manager's business. */
int
notify_store(const char *name, int stored_fd)
{
	char state[STATE_MAX];

	(void)snprintf(state, sizeof(state), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	return send_with(state, stored_fd);
}

int
notify_unstore(const char *name)
{
	char state[STATE_MAX];

	(void)snprintf(state, sizeof(state), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	return send_with(state, -1);
}

/* It closes what comes with BARRIER=1 when it comes to it; and who we are it can tell only as
 * long as we are there. */
void
notify_wait(int patience_ms)
{
	int fds[2];
	struct pollfd end;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	end = (struct pollfd){ .fd = fds[0], .events = POLLHUP };
	if (send_with("BARRIER=1", fds[1]) == 0) {
		(void)close(util_take_fd(&fds[1]));
		(void)poll(&end, 1, patience_ms);
	}
	if (fds[1] >= 0)
		(void)close(fds[1]);
	(void)close(fds[0]);
}

void
notify_watchdog(void)
{
	send_state("WATCHDOG=1");
}

msec
notify_watchdog_ms(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	const char *span = getenv("WATCHDOG_USEC");
	char *end;
	long long value;

	if (span == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	errno = 0;
	value = strtoll(span, &end, 10);
	return errno != 0 || end == span || *end != '\0' || value < 0 ? 0 : value / 1000;
}

void
notify_ready_fd(int ready_fd)
{
	struct pollfd room = { .fd = ready_fd, .events = POLLOUT };

	/* Whether somebody is left to be told is no matter of ours. */
	if (poll(&room, 1, 0) == 1 && room.revents == POLLOUT)
		(void)(write(ready_fd, "\n", 1) == 1);
	(void)close(ready_fd);
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
