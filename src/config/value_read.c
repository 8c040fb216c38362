/* SPDX-License-Identifier: ISC */
/* The values of keys: from text. */
#include "config/value.h"

#include "base/utf8.h"
#include "config/access_rule.h"
#include "config/banner.h"
#include "config/meaning.h"
#include "config/value_kinds.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define TEXT_BYTES_MAX 4096
#define BANNER_BYTES_MAX (4 * TEXT_BYTES_MAX) /* each byte may become an escape */
#define LIST_MAX 256
#define RULES_BYTES_MAX (LIST_MAX * 320) /* as many as a list takes, of the longest names */
#define LIMITS_BYTES_MAX 64              /* two numbers and a colon */

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
refuse_range(const struct key *key, const char *text, struct textbuf *ret_problem)
{
	textbuf_addf(ret_problem, "%.60s is outside ", text);
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
		*ret_number = VALUE_AUTO;
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
	if (number < 0 || number > INT64_MAX / unit->factor)
		return refuse_range(key, text, ret_problem);
	number *= is_negative ? -unit->factor : unit->factor;
	if (number > key->max || number < (value_has_auto(key) ? 0 : key->min))
		return refuse_range(key, text, ret_problem);
	*ret_number = number;
	return 0;
}

/* The span behind a rate's slash: "min", "10s"; 0: it is none. */
static int64_t
read_span(const char *text)
{
	const char *rest = text;
	int64_t number = read_digits(text, 10, CONFIG_RATE_SPAN_MAX, &rest);

	for (const struct unit *unit = value_units(KEY_MSEC); *unit->name != '\0'; unit++)
		if (strcmp(unit->name, rest) == 0) {
			number = rest == text ? 1 : number;
			return number > 0 && number <= CONFIG_RATE_SPAN_MAX / unit->factor
				? number * unit->factor
				: 0;
		}
	return 0;
}

static int
read_rate(const struct key *key, const char *text, int64_t *ret_number, struct textbuf *ret_problem)
{
	const char *rest = text;
	struct config_rate rate = { .count = read_digits(text, 10, key->max, &rest), .span = 1000 };

	if (rate.count >= 0 && *rest == '/')
		rate.span = read_span(rest + 1);
	else if (*rest != '\0')
		rate.span = 0;
	if (rate.count >= 0 && rate.span > 0) {
		*ret_number = config_rate_value(rate);
		return 0;
	}
	textbuf_addf(ret_problem,
		"\"%.60s\" is no rate; wanted: a number of at most %" PRId64
		", a second or behind a slash in a time of at most a day (50, 100/min, 2/10s)",
		text, key->max);
	/* xinetd's cps has how long the port is closed behind the rate. */
	if (strpbrk(text, " \t") != NULL)
		textbuf_add(ret_problem, "; no time to wait follows, for no port is ever closed");
	return -EINVAL;
}

static int
read_load(const struct key *key, const char *text, int64_t *ret_number, struct textbuf *ret_problem)
{
	const char *rest = text;
	int64_t whole = read_digits(text, 10, key->max / 100, &rest);
	int64_t hundredths = 0;

	if (whole >= 0 && *rest == '.') {
		const char *digits = rest + 1;

		hundredths = read_digits(digits, 10, 99, &rest);
		if (rest == digits + 1)
			hundredths *= 10;
		else if (rest != digits + 2)
			hundredths = -1;
	}
	if (whole >= 0 && hundredths >= 0 && *rest == '\0') {
		*ret_number = whole * 100 + hundredths;
		return 0;
	}
	textbuf_addf(ret_problem,
		"\"%.60s\" is no such number; wanted: at most %" PRId64
		", with up to two digits behind the point (8, 2.5)",
		text, key->max / 100);
	return -EINVAL;
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
	static const char *const bearers[KEY_HOURS + 1] = {
		[KEY_USER] = "user's",
		[KEY_GROUP] = "group's",
		[KEY_NAMES] = "such",
	};
	size_t length = strlen(text);

	if (length == 0 && key->kind != KEY_TEXT) {
		textbuf_add(ret_problem, "is empty");
		return -EINVAL;
	}
	if (length > TEXT_BYTES_MAX && !value_is_joined(key->kind)) {
		textbuf_addf(ret_problem, "is %zu bytes long, more than %d", length,
			TEXT_BYTES_MAX);
		return -EINVAL;
	}
	if (utf8_check(text, length) < length) {
		textbuf_add(ret_problem, "is not UTF-8");
		return -EINVAL;
	}
	for (const char *at = text; *at != '\0' && key->kind != KEY_TEXT; at++)
		if (((unsigned char)*at < ' ' && *at != '\t') || *at == 0x7f) {
			textbuf_addf(ret_problem, "holds the control byte %02x",
				(unsigned int)(unsigned char)*at);
			return -EINVAL;
		}
	if (bearers[key->kind] != NULL && strpbrk(text, " \t") != NULL) {
		textbuf_addf(ret_problem, "\"%.60s\" holds a blank, no %s name does", text,
			bearers[key->kind]);
		return -EINVAL;
	}
	return 0;
}

