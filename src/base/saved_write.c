/* SPDX-License-Identifier: ISC */
/* Rows of saved state, to text. */
#include "base/saved_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define FIELD_OF(type, row, field) \
	(*(type const *)(const void *)((const char *)(row) + (field)->offset))

/* Bytes that would part words, or begin what stands for nothing, are written as %XX. */
static void
add_bytes(struct textbuf *text, const char *bytes, size_t length)
{
	for (size_t at = 0; at < length;) {
		size_t plain = 0;

		while (at + plain < length && saved_is_plain(bytes[at + plain]) &&
			(at + plain > 0 || bytes[0] != *SAVED_NO_TEXT))
			plain++;
		textbuf_add_bytes(text, bytes + at, plain);
		at += plain;
		if (at < length)
			textbuf_addf(text, "%%%02x", (unsigned int)(unsigned char)bytes[at++]);
	}
}

static void
add_text(struct textbuf *text, const char *bytes, size_t length)
{
	if (bytes == NULL)
		textbuf_add(text, SAVED_NO_TEXT);
	else
		add_bytes(text, bytes, length);
}

/* Family, scope, port, and the bytes of the address. */
static void
add_address(struct textbuf *text, const struct netaddr *address)
{
	const unsigned char *ip = (const unsigned char *)&address->ip;

	textbuf_addf(text, "%u/%" PRIu32 "/%u/", address->family, address->scope, address->port);
	for (size_t i = 0; i < saved_ip_length(address->family); i++)
		textbuf_addf(text, "%02x", ip[i]);
}

static void
add_fd(const struct saved_writer *writer, unsigned int kind, const void *row, int named_fd)
{
	char word[SAVED_WORD_MAX] = SAVED_NO_TEXT;

	if (named_fd >= 0 && writer->name_fd != NULL)
		writer->name_fd(writer->owner, kind, row, named_fd, word);
	else if (named_fd >= 0)
		(void)snprintf(word, sizeof(word), "%d", named_fd);
	textbuf_add(writer->text, word);
}

static void
add_field(const struct saved_writer *writer, unsigned int kind, const struct saved_field *field,
	const void *row)
{
	struct textbuf *text = writer->text;

	switch (field->type) {
	case SAVED_NUMBER:
		textbuf_addf(text, "%" PRId64, FIELD_OF(int64_t, row, field));
		break;
	case SAVED_COUNT:
		textbuf_addf(text, "%" PRIu64, FIELD_OF(uint64_t, row, field));
		break;
	case SAVED_FLAG:
		textbuf_add(text, FIELD_OF(bool, row, field) ? "yes" : "no");
		break;
	case SAVED_TEXT: {
		const char *value = FIELD_OF(char *, row, field);

		add_text(text, value, value != NULL ? strlen(value) : 0);
		break;
	}
	case SAVED_BYTES: {
		const struct saved_bytes *value = &FIELD_OF(struct saved_bytes, row, field);

		add_text(text, value->bytes, value->length);
		break;
	}
	case SAVED_ADDRESS:
		add_address(text, &FIELD_OF(struct netaddr, row, field));
		break;
	case SAVED_FD:
		add_fd(writer, kind, row, FIELD_OF(int, row, field));
		break;
	}
}

void
saved_begin(const struct saved_writer *writer)
{
	textbuf_addf(writer->text, "%s %" PRIu32 "\n", writer->form->name, writer->form->version);
}

void
saved_add(struct saved_writer *writer, unsigned int kind_index, const void *row)
{
	const struct saved_kind *kind = &writer->form->kinds[kind_index];

	textbuf_add(writer->text, kind->name);
	for (size_t i = 0; i < kind->field_count; i++) {
		textbuf_addf(writer->text, " %s=", kind->fields[i].name);
		add_field(writer, kind_index, &kind->fields[i], row);
	}
	textbuf_add(writer->text, "\n");
	writer->rows++;
}

void
saved_end(const struct saved_writer *writer)
{
	textbuf_addf(writer->text, "end %" PRIu64 "\n", writer->rows);
}
