/* SPDX-License-Identifier: ISC */
/* Files for the standard error of programs. */
#include "supervisor/error_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Its owner is who we are: a program needs no right to a file that it gets open. An existing file
 * keeps the owner and mode that the administrator gave it. */
#define FILE_MODE 0640

/* Without O_NONBLOCK a FIFO in the file's place would hold us until it has a reader. Whoever may
 * write to the folder could have made another name of a file that is not theirs there. */
static int
open_file(const char *path)
{
	struct stat file;
	auto_close int file_fd = open(path,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
		FILE_MODE);
	int high_fd;

	if (file_fd < 0 || fstat(file_fd, &file) < 0)
		return -errno;
	if (!S_ISREG(file.st_mode))
		return -EINVAL;
	if (priv_is_root() && file.st_nlink != 1)
		return -EMLINK;
	if (fcntl(file_fd, F_SETFL, O_APPEND) < 0)
		return -errno;
	high_fd = spawn_move_high(file_fd);
	if (high_fd >= 0)
		(void)util_take_fd(&file_fd);
	return high_fd;
}

int
error_file_find(struct error_file **files, const char *path)
{
	struct error_file *file;
	int error;

	for (file = *files; file != NULL; file = file->next)
		if (strcmp(file->path, path) == 0)
			return file->file_fd;
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return -ENOMEM;
	file->path = strdup(path);
	file->file_fd = file->path != NULL ? open_file(path) : -ENOMEM;
	if (file->file_fd >= 0) {
		file->next = *files;
		*files = file;
		return file->file_fd;
	}
	error = file->file_fd;
	(void)error_files_free(file);
	return error;
}

struct error_file *
error_files_free(struct error_file *files)
{
	while (files != NULL) {
		struct error_file *next = files->next;

		if (files->file_fd >= 0)
			(void)close(files->file_fd);
		free(files->path);
		free(files);
		files = next;
	}
	return NULL;
}