/* A list that grows: what stands at `place`, and one more. */
static int
add_to_list(char ***place, const char *text, size_t length, struct arena *arena,
	struct textbuf *ret_problem)
{
	char *list[LIST_MAX + 1], *word;
	size_t count = 0;

	for (; *place != NULL && (*place)[count] != NULL; count++)
		list[count] = (*place)[count];
	if (count >= LIST_MAX) {
		textbuf_addf(ret_problem, "has more than %d entries", LIST_MAX);
		return -EINVAL;
	}
	word = arena_intern(arena, text, length);
	if (word == NULL)
		return -ENOMEM;
	list[count] = word;
	*place = arena_intern_list(arena, list, count + 1);
	return *place != NULL ? 0 : -ENOMEM;
}

/* Names parted by commas. An empty text is a list that is there and has none. */
static int
add_names(char ***place, const char *text, struct arena *arena, struct textbuf *ret_problem)
{
	bool has_some = *place != NULL && **place != NULL;
	char **names = *place;
	int error = 0;

	if (*text == '\0' ? has_some : *place != NULL && !has_some) {
		textbuf_add(ret_problem,
			"is empty and has names at once; an empty text means none "
			"and stands alone");
		return -EINVAL;
	}
	if (*text == '\0')
		names = arena_intern_list(arena, &(char *){ NULL }, 0);
	while (error == 0 && *text != '\0') {
		size_t length = strcspn(text, ",");

		if (length == 0 || strcmp(text + length, ",") == 0) {
			textbuf_add(ret_problem, "has a comma without a name beside it");
			return -EINVAL;
		}
		error = add_to_list(&names, text, length, arena, ret_problem);
		text += length + (text[length] == ',');
	}
	if (error == 0)
		*place = names;
	return error == 0 && names == NULL ? -ENOMEM : error;
}

/* What stands behind a word of such a list: blanks, and one comma with another word behind it. */
static int
skip_comma(const char **text, struct textbuf *ret_problem)
{
	const char *at = *text + strspn(*text, " \t");

	if (*at == ',') {
		at += 1 + strspn(at + 1, " \t");
		if (*at == '\0' || *at == ',') {
			textbuf_add(ret_problem, "has a comma without a rule beside it");
			return -EINVAL;
		}
	}
	*text = at;
	return 0;
}

static int
normalise_rules(const struct key *key, const char *text, struct textbuf *ret_kept,
	struct textbuf *ret_problem)
{
	int error = 0;

	text += strspn(text, " \t");
	while (error == 0 && *text != '\0') {
		size_t length = access_rule_word(text);

		if (key->kind == KEY_HOURS)
			error = access_hours_normalise(text, length, ret_kept, ret_problem);
		else
			error = access_rule_normalise(text, length, ret_kept, ret_problem);
		text += length;
		if (error == 0)
			error = skip_comma(&text, ret_problem);
	}
	if (error < 0 || textbuf_error(ret_kept) != -ENOBUFS)
		return error < 0 ? error : textbuf_error(ret_kept);
	textbuf_addf(ret_problem, "has more than %d entries; a file takes more: file:PATH",
		LIST_MAX);
	return -EINVAL;
}

/* Rules and spans of hours, parted by blanks or a comma. Kept as they are printed, so that what
 * means the same is the same text. */
