/* SPDX-License-Identifier: ISC */
/* Files that a configuration names: can they be used as they are meant to be? Paths of a program
 * with a chroot are followed inside of it, links included, as the program's kernel will. */
#include "config/check.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define HEAD_MAX 4096 /* of a program; its interpreter's name is in there */
#define REASON_MAX (PATH_MAX + 128)

int
check_open(const char *root, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	char joined[2 * PATH_MAX];
	auto_close int root_fd = -1;
	long found_fd;

	if (root == NULL)
		return open(path, (int)flags | O_CLOEXEC);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -1;
	found_fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	if (found_fd >= 0 || errno != ENOSYS)
		return (int)found_fd;
	/* Linux before 5.6: absolute links lead out, where they hardly find what is inside. */
	(void)snprintf(joined, sizeof(joined), "%s/%s", root, path);
	return open(joined, (int)flags | O_CLOEXEC);
}

static bool
may(int file_fd, const struct stat *status, int mode)
{
	if (faccessat(file_fd, "", mode, AT_EACCESS | AT_EMPTY_PATH) == 0)
		return true;
	/* Linux before 5.8 asks by name only. */
	if (errno == ENOSYS || errno == EINVAL)
		return mode != X_OK || (status->st_mode & 0111) != 0;
	return false;
}

/* The interpreter of a script: the first word behind "#!". An empty text: none. */
static void
find_in_script(char *head, char *ret_interpreter)
{
	char *word = head + 2 + strspn(head + 2, " \t");

	(void)snprintf(ret_interpreter, PATH_MAX, "%.*s", (int)strcspn(word, " \t\n"), word);
}

/* Where the two kinds of ELF files have what we read. */
struct elf_layout {
	unsigned char class;
	size_t width; /* of an offset in the file */
	size_t table;
	size_t entry_size;
	size_t entry_count;
	size_t entry_offset;
	size_t least;
};

static const struct elf_layout elf_layouts[] = {
	{ ELFCLASS32, sizeof(Elf32_Off), offsetof(Elf32_Ehdr, e_phoff),
		offsetof(Elf32_Ehdr, e_phentsize), offsetof(Elf32_Ehdr, e_phnum),
		offsetof(Elf32_Phdr, p_offset), sizeof(Elf32_Ehdr) },
	{ ELFCLASS64, sizeof(Elf64_Off), offsetof(Elf64_Ehdr, e_phoff),
		offsetof(Elf64_Ehdr, e_phentsize), offsetof(Elf64_Ehdr, e_phnum),
		offsetof(Elf64_Phdr, p_offset), sizeof(Elf64_Ehdr) },
};

/* A number of 2, 4 or 8 bytes in our own order; 0 if it lies outside. */
static uint64_t
number_at(const char *head, size_t length, uint64_t at, size_t width)
{
	uint64_t number = 0;

	if (at > length || width > length - at)
		return 0;
	for (size_t i = 0; i < width; i++) {
		size_t byte = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? width - 1 - i : i;

		number = number << 8 | (unsigned char)head[at + byte];
	}
	return number;
}

/* The loader of a program that was linked dynamically. */
static void
find_in_elf(const char *head, size_t length, char *ret_interpreter)
{
	unsigned char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	const struct elf_layout *layout = elf_layouts;
	uint64_t table, size, count;

	while (layout < elf_layouts + ARRAY_SIZE(elf_layouts) &&
		layout->class != (unsigned char)head[EI_CLASS])
		layout++;
	if (layout == elf_layouts + ARRAY_SIZE(elf_layouts) || length < layout->least ||
		(unsigned char)head[EI_DATA] != order)
		return;
	table = number_at(head, length, layout->table, layout->width);
	size = number_at(head, length, layout->entry_size, 2);
	count = number_at(head, length, layout->entry_count, 2);
	for (uint64_t i = 0; i < count && table < HEAD_MAX; i++) {
		uint64_t entry = table + i * size;
		uint64_t name =
			number_at(head, length, entry + layout->entry_offset, layout->width);

		if (number_at(head, length, entry, 4) == PT_INTERP && name > 0 && name < length)
			(void)snprintf(ret_interpreter, PATH_MAX, "%.*s", (int)(length - name),
				head + name);
	}
}

