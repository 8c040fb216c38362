/* SPDX-License-Identifier: ISC */
/* LINK: src/base/netaddr.o src/base/prefix.o src/base/textbuf.o src/base/utf8.o
 * src/config/arena.o src/config/complaint.o src/config/map.o src/config/prefix_list.o
 * src/model/prefixes.o */
/* What a file of prefixes costs: to load, beside reading the file and counting its lines; and to
 * judge an address by, beside bsearch(3) in an array of as many numbers.
 *
 * usage: access [COUNT] */
#include "config/prefix_list.h"
#include "model/prefixes.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define COUNT 1000000
#define QUESTIONS 2000000
#define ROUNDS 5

static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 16;
}

/* Of our own processor time: what others do does not count. */
static double
seconds(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Half of them networks of all lengths from 12 to 28, half single hosts, in no order. */
static void
write_prefixes(const char *path, size_t count, bool is_v4)
{
	FILE *file = fopen(path, "we");
	uint64_t seed = 1;

	for (size_t i = 0; file && i < count; i++) {
		struct prefix prefix = { .is_v4 = is_v4, .length = is_v4 ? 32 : 64 };
		char text[PREFIX_TEXT_MAX];

		if (i % 2 == 0)
			prefix.length = (uint8_t)(prefix.length - 4 - next_random(&seed) % 16);
		prefix.high = next_random(&seed) << 32 ^ next_random(&seed);
		prefix.high &= UINT64_MAX << (64 - prefix.length);
		(void)fprintf(file, "%s\n", prefix_format(&prefix, text));
	}
	if (!file || fclose(file) != 0)
		exit(1);
}

static double
count_lines(const char *path)
{
	static char bytes[1 << 16];
	double begin = seconds();
	auto_close int list_fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t lines = 0;
	ssize_t got;

	while ((got = read(list_fd, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < got; i++)
			lines += bytes[i] == '\n';
	if (lines == 0)
		exit(1);
	return seconds() - begin;
}

static double
load(const char *path, struct prefixes **ret_set)
{
	struct complaint_list *complaints = complaint_list_new();
	double begin = seconds();
	struct prefix_list list;

	prefix_list_read(&list, path, complaints, NULL, NULL);
	*ret_set = prefixes_new(list.prefixes, list.count);
	prefix_list_fini(&list);
	if (!*ret_set || complaint_count(complaints) > 0)
		exit(1);
	complaint_list_free(complaints);
	return seconds() - begin;
}

static double
judge(const struct prefixes *set, bool is_v4)
{
	struct netaddr address = { .family = is_v4 ? AF_INET : AF_INET6 };
	double begin = seconds();
	uint64_t seed = 2;
	unsigned found = 0;

	for (unsigned i = 0; i < QUESTIONS; i++) {
		uint64_t number = next_random(&seed) << 32 ^ next_random(&seed);

		memcpy(&address.ip, &number, is_v4 ? 4 : 8);
		found += prefixes_find(set, &address).length >= 0;
	}
	return found > QUESTIONS ? 0 : (seconds() - begin) / QUESTIONS * 1e9;
}

static int
compare(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a;
	uint32_t second = *(const uint32_t *)b;

	return (first > second) - (first < second);
}

static double
search_array(size_t count)
{
	auto_free uint32_t *numbers = calloc(count, sizeof(*numbers));
	uint64_t seed = 2;
	double begin;
	unsigned found = 0;

	for (size_t i = 0; numbers && i < count; i++)
		numbers[i] = (uint32_t)(i * (UINT32_MAX / count));
	begin = seconds();
	for (unsigned i = 0; numbers && i < QUESTIONS; i++) {
		uint32_t number = (uint32_t)(next_random(&seed) << 32 ^ next_random(&seed));

		found += bsearch(&number, numbers, count, sizeof(*numbers), compare) != NULL;
	}
	return found == QUESTIONS ? 0 : (seconds() - begin) / QUESTIONS * 1e9;
}

static double
least(double a, double b)
{
	return a == 0 || b < a ? b : a;
}

static void
measure(const char *path, size_t count, bool is_v4)
{
	double loaded = 0, lines = 0, judged = 0, searched = 0;
	size_t size = 0;

	write_prefixes(path, count, is_v4);
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct prefixes *set;

		lines = least(lines, count_lines(path));
		loaded = least(loaded, load(path, &set));
		searched = least(searched, search_array(2 * count));
		judged = least(judged, judge(set, is_v4));
		size = prefixes_size(set);
		free(set);
	}
	(void)printf("%s, %zu prefixes: loaded in %.0f ms (%.1f times counting the lines), "
		     "%.1f MiB; judged in %.0f ns (%.2f times bsearch of %zu numbers)\n",
		is_v4 ? "IPv4" : "IPv6", count, loaded * 1e3, loaded / lines,
		(double)size / 1048576, judged, judged / searched, 2 * count);
}

int
main(int argc, char **argv)
{
	char path[] = "/tmp/reeve-bench-XXXXXX";
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : COUNT;
	int made_fd = mkstemp(path);

	if (made_fd < 0 || count == 0)
		return 1;
	(void)close(made_fd);
	measure(path, count, true);
	measure(path, count, false);
	(void)unlink(path);
	return 0;
}