static int
add_rules(const struct key *key, char ***place, const char *text, struct arena *arena,
	struct textbuf *ret_problem)
{
	struct textbuf kept = TEXTBUF_INIT(RULES_BYTES_MAX);
	int error = normalise_rules(key, text, &kept, ret_problem);

	if (error == 0)
		error = add_names(place, kept.text != NULL ? kept.text : "", arena, ret_problem);
	textbuf_fini(&kept);
	return error;
}

static int
read_banner(char **place, const char *text, struct arena *arena, struct textbuf *ret_problem)
{
	struct textbuf kept = TEXTBUF_INIT(BANNER_BYTES_MAX);
	int error = banner_read(text, &kept, ret_problem);
	char *copy = NULL;

	if (error == 0)
		copy = arena_intern(arena, kept.text != NULL ? kept.text : "", kept.length);
	textbuf_fini(&kept);
	if (error < 0)
		return error;
	if (copy == NULL)
		return -ENOMEM;
	*place = copy;
	return 0;
}

static void
write_limit(int64_t limit, struct textbuf *text)
{
	if (limit == CONFIG_UNLIMITED)
		textbuf_add(text, "unlimited");
	else if (limit > 0 && limit % (1 << 30) == 0)
		textbuf_addf(text, "%" PRId64 "G", limit >> 30);
	else if (limit > 0 && limit % (1 << 20) == 0)
		textbuf_addf(text, "%" PRId64 "M", limit >> 20);
	else
		textbuf_addf(text, "%" PRId64, limit);
}

/* Kept as it is printed, so that equal limits are equal texts. */
static int
read_rlimit(const struct key *key, void *object, const char *text, struct arena *arena,
	struct textbuf *ret_problem)
{
	struct textbuf limits = TEXTBUF_INIT(LIMITS_BYTES_MAX);
	int64_t soft, hard;
	char *copy = NULL;

	if (!config_rlimit(text, &soft, &hard)) {
		textbuf_addf(ret_problem,
			"\"%.60s\" is no limit; wanted: soft or soft:hard, each a number (with k, "
			"M or G) or unlimited, soft not above hard",
			text);
		return -EINVAL;
	}
	write_limit(soft, &limits);
	if (soft != hard) {
		textbuf_add(&limits, ":");
		write_limit(hard, &limits);
	}
	if (textbuf_error(&limits) == 0)
		copy = arena_intern(arena, limits.text, limits.length);
	textbuf_fini(&limits);
	if (copy == NULL)
		return -ENOMEM;
	*key_text(key, object) = copy;
	return 0;
}

static int
read_text(const struct key *key, void *object, const char *text, struct arena *arena,
	struct textbuf *ret_problem)
{
	char ***list = (char ***)(void *)((char *)object + key->offset);
	int error = value_is_joined(key->kind) && *text == '\0'
		? 0
		: check_text(key, text, ret_problem);
	char *copy;

	if (error < 0)
		return error;
	if (key->kind == KEY_TEXT)
		return read_banner(key_text(key, object), text, arena, ret_problem);
	if (key->kind == KEY_RLIMIT)
		return read_rlimit(key, object, text, arena, ret_problem);
	if (key->kind == KEY_NAMES)
		return add_names(list, text, arena, ret_problem);
	if (key->kind == KEY_RULES || key->kind == KEY_HOURS)
		return add_rules(key, list, text, arena, ret_problem);
	if (key->kind == KEY_LIST)
		return add_to_list(list, text, strlen(text), arena, ret_problem);
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
	case KEY_RATE:
		return read_rate(key, text, number_of(key, object), ret_problem);
	case KEY_LOAD:
		return read_load(key, text, number_of(key, object), ret_problem);
	case KEY_CHOICE:
		return read_choice(key, text, number_of(key, object), ret_problem);
	case KEY_STRING:
	case KEY_TEXT:
	case KEY_PATH:
	case KEY_USER:
	case KEY_GROUP:
	case KEY_RLIMIT:
	case KEY_LIST:
	case KEY_NAMES:
	case KEY_RULES:
	case KEY_HOURS:
		return read_text(key, object, text, arena, ret_problem);
	}
	return -EINVAL;
}
