/* SPDX-License-Identifier: ISC */
/* Memory that is written once. */
#include "effects/sealed.h"

#include "effects/whole.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

int
sealed_make(const char *name, const void *bytes, size_t length, int *ret_sealed_fd)
{
	auto_close int sealed_fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int error;

	if (sealed_fd < 0)
		return -errno;
	error = whole_write(sealed_fd, bytes, length);
	if (error < 0)
		return error;
	if (fcntl(sealed_fd, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	*ret_sealed_fd = util_take_fd(&sealed_fd);
	return 0;
}

int
sealed_map(int sealed_fd, const void **ret_bytes, size_t *ret_length)
{
	int seals = fcntl(sealed_fd, F_GET_SEALS);
	struct stat status;
	void *bytes;

	/* Without the seals somebody could shrink it under us, and touching it would be SIGBUS. */
	if (seals < 0 || (seals & SEALS) != SEALS)
		return -EPROTO;
	if (fstat(sealed_fd, &status) < 0)
		return -errno;
	if (status.st_size == 0)
		return -EPROTO;
	bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, sealed_fd, 0);
	if (bytes == MAP_FAILED)
		return -errno;
	*ret_bytes = bytes;
	*ret_length = (size_t)status.st_size;
	return 0;
}

void
sealed_unmap(const void *bytes, size_t length)
{
	if (bytes)
		(void)munmap((void *)(uintptr_t)bytes, length);
}
