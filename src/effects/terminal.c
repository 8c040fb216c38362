/* SPDX-License-Identifier: ISC */
/* Opened without a path, but for /dev/ptmx: whose /dev/pts a path would lead to is another matter
 * (ioctl_tty(2), TIOCGPTPEER). */
#include "effects/terminal.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>

#define COLUMNS 80
#define LINES 24

static int
set_up(int slave_fd, uid_t owner)
{
	const struct winsize size = { .ws_row = LINES, .ws_col = COLUMNS };
	struct termios modes;

	if (tcgetattr(slave_fd, &modes) < 0)
		return -errno;
	modes.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	modes.c_iflag |= IUTF8;
	if (tcsetattr(slave_fd, TCSANOW, &modes) < 0 || ioctl(slave_fd, TIOCSWINSZ, &size) < 0 ||
		(owner != (uid_t)-1 && fchown(slave_fd, owner, (gid_t)-1) < 0))
		return -errno;
	return 0;
}

int
terminal_open(uid_t owner, int *ret_master_fd, int *ret_slave_fd)
{
	auto_close int master_fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	auto_close int slave_fd = -1;
	int error;

	if (master_fd < 0 || unlockpt(master_fd) < 0)
		return -errno;
	slave_fd = ioctl(master_fd, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave_fd < 0)
		return -errno;
	error = set_up(slave_fd, owner);
	if (error < 0)
		return error;
	*ret_master_fd = util_take_fd(&master_fd);
	*ret_slave_fd = util_take_fd(&slave_fd);
	return 0;
}

int
terminal_send(int way_fd, int master_fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = "" };
	char byte = 0;
	struct iovec part = { .iov_base = &byte, .iov_len = sizeof(byte) };
	const struct msghdr message = { .msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg = &control.align;

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(master_fd));
	memcpy(CMSG_DATA(cmsg), &master_fd, sizeof(master_fd));
	return sendmsg(way_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
