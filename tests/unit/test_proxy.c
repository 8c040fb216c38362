/* SPDX-License-Identifier: ISC */
/* PROXY protocol headers. */
/* LINK: src/model/proxy.o src/model/proxy_facts.o src/base/netaddr.o src/base/utf8.o */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/proxy.h"
#include "model/proxy_facts.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V2(command, family, length) SIGNATURE command family length
#define ADDRESSES \
	"\xc0\x00\x02\x01\xc6\x33\x64\x02\x9c\x40\x00\x50" /* 192.0.2.1:40000 198.51.100.2:80 */

/* In memory of just that size, so that a sanitizer sees a look behind the end. */
static enum proxy_result
read_copy(const char *bytes, size_t length, struct proxy_header *ret_header)
{
	char *copy = malloc(length > 0 ? length : 1);
	enum proxy_result result;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	result = proxy_read(copy, length, ret_header);
	free(copy);
	return result;
}

static void
must_be(const char *bytes, size_t length, const char *peer, const char *local)
{
	struct proxy_header header;
	char text[NETADDR_TEXT_MAX];

	assert_int_equal(read_copy(bytes, length, &header), PROXY_DONE);
	assert_int_equal(header.length, length);
	assert_true(header.is_named);
	assert_string_equal(netaddr_format(&header.peer, text), peer);
	assert_string_equal(netaddr_format(&header.local, text), local);
}

static void
must_be_bad(const char *bytes, size_t length)
{
	struct proxy_header header;

	assert_int_equal(read_copy(bytes, length, &header), PROXY_BAD);
	assert_non_null(header.wrong);
	assert_false(header.is_named);
}

/* Every beginning of a good header wants more, and never more than the header has. */
static void
every_beginning_wants_more(const char *bytes, size_t length)
{
	for (size_t part = 0; part < length; part++) {
		struct proxy_header header;

		assert_int_equal(read_copy(bytes, part, &header), PROXY_MORE);
		assert_true(header.length > part);
		assert_true(header.length <= length);
	}
}

#define MUST_BE(literal, peer, local) must_be(literal, sizeof(literal) - 1, peer, local)
#define MUST_BE_BAD(literal) must_be_bad(literal, sizeof(literal) - 1)

static void
version_1_names_the_client(void **state)
{
	(void)state;
	MUST_BE("PROXY TCP4 192.0.2.1 198.51.100.2 40000 80\r\n", "192.0.2.1:40000",
		"198.51.100.2:80");
	MUST_BE("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n", "[2001:db8::1]:1",
		"[2001:db8::2]:65535");
	MUST_BE("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:192.0.2.2 0 0\r\n", "192.0.2.1:0",
		"192.0.2.2:0");
}

static void
version_2_names_the_client(void **state)
{
	static const char v6[] = V2("\x21", "\x21",
		"\x00\x24") "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
			    "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x9c\x40\x00\x50";

	(void)state;
	MUST_BE(V2("\x21", "\x11", "\x00\x0c") ADDRESSES, "192.0.2.1:40000", "198.51.100.2:80");
	must_be(v6, sizeof(v6) - 1, "[2001:db8::1]:40000", "[2001:db8::2]:80");
}

static void
a_beginning_asks_for_the_rest_of_the_header_and_no_more(void **state)
{
	static const char v1[] = "PROXY TCP4 192.0.2.1 198.51.100.2 40000 80\r\n";
	static const char v2[] = V2("\x21", "\x11", "\x00\x0f") ADDRESSES "\x04\x00\x00";

	(void)state;
	every_beginning_wants_more(v1, sizeof(v1) - 1);
	every_beginning_wants_more(v2, sizeof(v2) - 1);
}

static void
what_the_client_sent_behind_it_is_left_alone(void **state)
{
	static const char v1[] = "PROXY UNKNOWN\r\nGET / HTTP/1.0\r\n";
	static const char v2[] = V2("\x20", "\x00", "\x00\x00") "hello";
	struct proxy_header header;

	(void)state;
	assert_int_equal(read_copy(v1, sizeof(v1) - 1, &header), PROXY_DONE);
	assert_int_equal(header.length, 15);
	assert_int_equal(read_copy(v2, sizeof(v2) - 1, &header), PROXY_DONE);
	assert_int_equal(header.length, 16);
}

static void
a_proxy_that_speaks_for_itself_names_nobody(void **state)
{
	static const char *const v1[] = { "PROXY UNKNOWN\r\n",
		"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n" };
	struct proxy_header header;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v1); i++) {
		assert_int_equal(read_copy(v1[i], strlen(v1[i]), &header), PROXY_DONE);
		assert_false(header.is_named);
	}
	assert_int_equal(read_copy(V2("\x20", "\x11", "\x00\x0c") ADDRESSES, 28, &header),
		PROXY_DONE);
	assert_false(header.is_named);
	assert_int_equal(read_copy(V2("\x21", "\x00", "\x00\x00"), 16, &header), PROXY_DONE);
	assert_false(header.is_named);
}

