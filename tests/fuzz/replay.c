/* SPDX-License-Identifier: ISC */
/* Give a fuzz target every input of a corpus, once: what a fuzzer found stays found. Links with
 * any one target. Names each input before it is tried: a crash does not.
 *
 * usage: fuzz_NAME FOLDER-OR-FILE... */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* The copy is exactly as long as the input, so that the address sanitizer sees a read of one byte
 * too many. */
static void
replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat facts;
	uint8_t *bytes;
	size_t length;

	if (file == NULL || fstat(fileno(file), &facts) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(EXIT_FAILURE);
	}
	length = (size_t)facts.st_size;
	bytes = malloc(length > 0 ? length : 1);
	if (bytes == NULL || fread(bytes, 1, length, file) != length) {
		fprintf(stderr, "%s: cannot be read\n", path);
		exit(EXIT_FAILURE);
	}
	(void)fclose(file);
	printf("# %s\n", path);
	(void)fflush(stdout);
	(void)LLVMFuzzerTestOneInput(bytes, length);
	free(bytes);
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Returns how many inputs were tried. */
static int
replay(const char *path)
{
	struct dirent **entries;
	int entry_count = scandir(path, &entries, is_visible, alphasort);
	int tried = 0;

	if (entry_count < 0) {
		replay_file(path);
		return 1;
	}
	for (int i = 0; i < entry_count; i++) {
		char inner[4096];

		(void)snprintf(inner, sizeof(inner), "%s/%s", path, entries[i]->d_name);
		tried += replay(inner);
		free(entries[i]);
	}
	free(entries);
	return tried;
}

int
main(int argc, char **argv)
{
	int tried = 0;

	printf("1..1\n");
	for (int i = 1; i < argc; i++)
		tried += replay(argv[i]);
	printf("%s 1 - survives and judges the %d inputs of its corpus\n",
		tried > 0 ? "ok" : "not ok", tried);
	return tried > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
