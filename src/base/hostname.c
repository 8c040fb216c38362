/* SPDX-License-Identifier: ISC */
/* Names of hosts. */
#include "base/hostname.h"

#include <string.h>

#define LABEL_BYTES_MAX 63

static char
in_small(char byte)
{
	return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static bool
is_letter(char byte)
{
	return byte >= 'a' && byte <= 'z';
}

static bool
is_of_a_label(char byte)
{
	return is_letter(byte) || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

/* The last one tells a name from an address that was written wrong. */
static bool
is_label(const char *label, size_t length, bool is_last)
{
	bool has_letter = false;

	if (length == 0 || length > LABEL_BYTES_MAX || label[0] == '-' || label[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_of_a_label(label[i]))
			return false;
		has_letter |= is_letter(label[i]);
	}
	return !is_last || (has_letter && length > 1);
}

bool
hostname_read(const char *text, size_t length, char ret_name[static HOSTNAME_ROOM])
{
	char name[HOSTNAME_ROOM];
	const char *label = name;

	if (length > 1 && text[length - 1] == '.')
		length--;
	if (length == 0 || length > HOSTNAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < length; i++)
		name[i] = in_small(text[i]);
	name[length] = '\0';
	for (const char *dot = label; dot != NULL; label = dot + 1) {
		size_t rest = (size_t)(name + length - label);

		dot = memchr(label, '.', rest);
		if (!is_label(label, dot != NULL ? (size_t)(dot - label) : rest, dot == NULL))
			return false;
		if (dot == NULL)
			break;
	}
	memcpy(ret_name, name, length + 1);
	return true;
}

bool
hostname_is_of(const char *name, const char *domain)
{
	size_t name_length = strlen(name);
	size_t domain_length = strlen(domain);

	return name_length > domain_length &&
		strcmp(name + name_length - domain_length, domain) == 0;
}
