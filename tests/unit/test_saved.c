/* SPDX-License-Identifier: ISC */
/* LINK: src/base/saved_read.o src/base/saved_write.o src/base/textbuf.o src/base/utf8.o
 * src/base/netaddr.o src/supervisor/saved_state.o */
/* Rows of saved state: what is written is read, older forms too, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/saved.h"
#include "supervisor/saved_state.h"

#include <arpa/inet.h>
#include <errno.h>

struct thing {
	int64_t number;
	uint64_t count;
	bool flag;
	char *text;
	struct saved_bytes bytes;
	struct netaddr address;
	int fd;
	char *later;
};

#define FIELD(type, name, since)                                         \
	{                                                                \
#name, SAVED_##type, since, offsetof(struct thing, name) \
	}

static const struct saved_field fields[] = {
	FIELD(NUMBER, number, 1),
	FIELD(COUNT, count, 1),
	FIELD(FLAG, flag, 1),
	FIELD(TEXT, text, 1),
	FIELD(BYTES, bytes, 1),
	FIELD(ADDRESS, address, 1),
	FIELD(FD, fd, 1),
	FIELD(TEXT, later, 2),
};
static const struct saved_kind kinds[] = {
	{ "thing", sizeof(struct thing), fields, ARRAY_SIZE(fields) },
};
static const struct saved_form form = {
	.name = "things", .version = 2, .kinds = kinds, .kind_count = 1
};

#define ROW                                                                          \
	"thing number=-7 count=18446744073709551615 flag=yes text=a%20b bytes=%00x " \
	"address=2/0/80/7f000001 fd=5"

static int
keep(void *owner, unsigned int kind, void *row)
{
	struct thing *thing = owner;

	assert_int_equal(kind, 0);
	*thing = *(struct thing *)row;
	((struct thing *)row)->text = NULL;
	((struct thing *)row)->bytes.bytes = NULL;
	((struct thing *)row)->later = NULL;
	return 0;
}

static void
forget(struct thing *thing)
{
	free(thing->text);
	free(thing->bytes.bytes);
	free(thing->later);
}

static int
read_text(const char *text, struct thing *thing, struct saved_mistake *mistake)
{
	const struct saved_reader reader = { .take = keep, .owner = thing };

	*thing = (struct thing){ .fd = -1 };
	return saved_read(&form, text, strlen(text), &reader, mistake);
}

static void
what_is_written_is_read(void **state)
{
	struct textbuf text = TEXTBUF_INIT(65536);
	struct saved_writer writer = { .form = &form, .text = &text };
	char words[] = "-%\n\x7f \xff";
	char bytes[] = { 'a', '\0', '%', '-' };
	struct thing row = { .number = INT64_MIN,
		.count = UINT64_MAX,
		.text = words,
		.bytes = { .bytes = bytes, .length = sizeof(bytes) },
		.address = { .family = AF_INET6, .port = 443, .scope = 3 },
		.fd = -1 };
	struct thing got;
	struct saved_mistake mistake;

	(void)state;
	row.address.ip.v6.s6_addr[0] = 0xfe;
	saved_begin(&writer);
	saved_add(&writer, 0, &row);
	saved_end(&writer);
	assert_int_equal(read_text(text.text, &got, &mistake), 0);
	assert_true(got.number == INT64_MIN && got.count == UINT64_MAX && !got.flag);
	assert_string_equal(got.text, words);
	assert_int_equal(got.bytes.length, sizeof(bytes));
	assert_memory_equal(got.bytes.bytes, bytes, sizeof(bytes));
	assert_true(netaddr_equal(&got.address, &row.address));
	assert_int_equal(got.fd, -1);
	assert_null(got.later);
	forget(&got);
	textbuf_fini(&text);
}

static void
an_older_form_lacks_its_later_fields(void **state)
{
	struct saved_mistake mistake;
	struct thing got;

	(void)state;
	assert_int_equal(read_text("things 1\n" ROW "\nend 1\n", &got, &mistake), 0);
	assert_true(got.number == -7 && got.count == UINT64_MAX && got.flag);
	assert_string_equal(got.text, "a b");
	assert_int_equal(got.fd, 5);
	assert_int_equal(ntohl(got.address.ip.v4.s_addr), INADDR_LOOPBACK);
	assert_null(got.later);
	forget(&got);
	assert_int_equal(read_text("things 2\n" ROW " later=x\nend 1\n", &got, &mistake), 0);
	assert_string_equal(got.later, "x");
	forget(&got);
}

static void
nothing_else_is_read_and_it_is_said_where_it_is_wrong(void **state)
{
	static const struct {
		const char *text;
		size_t line;
		const char *what;
	} wrong[] = {
		{ "", 0, "it has no end" },
		{ "things 3\nend 0\n", 1, "it was written by a newer program" },
		{ "things 0\nend 0\n", 1, "it is no state of this kind" },
		{ "others 1\nend 0\n", 1, "it is no state of this kind" },
		{ "things 1\nend 1\n", 2, "its end comes too early" },
		{ "things 1\nend 0\nend 0\n", 2, "its end comes too early" },
		{ "things 1\n" ROW "\n", 2, "it has no end" },
		{ "things 1\nother a=1\nend 1\n", 2, "an unknown kind of row" },
		{ "things 1\n" ROW " more=1\nend 1\n", 2, "there are more fields than known" },
		{ "things 2\n" ROW "\nend 1\n", 2, "a field is missing, or unknown" },
		{ "things 1\nthing number=1 flag=yes\nend 1\n", 2,
			"a field is missing, or unknown" },
		{ "things 1\nthing number=01\nend 1\n", 2, "number" },
		{ "things 1\nthing number=-0\nend 1\n", 2, "number" },
		{ "things 1\nthing number=9223372036854775808\nend 1\n", 2, "number" },
		{ "things 1\nthing number=1 count=-1\nend 1\n", 2, "count" },
		{ "things 1\nthing number=1 count=1 flag=maybe\nend 1\n", 2, "flag" },
		{ "things 1\nthing number=1 count=1 flag=no text=a%0\nend 1\n", 2, "text" },
		{ "things 1\nthing number=1 count=1 flag=no text=%61\nend 1\n", 2, "text" },
		{ "things 1\nthing number=1 count=1 flag=no text=%00\nend 1\n", 2, "text" },
		{ "things 1\nthing number=1 count=1 flag=no text=- bytes=- address=2/0/80/7f0000\n"
		  "end 1\n",
			2, "address" },
		{ "things 1\nthing number=1 count=1 flag=no text=- bytes=- address=0/0/0/ fd=x\n"
		  "end 1\n",
			2, "fd" },
	};
	struct saved_mistake mistake;
	struct thing got;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(read_text(wrong[i].text, &got, &mistake), -EPROTO);
		assert_string_equal(mistake.what, wrong[i].what);
		assert_int_equal(mistake.line, wrong[i].line);
		forget(&got);
	}
}

/* A field that is renamed, moved or taken out would leave behind whoever upgrades. */
static void
the_first_form_of_the_state_stays_readable(void **state)
{
	static const char *const first[] = { "version", "channel", "generation", "next_listener",
		"next_start", "gate_instances", "attempts", "gates", "files_soft", "files_hard",
		"shared", "sources", "config", "lock", "is_final" };
	const struct saved_kind *daemon = &saved_state_form.kinds[SAVED_ROW_daemon];

	(void)state;
	assert_true(daemon->field_count >= ARRAY_SIZE(first));
	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		assert_string_equal(daemon->fields[i].name, first[i]);
		assert_int_equal(daemon->fields[i].since, 1);
	}
	for (size_t i = 0; i < saved_state_form.kind_count; i++)
		for (size_t j = 0; j < saved_state_form.kinds[i].field_count; j++)
			assert_in_range(saved_state_form.kinds[i].fields[j].since, 1,
				SAVED_STATE_VERSION);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(an_older_form_lacks_its_later_fields),
		cmocka_unit_test(nothing_else_is_read_and_it_is_said_where_it_is_wrong),
		cmocka_unit_test(the_first_form_of_the_state_stays_readable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
