/* SPDX-License-Identifier: ISC */
/* The values of keys: text to value, value to canonical text. A unit is chosen so that the
 * number is whole: 90000 ms are 90s, 65536 bytes 64k. */
#include "config/keys.h"

#include "base/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define TEXT_BYTES_MAX 4096
#define LIST_MAX 256
#define CHOICES_MAX 16
#define CHOICE_WORD_MAX 24

struct unit {
	const char *name;
	int64_t factor;
};

/* Smallest first. The empty name is the unit of a bare number. */
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

static const char *const bool_words[] = { "no", "yes", "off", "on", "false", "true", NULL };

static const struct unit *
units_of(enum key_kind kind)
{
	if (kind == KEY_MSEC)
		return msec_units;
	return kind == KEY_BYTES ? byte_units : no_units;
}

static bool
is_number(enum key_kind kind)
{
	return kind <= KEY_CHOICE;
}

static int64_t *
number_of(const struct key *key, void *object)
{
	return (int64_t *)(void *)((char *)object + key->offset);
}

static int64_t
number_in(const struct key *key, const void *object)
{
	return *(const int64_t *)(const void *)((const char *)object + key->offset);
}

char **
key_text(const struct key *key, void *object)
{
	return (char **)(void *)((char *)object + key->offset);
}

static const char *
text_in(const struct key *key, const void *object)
{
	return *(char *const *)(const void *)((const char *)object + key->offset);
}

static char *const *
list_in(const struct key *key, const void *object)
{
	return *(char **const *)(const void *)((const char *)object + key->offset);
}

/* The words of a CHOICE, parted into `ret_words`, which `room` holds. */
static void
split_choices(const char *words, char *room, size_t room_size, const char **ret_words)
{
	size_t count = 0;
	char *rest = NULL;

	(void)stpncpy(room, words, room_size - 1);
	room[room_size - 1] = '\0';
	for (char *word = strtok_r(room, "|", &rest); word != NULL && count < CHOICES_MAX - 1;
		word = strtok_r(NULL, "|", &rest))
		ret_words[count++] = word;
	ret_words[count] = NULL;
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

static bool
has_auto(const struct key *key)
{
	return key->kind == KEY_MSEC && key->min == -1;
}

static void
write_with_unit(const struct key *key, int64_t number, struct textbuf *ret_text)
{
	const struct unit *best = NULL;

	if (has_auto(key) && number == -1) {
		textbuf_add(ret_text, "auto");
		return;
	}
	if (key->kind == KEY_MODE) {
		textbuf_addf(ret_text, "%04" PRIo64, (uint64_t)number);
		return;
	}
	if (number == 0 || (key->kind != KEY_MSEC && key->kind != KEY_BYTES)) {
		textbuf_addf(ret_text, "%" PRId64, number);
		return;
	}
	for (const struct unit *unit = units_of(key->kind); unit->name != NULL; unit++)
		if (number % unit->factor == 0 && (best == NULL || unit->factor > best->factor))
			best = unit;
	if (best != NULL)
		textbuf_addf(ret_text, "%" PRId64 "%s", number / best->factor, best->name);
}

static void
write_range(const struct key *key, struct textbuf *ret_text)
{
	write_with_unit(key, key->min, ret_text);
	textbuf_add(ret_text, "..");
	write_with_unit(key, key->max, ret_text);
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
	write_range(key, ret_problem);
	return -EINVAL;
}

static int
read_number(const struct key *key, const char *text, int64_t *ret_number,
	struct textbuf *ret_problem)
{
	bool is_negative = *text == '-';
	const char *digits = text + is_negative, *rest = digits;
	int64_t number = read_digits(digits, key->kind == KEY_MODE ? 8 : 10, INT64_MAX, &rest);
	const struct unit *unit = units_of(key->kind);

	if (has_auto(key) && strcmp(text, "auto") == 0) {
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
		write_range(key, ret_problem);
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
	char room[CHOICES_MAX * CHOICE_WORD_MAX];
	const char *words[CHOICES_MAX], *nearest;

	split_choices(key->words, room, sizeof(room), words);
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
	if (key->kind == KEY_LIST || key->kind == KEY_NAMES)
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

static void
write_choice(const struct key *key, int64_t number, struct textbuf *ret_text)
{
	char room[CHOICES_MAX * CHOICE_WORD_MAX];
	const char *words[CHOICES_MAX];

	split_choices(key->words, room, sizeof(room), words);
	for (int64_t i = 0; words[i] != NULL; i++)
		if (i == number)
			textbuf_add(ret_text, words[i]);
}

bool
key_write(const struct key *key, const void *object, size_t index, struct textbuf *ret_text)
{
	const char *text;

	if (key->kind == KEY_LIST || key->kind == KEY_NAMES) {
		char *const *list = list_in(key, object);

		for (size_t i = 0; list != NULL && list[i] != NULL; i++)
			if (i == index) {
				textbuf_add(ret_text, list[i]);
				return true;
			}
		return false;
	}
	if (index > 0)
		return false;
	if (key->kind == KEY_BOOL) {
		textbuf_add(ret_text, number_in(key, object) != 0 ? "yes" : "no");
	} else if (key->kind == KEY_CHOICE) {
		write_choice(key, number_in(key, object), ret_text);
	} else if (is_number(key->kind)) {
		write_with_unit(key, number_in(key, object), ret_text);
	} else {
		text = text_in(key, object);
		if (text == NULL)
			return false;
		textbuf_add(ret_text, text);
	}
	return true;
}

void
key_copy(const struct key *key, void *to, const void *from)
{
	size_t size = is_number(key->kind) ? sizeof(int64_t) : sizeof(char *);

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

	if (is_number(key->kind))
		return number_in(key, a) == number_in(key, b);
	if (key->kind != KEY_LIST && key->kind != KEY_NAMES)
		return texts_are_equal(text_in(key, a), text_in(key, b));
	a_list = list_in(key, a);
	b_list = list_in(key, b);
	if (a_list == NULL || b_list == NULL)
		return a_list == b_list;
	for (; *a_list != NULL && *b_list != NULL; a_list++, b_list++)
		if (strcmp(*a_list, *b_list) != 0)
			return false;
	return *a_list == *b_list;
}

void
key_describe_values(const struct key *key, struct textbuf *ret_text)
{
	char room[CHOICES_MAX * CHOICE_WORD_MAX];
	const char *words[CHOICES_MAX];

	switch (key->kind) {
	case KEY_BOOL:
		textbuf_add(ret_text, "yes or no");
		break;
	case KEY_COUNT:
	case KEY_BYTES:
	case KEY_MSEC:
	case KEY_MODE:
		write_range(key, ret_text);
		break;
	case KEY_CHOICE:
		split_choices(key->words, room, sizeof(room), words);
		for (size_t i = 0; words[i] != NULL; i++)
			textbuf_addf(ret_text, "%s%s", i > 0 ? ", " : "", words[i]);
		break;
	case KEY_STRING:
		textbuf_add(ret_text, "text");
		break;
	case KEY_PATH:
		textbuf_add(ret_text, "path");
		break;
	case KEY_USER:
		textbuf_add(ret_text, "user");
		break;
	case KEY_GROUP:
		textbuf_add(ret_text, "group");
		break;
	case KEY_RLIMIT:
		textbuf_add(ret_text, "soft[:hard]");
		break;
	case KEY_LIST:
		textbuf_add(ret_text, "words");
		break;
	case KEY_NAMES:
		textbuf_add(ret_text, "names");
		break;
	}
}
