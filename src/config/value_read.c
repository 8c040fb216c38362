/* SPDX-License-Identifier: ISC */
/* The values of keys: from text. */
#include "config/value.h"

#include "base/utf8.h"

#include <errno.h>
#include <string.h>

#define TEXT_BYTES_MAX 4096
#define LIST_MAX 256

static const char *const bool_words[] = { "no", "yes", "off", "on", "false", "true", NULL };

static int64_t *
number_of(const struct key *key, void *object)
{
	return (int64_t *)(void *)((char *)object + key->offset);
}

/* Digits in that base at the start of `text`: the number, or -1 when there is none or it is
 * greater than `max`. */
static int64_t
read_digits(const char *text, int base, int64_t max, const char **ret_rest)
{
	int64_t number = 0;
	const char *at = text;

	for (; *at >= '0' && *at < '0' + base; at++) {
		if (number > (max - (*at - '0')) / base)
			return -1;
		number = number * base + (*at - '0');
	}
	*ret_rest = at;
	return at > text ? number : -1;
}

static int
refuse_number(const struct key *key, const char *text, struct textbuf *ret_problem)
{
	static const char *const wanted[] = {
		[KEY_COUNT] = "a number",
		[KEY_BYTES] = "a size (512, 64k, 1M)",
		[KEY_MSEC] = "a span of time (500ms, 10s, 5min, 1h, 1d)",
		[KEY_MODE] = "permissions in octal (0660)",
	};

	textbuf_addf(ret_problem, "\"%.60s\" is not %s", text, wanted[key->kind]);
	textbuf_add(ret_problem, "; wanted: ");
	value_write_range(key, ret_problem);
	return -EINVAL;
}

static int
read_number(const struct key *key, const char *text, int64_t *ret_number,
	struct textbuf *ret_problem)
{
	bool is_negative = *text == '-';
	const char *digits = text + is_negative, *rest = digits;
	int64_t number = read_digits(digits, key->kind == KEY_MODE ? 8 : 10, INT64_MAX, &rest);
	const struct unit *unit = value_units(key->kind);

	if (value_has_auto(key) && strcmp(text, "auto") == 0) {
		*ret_number = -1;
		return 0;
	}
	if (number < 0 && (*digits < '0' || *digits > '9'))
		return refuse_number(key, text, ret_problem);
	if (number < 0)
		rest = digits + strspn(digits, "0123456789");
	while (unit->name != NULL && strcmp(unit->name, rest) != 0)
		unit++;
	if (unit->name == NULL)
		return refuse_number(key, text, ret_problem);
	if (is_negative && number >= 0)
		number = -number;
	if ((number < 0 && !is_negative) || number > key->max / unit->factor ||
		number * unit->factor < key->min) {
		textbuf_addf(ret_problem, "%.60s is outside ", text);
		value_write_range(key, ret_problem);
		return -EINVAL;
	}
	*ret_number = number * unit->factor;
	return 0;
}

static int
read_bool(const char *text, int64_t *ret_number, struct textbuf *ret_problem)
{
	for (size_t i = 0; bool_words[i] != NULL; i++)
		if (strcmp(bool_words[i], text) == 0) {
			*ret_number = i % 2;
			return 0;
		}
	textbuf_addf(ret_problem, "\"%.60s\" is neither yes nor no", text);
	return -EINVAL;
}

static int
read_choice(const struct key *key, const char *text, int64_t *ret_number,
	struct textbuf *ret_problem)
{
	char room[VALUE_CHOICES_BYTES];
	const char *words[VALUE_CHOICES_MAX], *nearest;

	value_split_choices(key->words, room, words);
	for (size_t i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0) {
			*ret_number = (int64_t)i;
			return 0;
		}
	nearest = complaint_nearest(text, words);
	textbuf_addf(ret_problem, "\"%.60s\" is none of ", text);
	key_describe_values(key, ret_problem);
	if (nearest != NULL)
		textbuf_addf(ret_problem, "; did you mean \"%s\"?", nearest);
	return -EINVAL;
}

/* What every text has to be: there, not endless, and without bytes that steer a terminal or end
 * a line. */
static int
check_text(const struct key *key, const char *text, struct textbuf *ret_problem)
{
	size_t length = strlen(text);

	if (length == 0) {
		textbuf_add(ret_problem, "is empty");
		return -EINVAL;
	}
	if (length > TEXT_BYTES_MAX) {
		textbuf_addf(ret_problem, "is %zu bytes long, more than %d", length,
			TEXT_BYTES_MAX);
		return -EINVAL;
	}
	if (utf8_check(text, length) < length) {
		textbuf_add(ret_problem, "is not UTF-8");
		return -EINVAL;
	}
	for (const char *at = text; *at != '\0'; at++)
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) {
			textbuf_addf(ret_problem, "holds the control byte %02x",
				(unsigned int)(unsigned char)*at);
			return -EINVAL;
		}
	if ((key->kind == KEY_USER || key->kind == KEY_GROUP) && strpbrk(text, " \t") != NULL) {
		textbuf_addf(ret_problem, "\"%.60s\" holds a blank, no %s's name does", text,
			key->kind == KEY_USER ? "user" : "group");
		return -EINVAL;
	}
	return 0;
}

static int
add_to_list(const struct key *key, void *object, const char *text, struct arena *arena,
	struct textbuf *ret_problem)
{
	char ***place = (char ***)(void *)((char *)object + key->offset);
	size_t count = 0;
	char **list;

	while (*place != NULL && (*place)[count] != NULL)
		count++;
	if (count >= LIST_MAX) {
		textbuf_addf(ret_problem, "has more than %d entries", LIST_MAX);
		return -EINVAL;
	}
	list = arena_take(arena, (count + 2) * sizeof(*list));
	if (list == NULL)
		return -ENOMEM;
	if (count > 0)
		memcpy(list, *place, count * sizeof(*list));
	list[count] = arena_intern(arena, text, strlen(text));
	*place = list;
	return list[count] != NULL ? 0 : -ENOMEM;
}

static int
read_text(const struct key *key, void *object, const char *text, struct arena *arena,
	struct textbuf *ret_problem)
{
	int error = check_text(key, text, ret_problem);
	int64_t soft, hard;
	char *copy;

	if (error < 0)
		return error;
	if (key->kind == KEY_RLIMIT && !config_rlimit(text, &soft, &hard)) {
		textbuf_addf(ret_problem,
			"\"%.60s\" is no limit; wanted: soft or soft:hard, each a number (with k, "
			"M "
			"or G) or unlimited, soft not above hard",
			text);
		return -EINVAL;
	}
	if (value_is_list(key->kind))
		return add_to_list(key, object, text, arena, ret_problem);
	copy = arena_intern(arena, text, strlen(text));
	if (copy == NULL)
		return -ENOMEM;
	*key_text(key, object) = copy;
	return 0;
}

int
key_read(const struct key *key, void *object, const char *text, struct arena *arena,
	struct textbuf *ret_problem)
{
	switch (key->kind) {
	case KEY_BOOL:
		return read_bool(text, number_of(key, object), ret_problem);
	case KEY_COUNT:
	case KEY_BYTES:
	case KEY_MSEC:
	case KEY_MODE:
		return read_number(key, text, number_of(key, object), ret_problem);
	case KEY_CHOICE:
		return read_choice(key, text, number_of(key, object), ret_problem);
	case KEY_STRING:
	case KEY_PATH:
	case KEY_USER:
	case KEY_GROUP:
	case KEY_RLIMIT:
	case KEY_LIST:
	case KEY_NAMES:
		return read_text(key, object, text, arena, ret_problem);
	}
	return -EINVAL;
}
