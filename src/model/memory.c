/* SPDX-License-Identifier: ISC */
/* The host's memory, out of the kernel's texts. */
#include "model/memory.h"

#include <string.h>

#define NUMBER_MOST (INT64_MAX / 4096)

/* Digits; NULL: there are none, or too many. */
static const char *
read_number(const char *text, int64_t *ret_number)
{
	const char *at = text;
	int64_t number = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (*at - '0');
		if (number > NUMBER_MOST)
			return NULL;
	}
	*ret_number = number;
	return at > text ? at : NULL;
}

/* Behind a label at the beginning of a line. */
static const char *
find_label(const char *text, const char *label)
{
	while (text && strncmp(text, label, strlen(label)) != 0) {
		text = strchr(text, '\n');
		text = text ? text + 1 : NULL;
	}
	return text ? text + strlen(label) : NULL;
}

int64_t
memory_pressure_of(const char *text)
{
	const char *at = find_label(text, "some avg10=");
	int64_t whole, hundredths;
	const char *point = at ? read_number(at, &whole) : NULL;
	const char *end = point && *point == '.' ? read_number(point + 1, &hundredths) : NULL;

	return end && end == point + 3 ? whole * 100 + hundredths : -1;
}

int64_t
memory_available_of(const char *text)
{
	const char *at = find_label(text, "MemAvailable:");
	int64_t kilobytes;

	if (at)
		at += strspn(at, " \t");
	at = at ? read_number(at, &kilobytes) : NULL;
	return at && strncmp(at, " kB", 3) == 0 ? kilobytes * 1024 : -1;
}