static void
a_broken_line_is_refused(void **state)
{
	(void)state;
	MUST_BE_BAD("GET / HTTP/1.0\r\n");
	MUST_BE_BAD("PROXY TCP4 192.0.2.1 198.51.100.2 40000 80\n");
	MUST_BE_BAD("PROXY TCP4 192.0.2.1 198.51.100.2 40000\r\n");
	MUST_BE_BAD("PROXY TCP4 192.0.2.1 198.51.100.2 40000 80 \r\n");
	MUST_BE_BAD("PROXY TCP4  192.0.2.1 198.51.100.2 40000 80\r\n");
	MUST_BE_BAD("PROXY TCP4 192.0.2.1 198.51.100.2 40000 080\r\n");
	MUST_BE_BAD("PROXY TCP4 192.0.2.1 198.51.100.2 65536 80\r\n");
	MUST_BE_BAD("PROXY TCP4 192.0.2.1 198.51.100.2 -1 80\r\n");
	MUST_BE_BAD("PROXY TCP4 192.0.2.01 198.51.100.2 1 80\r\n");
	MUST_BE_BAD("PROXY TCP4 2001:db8::1 2001:db8::2 1 80\r\n");
	MUST_BE_BAD("PROXY TCP6 192.0.2.1 198.51.100.2 1 80\r\n");
	MUST_BE_BAD("PROXY TCP6 fe80::1%lo fe80::2 1 80\r\n");
	MUST_BE_BAD("PROXY TCP4 192.0.2.1\0 198.51.100.2 1 80\r\n");
	MUST_BE_BAD("PROXY UDP4 192.0.2.1 198.51.100.2 1 80\r\n");
	MUST_BE_BAD("PROXY UNKNOWNS\r\n");
	MUST_BE_BAD("PROXY \r\n");
	MUST_BE_BAD("proxy TCP4 192.0.2.1 198.51.100.2 1 80\r\n");
}

static void
a_line_that_does_not_end_is_refused_at_its_greatest_length(void **state)
{
	char line[PROXY_V1_MAX];
	struct proxy_header header;

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(read_copy(line, sizeof(line) - 1, &header), PROXY_MORE);
	must_be_bad(line, sizeof(line));
}

static void
broken_bytes_are_refused(void **state)
{
	(void)state;
	MUST_BE_BAD(V2("\x11", "\x11", "\x00\x0c") ADDRESSES);
	MUST_BE_BAD(V2("\x22", "\x11", "\x00\x0c") ADDRESSES);
	MUST_BE_BAD(V2("\x21", "\x13", "\x00\x0c") ADDRESSES);
	MUST_BE_BAD(V2("\x21", "\x41", "\x00\x0c") ADDRESSES);
	MUST_BE_BAD(V2("\x21", "\x11", "\x00\x0b") ADDRESSES);
	MUST_BE_BAD(V2("\x21", "\x21", "\x00\x0c") ADDRESSES);
	MUST_BE_BAD(V2("\x21", "\x11", "\xff\xff") ADDRESSES);
	MUST_BE_BAD(V2("\x21", "\x11", "\x00\x0e") ADDRESSES "\x04\x00");
	MUST_BE_BAD(V2("\x21", "\x11", "\x00\x10") ADDRESSES "\x04\x00\x02x");
}

/* The checksum of "123456789" is known from RFC 3720, that of a header is worked out here. */
static uint32_t
crc32c(const char *bytes, size_t length)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++)
		for (int bit = 0; bit < 8; bit++) {
			uint32_t wanted = ((unsigned char)bytes[i] >> bit & 1) ^ (crc & 1);

			crc = crc >> 1 ^ (wanted ? 0x82f63b78u : 0);
		}
	return ~crc;
}

static void
a_wrong_checksum_is_refused(void **state)
{
	char header[] = V2("\x21", "\x11", "\x00\x13") ADDRESSES "\x03\x00\x04\0\0\0\0";
	size_t length = sizeof(header) - 1;
	uint32_t crc = crc32c(header, length);

	(void)state;
	assert_int_equal(crc32c("123456789", 9), 0xe3069283u);
	for (size_t i = 0; i < 4; i++)
		header[length - 1 - i] = (char)(crc >> 8 * i);
	must_be(header, length, "192.0.2.1:40000", "198.51.100.2:80");
	header[PROXY_V2_HEAD] ^= 1;
	must_be_bad(header, length);
}

