/* SPDX-License-Identifier: ISC */
/* What can be done with a key's value whatever its kind: read it, write it, compare it, copy it.
 * `object` is the struct config_daemon or struct service_keys that it lies in. */
#ifndef REEVE_VALUE_H
#define REEVE_VALUE_H

#include "config/keys.h"

/* Room for what key_read says about a bad value. */
#define KEY_PROBLEM_MAX 1024

/* Read `text` as the key's value into the object (a LIST gets one more element). On a mistake
 * -EINVAL (-ENOMEM), the object is untouched, and `ret_problem` says what is wrong and what is
 * wanted. */
int key_read(const struct key *key, void *object, const char *text, struct arena *arena,
	struct textbuf *ret_problem);

/* Write the value as key_read takes it; of a LIST, the element of that index. False: there is
 * nothing (more) to write. */
bool key_write(const struct key *key, const void *object, size_t index, struct textbuf *ret_text);

void key_copy(const struct key *key, void *to, const void *from);
bool key_is_equal(const struct key *key, const void *a, const void *b);

/* The text of a key whose kind is STRING, PATH, USER or GROUP. */
char **key_text(const struct key *key, void *object);

/* What may stand there, for people: "0..64", "yes or no", "auto, stderr, journal, syslog". */
void key_describe_values(const struct key *key, struct textbuf *ret_text);

#endif
