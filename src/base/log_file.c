/* SPDX-License-Identifier: ISC */
/* The file that lines of the log go to. */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILE_MODE 0640

int
log_file_open(const char *path)
{
	const int flags =
		O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC;
	auto_close int file_fd = open(path, flags | O_EXCL, FILE_MODE);
	struct stat status;

	/* Our own: what the umask took away is given back. */
	if (file_fd >= 0 && fchmod(file_fd, FILE_MODE) < 0)
		return -errno;
	if (file_fd < 0 && errno == EEXIST)
		file_fd = open(path, flags, FILE_MODE);
	if (file_fd < 0 || fstat(file_fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? util_take_fd(&file_fd) : -EINVAL;
}

bool
log_file_is(int file_fd, const char *path)
{
	struct stat ours;
	struct stat there;

	return fstat(file_fd, &ours) == 0 && lstat(path, &there) == 0 &&
		ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}
