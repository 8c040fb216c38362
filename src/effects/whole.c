/* SPDX-License-Identifier: ISC */
/* Files, read and written as a whole. */
#include "effects/whole.h"

#include <errno.h>
#include <sys/stat.h>

int
whole_read(int file_fd, size_t most, char **ret_bytes, size_t *ret_length)
{
	struct stat status;
	auto_free char *bytes = NULL;
	size_t length = 0;

	if (fstat(file_fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if ((uint64_t)status.st_size > most)
		return -EFBIG;
	bytes = malloc((size_t)status.st_size + 1);
	if (!bytes)
		return -ENOMEM;
	while (length < (size_t)status.st_size) {
		ssize_t got = pread(file_fd, bytes + length, (size_t)status.st_size - length,
			(off_t)length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	bytes[length] = '\0';
	*ret_bytes = bytes;
	*ret_length = length;
	bytes = NULL;
	return 0;
}

int
whole_write(int file_fd, const void *bytes, size_t length)
{
	const char *rest = bytes;

	while (length > 0) {
		ssize_t written = write(file_fd, rest, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return written < 0 ? -errno : -EIO;
		rest += written;
		length -= (size_t)written;
	}
	return 0;
}
