/* SPDX-License-Identifier: ISC */
/* The values of keys: to canonical text. A unit is chosen so that the number is whole: 90000 ms
 * are 90s, 65536 bytes 64k. */
#include "config/value.h"

#include "config/meaning.h"
#include "config/value_kinds.h"

#include <inttypes.h>

static void
write_with_unit(const struct key *key, int64_t number, struct textbuf *ret_text)
{
	const struct unit *best = NULL;

	if (value_has_auto(key) && number == VALUE_AUTO) {
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
	for (const struct unit *unit = value_units(key->kind); unit->name != NULL; unit++)
		if (number % unit->factor == 0 && (best == NULL || unit->factor > best->factor))
			best = unit;
	if (best != NULL)
		textbuf_addf(ret_text, "%" PRId64 "%s", number / best->factor, best->name);
}

/* The span is left out where it is a second, its number where it is one. */
static void
write_rate(int64_t number, struct textbuf *ret_text)
{
	struct config_rate rate = config_rate(number);
	const struct unit *best = NULL;

	textbuf_addf(ret_text, "%" PRId64, rate.count);
	if (rate.count == 0 || rate.span == 1000)
		return;
	for (const struct unit *unit = value_units(KEY_MSEC); *unit->name != '\0'; unit++)
		if (rate.span % unit->factor == 0)
			best = unit;
	if (best == NULL)
		return;
	textbuf_add(ret_text, "/");
	if (rate.span != best->factor)
		textbuf_addf(ret_text, "%" PRId64, rate.span / best->factor);
	textbuf_add(ret_text, best->name);
}

/* Hundredths; as many digits behind the point as it takes. */
static void
write_load(int64_t number, struct textbuf *ret_text)
{
	textbuf_addf(ret_text, "%" PRId64, number / 100);
	if (number % 10 != 0)
		textbuf_addf(ret_text, ".%02" PRId64, number % 100);
	else if (number % 100 != 0)
		textbuf_addf(ret_text, ".%" PRId64, number % 100 / 10);
}

void
value_write_range(const struct key *key, struct textbuf *ret_text)
{
	if (value_has_auto(key))
		textbuf_add(ret_text, "auto or 0");
	else
		write_with_unit(key, key->min, ret_text);
	textbuf_add(ret_text, "..");
	write_with_unit(key, key->max, ret_text);
}

static void
write_choice(const struct key *key, int64_t number, struct textbuf *ret_text)
{
	char room[VALUE_CHOICES_BYTES];
	const char *words[VALUE_CHOICES_MAX];

	value_split_choices(key->words, room, words);
	for (int64_t i = 0; words[i] != NULL; i++)
		if (i == number)
			textbuf_add(ret_text, words[i]);
}

static bool
write_element(char *const *list, size_t index, struct textbuf *ret_text)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		if (i == index) {
			textbuf_add(ret_text, list[i]);
			return true;
		}
	return false;
}

static bool
write_names(char *const *list, struct textbuf *ret_text)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		textbuf_addf(ret_text, "%s%s", i > 0 ? "," : "", list[i]);
	return list != NULL;
}

bool
key_write(const struct key *key, const void *object, size_t index, struct textbuf *ret_text)
{
	const char *text;

	if (key->kind == KEY_LIST)
		return write_element(value_get_list(key, object), index, ret_text);
	if (index > 0)
		return false;
	if (key->kind == KEY_BOOL) {
		textbuf_add(ret_text, value_get_number(key, object) != 0 ? "yes" : "no");
	} else if (key->kind == KEY_CHOICE) {
		write_choice(key, value_get_number(key, object), ret_text);
	} else if (key->kind == KEY_RATE) {
		write_rate(value_get_number(key, object), ret_text);
	} else if (key->kind == KEY_LOAD) {
		write_load(value_get_number(key, object), ret_text);
	} else if (value_is_number(key->kind)) {
		write_with_unit(key, value_get_number(key, object), ret_text);
	} else if (value_is_joined(key->kind)) {
		return write_names(value_get_list(key, object), ret_text);
	} else {
		text = value_get_text(key, object);
		if (text == NULL)
			return false;
		textbuf_add(ret_text, text);
	}
	return true;
}

void
key_describe_values(const struct key *key, struct textbuf *ret_text)
{
	char room[VALUE_CHOICES_BYTES];
	const char *words[VALUE_CHOICES_MAX];

	switch (key->kind) {
	case KEY_BOOL:
		textbuf_add(ret_text, "yes or no");
		break;
	case KEY_COUNT:
	case KEY_BYTES:
	case KEY_MSEC:
	case KEY_MODE:
		value_write_range(key, ret_text);
		break;
	case KEY_RATE:
		textbuf_add(ret_text, "number[/time]");
		break;
	case KEY_LOAD:
		textbuf_add(ret_text, "number");
		break;
	case KEY_CHOICE:
		value_split_choices(key->words, room, words);
		for (size_t i = 0; words[i] != NULL; i++)
			textbuf_addf(ret_text, "%s%s", i > 0 ? ", " : "", words[i]);
		break;
	case KEY_STRING:
		textbuf_add(ret_text, "text");
		break;
	case KEY_TEXT:
		textbuf_add(ret_text, "text, or file:path");
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
		textbuf_add(ret_text, "soft[:hard], each a number or unlimited");
		break;
	case KEY_LIST:
		textbuf_add(ret_text, "words");
		break;
	case KEY_NAMES:
		textbuf_add(ret_text, "names, or nothing for none");
		break;
	case KEY_RULES:
		textbuf_add(ret_text, "rules, or nothing for none");
		break;
	case KEY_HOURS:
		textbuf_add(ret_text, "spans of hours, or nothing for none");
		break;
	}
}
