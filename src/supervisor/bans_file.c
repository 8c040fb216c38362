/* SPDX-License-Identifier: ISC */
/* The file that bans are kept in. It is written anew when the book has changed: by slices, so that
 * programs are started in between, no sooner than a second after the last time, and so seldom
 * that writing takes a small part of our time, however many are banned. A new file takes the
 * place of the old one by its name. The disk is waited for when the daemon ends only: waiting at
 * any other time would be waiting for whoever makes others write. */
#include "supervisor/bans.h"

#include "base/log.h"
#include "effects/whole.h"
#include "model/ban_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define FILE_NAME "bans"
#define FILE_NEW "bans.new"
#define LOCK_FILE "bans.lock"
#define HEAD "reeve-bans 1\n"
#define SLICE 256      /* bans that are written in one go */
#define PAUSE_MS 1000  /* between two files at least */
#define PAUSE_TIMES 20 /* so many times as long as the last one took */
#define TOLD_MOST 10   /* broken lines that are told each for itself */
#define RETRY_MS 60000 /* when it failed */
#define BYTES_MOST (64 << 20)

static int64_t
wall_seconds(void)
{
	struct timespec now;

	return clock_gettime(CLOCK_REALTIME, &now) == 0 ? now.tv_sec : 0;
}

/* ---------------------------------------------------------------- the folder */

