/* SPDX-License-Identifier: ISC */
/* What the reader and the writer of values share: the kinds, seen closely. */
#ifndef REEVE_VALUE_KINDS_H
#define REEVE_VALUE_KINDS_H

#include "config/keys.h"

#define VALUE_AUTO (-1)
#define VALUE_CHOICES_MAX 16
#define VALUE_CHOICES_BYTES 384

struct unit {
	const char *name;
	int64_t factor;
};

/* Of that kind, smallest first, ended by a NULL. The empty name is the unit of a bare number. */
const struct unit *value_units(enum key_kind kind);

/* Is the value an int64_t, is it a char **, does it know the word auto? */
bool value_is_number(enum key_kind kind);
bool value_is_list(enum key_kind kind);
bool value_is_joined(enum key_kind kind); /* a list that may be empty, written with commas */
bool value_has_auto(const struct key *key);

int64_t value_get_number(const struct key *key, const void *object);
const char *value_get_text(const struct key *key, const void *object);
char *const *value_get_list(const struct key *key, const void *object);

/* The words of a CHOICE, parted into `ret_words` and ended by a NULL; `room` holds them. */
void value_split_choices(const char *words, char room[static VALUE_CHOICES_BYTES],
	const char *ret_words[static VALUE_CHOICES_MAX]);

/* "1..1000", "auto or 0..30d". */
void value_write_range(const struct key *key, struct textbuf *ret_text);

#endif
