/* SPDX-License-Identifier: ISC */
/* State that outlives the process which had it: a text of rows, written by one program and read
 * by the next, which may be a newer one. A form is a table: which kinds of row there are, and
 * which fields each has in their order.
 *
 *   reeve-state 1
 *   socket listener=3 fd=72
 *   end 1
 *
 * A reader takes its own version and older ones, in which fields with a higher `since` are not
 * there (they are zero, NULL, -1), and nothing else: no field too many, too few or out of order,
 * no number out of range, no row behind the end, which says how many there are. Pure text; a
 * descriptor is what the caller makes of its word. */
#ifndef REEVE_SAVED_H
#define REEVE_SAVED_H

#include "base/netaddr.h"
#include "base/textbuf.h"

enum saved_type {
	SAVED_NUMBER,  /* int64_t */
	SAVED_COUNT,   /* uint64_t */
	SAVED_FLAG,    /* bool */
	SAVED_TEXT,    /* char *, without NULs; NULL is no text */
	SAVED_BYTES,   /* struct saved_bytes */
	SAVED_ADDRESS, /* struct netaddr */
	SAVED_FD,      /* int; -1: none */
};

/* A NUL follows them. */
struct saved_bytes {
	char *bytes;
	size_t length;
};

/* The C type of each, for saved_structs.def. */
#define SAVED_C_NUMBER int64_t
#define SAVED_C_COUNT uint64_t
#define SAVED_C_FLAG bool
#define SAVED_C_TEXT char *
#define SAVED_C_BYTES struct saved_bytes
#define SAVED_C_ADDRESS struct netaddr
#define SAVED_C_FD int

struct saved_field {
	const char *name;
	enum saved_type type;
	uint32_t since; /* version of the form */
	size_t offset;
};

struct saved_kind {
	const char *name;
	size_t size; /* of the row's struct */
	const struct saved_field *fields;
	size_t field_count;
};

struct saved_form {
	const char *name;
	uint32_t version;
	const struct saved_kind *kinds; /* a row's kind is its index here */
	size_t kind_count;
};

/* Write: begin, one row after another, end. What goes wrong is the textbuf's to tell. */
#define SAVED_WORD_MAX 32 /* of a descriptor, with its NUL */
struct saved_writer {
	const struct saved_form *form;
	struct textbuf *text;
	/* The word for a descriptor of that kind of row; NULL: its number. "-" for none at all. */
	void (*name_fd)(void *owner, unsigned int kind, const void *row, int named_fd,
		char word[SAVED_WORD_MAX]);
	void *owner;
	uint64_t rows;
};
void saved_begin(const struct saved_writer *writer);
void saved_add(struct saved_writer *writer, unsigned int kind, const void *row);
void saved_end(const struct saved_writer *writer);

struct saved_reader {
	/* A row; texts and bytes in it are freed afterwards, unless they were taken (set to NULL).
	 * 0, or -errno and the reading ends with it. */
	int (*take)(void *owner, unsigned int kind, void *row);
	/* The descriptor of that word; -1: there is none. NULL: it is a number. */
	int (*find_fd)(void *owner, const char *word);
	void *owner;
};

/* Where and why a text is wrong, for people. */
struct saved_mistake {
	size_t line;
	const char *what;
};

/* Read all of it. 0, -EPROTO with a mistake, -ENOMEM, or what `take` said. */
int saved_read(const struct saved_form *form, const char *text, size_t length,
	const struct saved_reader *reader, struct saved_mistake *ret_mistake);

#endif