static bool
is_text(const char *head, size_t length)
{
	for (size_t i = 0; i < length && head[i] != '\n'; i++)
		if (((unsigned char)head[i] < ' ' && strchr("\t\r", head[i]) == NULL) ||
			head[i] == '\0')
			return false;
	return true;
}

/* Execve fails as if the program were not there when its interpreter is not. */
static const char *
look_into_program(const char *root, const char *path, char *room)
{
	auto_close int file_fd = check_open(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	char head[HEAD_MAX + 1] = "", interpreter[PATH_MAX] = "";
	ssize_t length = file_fd >= 0 ? pread(file_fd, head, HEAD_MAX, 0) : -1;
	auto_close int interpreter_fd = -1;
	struct stat status;

	if (length < 0) /* one that may be run and not be read */
		return "";
	if (length > 2 && strncmp(head, "#!", 2) == 0)
		find_in_script(head, interpreter);
	else if (length > EI_NIDENT && memcmp(head, ELFMAG, SELFMAG) == 0)
		find_in_elf(head, (size_t)length, interpreter);
	else if (is_text(head, (size_t)length)) /* of others binfmt_misc may know */
		return "it is no program, and no script either: that begins with #! and the path "
		       "of an interpreter";
	if (*interpreter == '\0')
		return "";
	interpreter_fd = check_open(root, interpreter, O_PATH);
	if (interpreter_fd >= 0 && fstat(interpreter_fd, &status) == 0 && S_ISREG(status.st_mode) &&
		may(interpreter_fd, &status, X_OK))
		return "";
	/* The kernel takes it for a part of the name, and no terminal shows it. */
	if (interpreter[strlen(interpreter) - 1] == '\r')
		return "its first line ends in a carriage return";
	(void)snprintf(room, REASON_MAX, "its interpreter \"%.200s\" %s", interpreter,
		interpreter_fd < 0 ? "is not there" : "cannot be run");
	return room;
}

/* Why the file cannot be used that way; an empty text if it can. */
static const char *
look_at_file(enum check_use use, const char *root, const char *path, char *room)
{
	auto_close int file_fd = check_open(root, path, O_PATH);
	struct stat status;

	if (file_fd < 0 || fstat(file_fd, &status) < 0)
		return strerror(errno);
	if (use == CHECK_ENTER) {
		if (!S_ISDIR(status.st_mode))
			return "it is no folder";
		return may(file_fd, &status, X_OK) ? "" : strerror(errno);
	}
	if (!S_ISREG(status.st_mode))
		return "it is no regular file";
	if (use == CHECK_READ)
		return may(file_fd, &status, R_OK) ? "" : strerror(errno);
	if (!may(file_fd, &status, X_OK))
		return "it is not executable";
	return look_into_program(root, path, room);
}

const char *
check_file(struct check *check, enum check_use use, const char *root, const char *path)
{
	char room[REASON_MAX];
	struct textbuf question = TEXTBUF_INIT(4 * PATH_MAX);
	const char *problem;
	char *answer = NULL, *kept;

	/* Neither path holds a control byte. */
	textbuf_addf(&question, "%d\n%s\n%s", (int)use, root != NULL ? root : "", path);
	if (textbuf_error(&question) == 0)
		answer = map_find(check->answers, question.text, question.length);
	if (textbuf_error(&question) == 0 && answer == NULL) {
		problem = look_at_file(use, root, path, room);
		answer = arena_copy(check->arena, problem, strlen(problem));
		kept = arena_copy(check->arena, question.text, question.length);
		if (answer != NULL && kept != NULL) /* or it is looked at again */
			(void)map_add(check->answers, kept, question.length, answer);
	}
	textbuf_fini(&question);
	return answer != NULL && *answer != '\0' ? answer : NULL;
}