/* The facts of a header that has these bytes behind its addresses. */
static void
read_facts(const char *tlvs, size_t length, struct proxy_facts *ret_facts)
{
	char header[PROXY_V2_MAX] = V2("\x21", "\x11", "\0\0") ADDRESSES;
	size_t body = 12 + length;
	struct proxy_header read;

	header[14] = (char)(body >> 8);
	header[15] = (char)body;
	memcpy(header + PROXY_V2_HEAD + 12, tlvs, length);
	assert_int_equal(proxy_read(header, PROXY_V2_HEAD + body, &read), PROXY_DONE);
	proxy_facts_read(ret_facts, &read);
}

static void
facts_are_told_of_a_header_as_text(void **state)
{
	static const char tlvs[] = "\x01\0\x02h2"
				   "\x04\0\x05noop!"
				   "\x02\0\13example.org"
				   "\x05\0\x03\0\xffz"
				   "\x20\0\x19\1\0\0\0\0\x21\0\x07TLSv1.3\x22\0\x07M\xc3\xbcller";
	struct proxy_facts facts;

	(void)state;
	read_facts(tlvs, sizeof(tlvs) - 1, &facts);
	assert_int_equal(facts.count, 5);
	assert_string_equal(proxy_fact(&facts, PROXY_FACT_ALPN), "h2");
	assert_string_equal(proxy_fact(&facts, PROXY_FACT_AUTHORITY), "example.org");
	assert_string_equal(proxy_fact(&facts, PROXY_FACT_UNIQUE_ID), "0x00ff7a");
	assert_string_equal(proxy_fact(&facts, PROXY_FACT_SSL_VERSION), "TLSv1.3");
	assert_string_equal(proxy_fact(&facts, PROXY_FACT_SSL_CN), "M\xc3\xbcller");
}

static void
facts_that_are_not_there_or_broken_are_absent(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{ "", 0 },
		{ "\x01\0\0", 3 },
		{ "\x21\0\1x\x22\0\1y", 8 },                /* outside of the one for TLS */
		{ "\x20\0\4\1\0\0\0", 7 },                  /* cut before its facts */
		{ "\x20\0\x0a\1\0\0\0\0\x21\0\x09xy", 13 }, /* one that is longer than it */
		{ "\x20\0\7\1\0\0\0\0\x01\0", 10 },
	};
	struct proxy_facts facts;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		read_facts(rows[i].bytes, rows[i].length, &facts);
		assert_int_equal(facts.count, 0);
		assert_null(proxy_fact(&facts, PROXY_FACT_ALPN));
	}
}

static void
a_fact_that_is_long_or_no_text_is_cut_and_harmless(void **state)
{
	char tlvs[3 + 300] = "\x02\1\x2c";
	struct proxy_facts facts;
	const char *text;

	(void)state;
	memset(tlvs + 3, 'a', 300);
	/* A character of two bytes lies across the cut. */
	memcpy(tlvs + 3 + PROXY_FACT_MAX - 1, "\xc3\xa4", 2);
	read_facts(tlvs, sizeof(tlvs), &facts);
	text = proxy_fact(&facts, PROXY_FACT_AUTHORITY);
	assert_int_equal(strlen(text), PROXY_FACT_MAX - 1 + 3);
	assert_string_equal(text + PROXY_FACT_MAX - 4, "aaa...");
	tlvs[3] = '\033';
	read_facts(tlvs, sizeof(tlvs), &facts);
	text = proxy_fact(&facts, PROXY_FACT_AUTHORITY);
	assert_int_equal(strlen(text), 2 + 2 * PROXY_FACT_MAX + 3);
	assert_memory_equal(text, "0x1b6161", 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_are_told_of_a_header_as_text),
		cmocka_unit_test(facts_that_are_not_there_or_broken_are_absent),
		cmocka_unit_test(a_fact_that_is_long_or_no_text_is_cut_and_harmless),
		cmocka_unit_test(version_1_names_the_client),
		cmocka_unit_test(version_2_names_the_client),
		cmocka_unit_test(a_beginning_asks_for_the_rest_of_the_header_and_no_more),
		cmocka_unit_test(what_the_client_sent_behind_it_is_left_alone),
		cmocka_unit_test(a_proxy_that_speaks_for_itself_names_nobody),
		cmocka_unit_test(a_broken_line_is_refused),
		cmocka_unit_test(a_line_that_does_not_end_is_refused_at_its_greatest_length),
		cmocka_unit_test(broken_bytes_are_refused),
		cmocka_unit_test(a_wrong_checksum_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
