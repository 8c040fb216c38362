/* SPDX-License-Identifier: ISC */
/* The values of keys, as they lie in their objects. */
#include "config/value.h"

#include "config/value_kinds.h"

#include <string.h>

static const struct unit msec_units[] = {
	{ "ms", 1 },
	{ "s", 1000 },
	{ "min", 60000 },
	{ "h", 3600000 },
	{ "d", 86400000 },
	{ "", 1000 },
	{ NULL, 0 },
};

static const struct unit byte_units[] = {
	{ "", 1 },
	{ "k", 1024 },
	{ "M", 1048576 },
	{ "G", 1073741824 },
	{ NULL, 0 },
};

static const struct unit no_units[] = {
	{ "", 1 },
	{ NULL, 0 },
};

const struct unit *
value_units(enum key_kind kind)
{
	if (kind == KEY_MSEC)
		return msec_units;
	return kind == KEY_BYTES ? byte_units : no_units;
}

bool
value_is_number(enum key_kind kind)
{
	return kind <= KEY_CHOICE;
}

bool
value_is_list(enum key_kind kind)
{
	return kind == KEY_LIST || value_is_joined(kind);
}

bool
value_is_joined(enum key_kind kind)
{
	return kind == KEY_NAMES || kind == KEY_RULES || kind == KEY_HOURS;
}

bool
value_has_auto(const struct key *key)
{
	return key->kind == KEY_MSEC && key->min == -1;
}

int64_t
value_get_number(const struct key *key, const void *object)
{
	return *(const int64_t *)(const void *)((const char *)object + key->offset);
}

const char *
value_get_text(const struct key *key, const void *object)
{
	return *(char *const *)(const void *)((const char *)object + key->offset);
}

char *const *
value_get_list(const struct key *key, const void *object)
{
	return *(char **const *)(const void *)((const char *)object + key->offset);
}

char **
key_text(const struct key *key, void *object)
{
	return (char **)(void *)((char *)object + key->offset);
}

void
value_split_choices(const char *words, char room[static VALUE_CHOICES_BYTES],
	const char *ret_words[static VALUE_CHOICES_MAX])
{
	size_t count = 0;
	char *rest = NULL;

	(void)stpncpy(room, words, VALUE_CHOICES_BYTES - 1);
	room[VALUE_CHOICES_BYTES - 1] = '\0';
	for (char *word = strtok_r(room, "|", &rest); word != NULL && count < VALUE_CHOICES_MAX - 1;
		word = strtok_r(NULL, "|", &rest))
		ret_words[count++] = word;
	ret_words[count] = NULL;
}

void
key_copy(const struct key *key, void *to, const void *from)
{
	size_t size = value_is_number(key->kind) ? sizeof(int64_t) : sizeof(char *);

	memcpy((char *)to + key->offset, (const char *)from + key->offset, size);
}

static bool
texts_are_equal(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
key_is_equal(const struct key *key, const void *a, const void *b)
{
	char *const *a_list, *const *b_list;

	if (value_is_number(key->kind))
		return value_get_number(key, a) == value_get_number(key, b);
	if (!value_is_list(key->kind))
		return texts_are_equal(value_get_text(key, a), value_get_text(key, b));
	a_list = value_get_list(key, a);
	b_list = value_get_list(key, b);
	if (a_list == NULL || b_list == NULL)
		return a_list == b_list;
	for (; *a_list != NULL && *b_list != NULL; a_list++, b_list++)
		if (strcmp(*a_list, *b_list) != 0)
			return false;
	return *a_list == *b_list;
}
