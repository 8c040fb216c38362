/* SPDX-License-Identifier: ISC */
/* A table for people and for programs: the same rows are lines that fit the terminal, or a JSON
 * array of objects.
 *
 * Where the lines are too long, texts are cut, the least important column first; then columns are
 * left out in the same order; those of rank 0 are cut last. Running out of memory is remembered,
 * and told by the end. */
#ifndef REEVE_CONTROL_TABLE_H
#define REEVE_CONTROL_TABLE_H

#include "control/output.h"

struct table_column {
	const char *title; /* of the column */
	const char *key;   /* of the object's member */
	uint32_t rank;     /* 0: never left out; the highest goes first */
	bool is_right;     /* a number: written to the right, never cut */
};

struct table;

/* `columns` has to outlive the table. NULL: no memory. */
struct table *table_new(const struct table_column *columns, size_t count);
struct table *table_free(struct table *table);

/* Add the next cell, row by row: a text (NULL: there is none), a number, or a value that people
 * are shown as `shown` (the value is taken over; its text is made harmless). */
void table_add_text(struct table *table, const char *text);
void table_add_number(struct table *table, int64_t number);
void table_add_value(struct table *table, json_t *value, const char *shown);

/* On a terminal the first column takes so many places at most, whatever its texts are. */
void table_narrow(struct table *table, size_t most);

/* The rows as an array; NULL: no memory. */
json_t *table_json(const struct table *table);

/* Print it, as `output` wants it; `empty` (may be NULL) is what people are told when there are no
 * rows. 0 or -errno. */
int table_print(const struct table *table, const struct output *output, const char *empty);

#endif