/* It and those that it lies in. */
static int
make_folder(const char *folder)
{
	auto_free char *path = strdup(folder);

	if (!path)
		return -ENOMEM;
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(path, 0755);
		*slash = '/';
	}
	return mkdir(folder, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Another daemon with the same folder would write over what we write, so the first one has it. */
static int
take_lock(struct bans *bans, int folder_fd)
{
	auto_close int lock_fd = -1;

	if (bans->lock_fd >= 0)
		return 0;
	lock_fd = openat(folder_fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (lock_fd < 0 || flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	bans->lock_fd = spawn_move_high(lock_fd);
	if (bans->lock_fd < 0)
		return bans->lock_fd;
	(void)util_take_fd(&lock_fd);
	return 0;
}

static int
open_folder(struct bans *bans)
{
	auto_close int folder_fd = open(bans->folder, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	int error;

	if (folder_fd < 0)
		return -errno;
	error = take_lock(bans, folder_fd);
	return error < 0 ? error : util_take_fd(&folder_fd);
}

static void
tell_failure(struct bans *bans, int error)
{
	if (!bans->is_failing)
		LOG(bans_not_kept, .folder = bans->folder, .error = -error);
	bans->is_failing = true;
}

/* ---------------------------------------------------------------- writing */

static void
give_up(struct bans *bans, int error)
{
	struct loop *loop = bans->supervisor->loop;

	tell_failure(bans, error);
	if (bans->save_fd >= 0)
		(void)close(util_take_fd(&bans->save_fd));
	(void)loop_set_timer(loop, &bans->save, loop_now(loop) + RETRY_MS);
}

static int
begin_file(struct bans *bans)
{
	auto_close int folder_fd = -1;
	auto_close int file_fd = -1;
	int error = make_folder(bans->folder);

	if (error < 0)
		return error;
	folder_fd = open_folder(bans);
	if (folder_fd < 0)
		return folder_fd;
	/* Whatever lies there by that name is not followed, and not kept. */
	(void)unlinkat(folder_fd, FILE_NEW, 0);
	file_fd = openat(folder_fd, FILE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		0600);
	if (file_fd < 0)
		return -errno;
	error = whole_write(file_fd, HEAD, strlen(HEAD));
	if (error < 0)
		return error;
	bans->save_fd = spawn_move_high(file_fd);
	if (bans->save_fd < 0)
		return bans->save_fd;
	(void)util_take_fd(&file_fd);
	bans->saved = 0;
	bans->is_dirty = false;
	return 0;
}

/* 1: there is more. One that is moved to a place which is written already comes into the next
 * file, which is asked for by the change that moved it. */
static int
write_slice(struct bans *bans)
{
	struct textbuf lines = TEXTBUF_INIT((size_t)SLICE * BAN_LINE_MAX);
	size_t count = ban_book_count(bans->book);
	msec now = loop_now(bans->supervisor->loop);
	int64_t wall = wall_seconds();
	int error;

	for (size_t i = 0; i < SLICE && bans->saved < count; i++)
		ban_write(ban_book_at(bans->book, bans->saved++), now, wall, &lines);
	error = textbuf_error(&lines);
	if (error == 0 && lines.length > 0)
		error = whole_write(bans->save_fd, lines.text, lines.length);
	textbuf_fini(&lines);
	return error < 0 ? error : bans->saved < count;
}

/* Wait until the disk has a file, and the name that it has there: some file systems keep that by
 * themselves, and take no such call. */
static int
wait_for_disk(int file_fd)
{
	return fsync(file_fd) < 0 ? -errno : 0;
}

static int
wait_for_name(int folder_fd)
{
	return fsync(folder_fd) < 0 && errno != EINVAL ? -errno : 0;
}

static int
end_file(struct bans *bans, bool is_durable)
{
	auto_close int folder_fd = open_folder(bans);
	int error = is_durable ? wait_for_disk(bans->save_fd) : 0;

	(void)close(util_take_fd(&bans->save_fd));
	if (error == 0 && folder_fd < 0)
		error = folder_fd;
	if (error == 0 && renameat(folder_fd, FILE_NEW, folder_fd, FILE_NAME) < 0)
		error = -errno;
	if (error == 0 && is_durable)
		error = wait_for_name(folder_fd);
	if (error == 0)
		bans->is_unsynced = !is_durable;
	return error;
}

static void
set_pause(struct bans *bans, msec now)
{
	msec pause = PAUSE_TIMES * (now - bans->save_begun);

	(void)loop_set_timer(bans->supervisor->loop, &bans->save,
		now + (pause > PAUSE_MS ? pause : PAUSE_MS));
}

static void
save_goes_on(struct timer *timer, msec now)
{
	struct bans *bans = CONTAINER_OF(timer, struct bans, save);
	int error = 0;

	if (bans->save_fd < 0) {
		if (!bans->is_dirty)
			return;
		bans->save_begun = now;
		error = begin_file(bans);
	}
	if (error == 0)
		error = write_slice(bans);
	if (error == 0)
		error = end_file(bans, false);
	else if (error > 0) {
		(void)loop_set_timer(bans->supervisor->loop, timer, now + 1);
		return;
	}
	if (error < 0) {
		bans->is_dirty = true;
		give_up(bans, error);
		return;
	}
	bans->is_failing = false;
	set_pause(bans, now);
}

void
bans_file_changed(struct bans *bans)
{
	struct loop *loop = bans->supervisor->loop;

	bans->is_dirty = true;
	if (!bans->folder)
		return;
	bans->save.expired = save_goes_on;
	if (bans->save.place == 0)
		(void)loop_set_timer(loop, &bans->save, loop_now(loop));
}

static int
write_whole_file(struct bans *bans, bool is_durable)
{
	int result;

	if (bans->save_fd >= 0)
		(void)close(util_take_fd(&bans->save_fd));
	result = begin_file(bans);
	if (result < 0)
		return result;
	do {
		result = write_slice(bans);
	} while (result > 0);
	return result < 0 ? result : end_file(bans, is_durable);
}

/* What lies there holds all, but the disk may not have it yet. */
static int
sync_file(struct bans *bans)
{
	auto_close int folder_fd = open_folder(bans);
	auto_close int file_fd = -1;
	int error;

	if (folder_fd < 0)
		return folder_fd;
	file_fd = openat(folder_fd, FILE_NAME,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	error = file_fd < 0 ? -errno : wait_for_disk(file_fd);
	if (error == 0)
		error = wait_for_name(folder_fd);
	if (error == 0)
		bans->is_unsynced = false;
	return error;
}

void
bans_file_save(struct bans *bans, bool is_durable)
{
	int error = 0;

	if (!bans->folder)
		return;
	if (bans->is_dirty || bans->save_fd >= 0)
		error = write_whole_file(bans, is_durable);
	else if (is_durable && bans->is_unsynced)
		error = sync_file(bans);
	/* Somebody has taken it away. */
	if (error == -ENOENT)
		error = write_whole_file(bans, is_durable);
	if (error == 0)
		return;
	/* Whoever wanted to leave may have to stay: what was written is no file to go on with. */
	bans->is_dirty = true;
	give_up(bans, error);
}

/* ---------------------------------------------------------------- reading */

struct reading {
	struct bans *bans;
	void (*take)(struct bans *bans, struct ban *ban);
	FILE *file;
	unsigned line_number;
	int64_t restored;
	int64_t broken;
};

static void
complain_of_line(struct reading *reading, const char *wrong)
{
	char complaint[512];

	if (++reading->broken > TOLD_MOST)
		return;
	(void)snprintf(complaint, sizeof(complaint), "%s/" FILE_NAME ":%u: %s",
		reading->bans->folder, reading->line_number, wrong);
	LOG(bans_file_broken, .complaint = complaint);
}

/* 1: a line of that length without its newline; 0: the end. A line that is too long is left out. */
static int
read_line(struct reading *reading, char line[BAN_LINE_MAX], size_t *ret_length)
{
	size_t length = 0;
	int byte;

	while ((byte = getc_unlocked(reading->file)) != EOF && byte != '\n') {
		if (length < BAN_LINE_MAX - 1)
			line[length] = (char)byte;
		length++;
	}
	line[length < BAN_LINE_MAX ? length : BAN_LINE_MAX - 1] = '\0';
	*ret_length = length;
	reading->line_number++;
	return byte != EOF || length > 0;
}

static void
read_ban(struct reading *reading, char *line, size_t length)
{
	msec now = loop_now(reading->bans->supervisor->loop);
	const char *wrong = NULL;
	struct ban ban;

	if (length >= BAN_LINE_MAX || strlen(line) != length)
		wrong = "no line of this file is so long, or holds such bytes";
	else
		wrong = ban_read(&ban, line, now, wall_seconds());
	if (wrong) {
		complain_of_line(reading, wrong);
		return;
	}
	if (ban.until <= now) {
		bans_file_changed(reading->bans); /* it has ended meanwhile */
		return;
	}
	reading->take(reading->bans, &ban);
	reading->restored++;
}

static void
read_file(struct reading *reading)
{
	char line[BAN_LINE_MAX];
	size_t length;

	if (read_line(reading, line, &length) == 0 || strncmp(HEAD, line, strlen(HEAD) - 1) != 0 ||
		length != strlen(HEAD) - 1) {
		complain_of_line(reading,
			"the first line is not \"reeve-bans 1\"; the file is "
			"left out");
		return;
	}
	while (read_line(reading, line, &length) != 0)
		read_ban(reading, line, length);
	if (reading->broken > TOLD_MOST) {
		(void)snprintf(line, sizeof(line), "%lld more lines are broken",
			(long long)(reading->broken - TOLD_MOST));
		LOG(bans_file_broken, .complaint = line);
	}
	LOG(bans_restored, .folder = reading->bans->folder, .bans = reading->restored,
		.broken = reading->broken);
}

static int
open_file(struct bans *bans, FILE **ret_file)
{
	auto_close int folder_fd = open_folder(bans);
	auto_close int file_fd = -1;
	struct stat status;

	if (folder_fd < 0)
		return folder_fd;
	file_fd = openat(folder_fd, FILE_NAME,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (file_fd < 0 || fstat(file_fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (status.st_size > BYTES_MOST)
		return -EFBIG;
	*ret_file = fdopen(file_fd, "r");
	if (!*ret_file)
		return -errno;
	(void)util_take_fd(&file_fd);
	return 0;
}

void
bans_file_load(struct bans *bans, void (*take)(struct bans *bans, struct ban *ban))
{
	struct reading reading = { .bans = bans, .take = take };
	int error;

	if (!bans->folder)
		return;
	error = open_file(bans, &reading.file);
	if (error == 0) {
		read_file(&reading);
		(void)fclose(reading.file);
		/* Whoever was killed, or made room for us, did not wait for the disk. */
		bans->is_unsynced = true;
	} else if (error != -ENOENT)
		tell_failure(bans, error);
}
