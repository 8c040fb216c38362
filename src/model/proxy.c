/* SPDX-License-Identifier: ISC */
/* PROXY protocol headers. */
#include "model/proxy.h"

#include <string.h>

#define SIGNATURE_LENGTH 12
#define UNIX_PATH_BYTES 108
#define TLV_HEAD 3
#define TLV_CRC32C 3
#define CRC_POLYNOMIAL 0x82f63b78u /* Castagnoli's, bits reversed */

static const char signature[SIGNATURE_LENGTH + 1] = "\r\n\r\n\0\r\nQUIT\n";
static const char v1_word[] = "PROXY ";

/* The commands and families of version 2; what is in neither list must be refused. */
enum command { COMMAND_LOCAL, COMMAND_PROXY };

static enum proxy_result
bad(struct proxy_header *header, const char *wrong)
{
	header->wrong = wrong;
	return PROXY_BAD;
}

static enum proxy_result
more(struct proxy_header *header, size_t wanted)
{
	header->length = wanted;
	return PROXY_MORE;
}

/* ---------------------------------------------------------------- version 1: a line of text */

/* The next word of the line; false when a single blank does not follow, or (`is_last`) does. */
static bool
next_word(const char **at, const char *end, bool is_last, char *ret_word, size_t room)
{
	const char *blank = memchr(*at, ' ', (size_t)(end - *at));
	const char *stop = blank != NULL ? blank : end;
	size_t length = (size_t)(stop - *at);

	if (length == 0 || length >= room || (blank == NULL) != is_last)
		return false;
	memcpy(ret_word, *at, length);
	ret_word[length] = '\0';
	*at = is_last ? stop : stop + 1;
	return strlen(ret_word) == length;
}

static bool
read_port(const char *word, uint16_t *ret_port)
{
	uint32_t port = 0;

	if (*word == '0' && word[1] != '\0')
		return false;
	for (const char *digit = word; *digit != '\0'; digit++) {
		if (*digit < '0' || *digit > '9')
			return false;
		port = port * 10 + (uint32_t)(*digit - '0');
		if (port > UINT16_MAX)
			return false;
	}
	*ret_port = (uint16_t)port;
	return true;
}

/* inet_pton's forms of that family alone: no scope, no IPv4 under the name TCP6. */
static bool
read_ip(const char *word, bool is_v6, struct netaddr *ret_address)
{
	bool has_colon = strchr(word, ':') != NULL;

	return has_colon == is_v6 && strchr(word, '%') == NULL &&
		netaddr_parse_ip(ret_address, word) == 0;
}

static enum proxy_result
read_v1_addresses(const char *at, const char *end, bool is_v6, struct proxy_header *header)
{
	struct netaddr peer, local;
	char words[4][INET6_ADDRSTRLEN];

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (!next_word(&at, end, i == ARRAY_SIZE(words) - 1, words[i], sizeof(words[i])))
			return bad(header, "two addresses and two ports are wanted");
	if (!read_ip(words[0], is_v6, &peer) || !read_ip(words[1], is_v6, &local))
		return bad(header, "an address is none of its family");
	if (!read_port(words[2], &peer.port) || !read_port(words[3], &local.port))
		return bad(header, "a port is no number up to 65535");
	header->peer = peer;
	header->local = local;
	header->is_named = true;
	return PROXY_DONE;
}

static bool
begins_with(const char *at, const char *end, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
}

static enum proxy_result
read_v1(const char *bytes, size_t length, struct proxy_header *header)
{
	size_t looked = length < PROXY_V1_MAX ? length : PROXY_V1_MAX;
	const char *newline = memchr(bytes, '\n', looked);
	const char *at = bytes + strlen(v1_word), *end;

	if (newline == NULL)
		return length < PROXY_V1_MAX ? more(header, length + 1)
					     : bad(header, "the line does not end");
	end = newline - 1;
	if (end < at || *end != '\r')
		return bad(header, "the line ends without CR LF");
	header->length = (size_t)(newline - bytes) + 1;
	if (begins_with(at, end, "TCP4 "))
		return read_v1_addresses(at + 5, end, false, header);
	if (begins_with(at, end, "TCP6 "))
		return read_v1_addresses(at + 5, end, true, header);
	/* Whatever follows UNKNOWN is to be passed over. */
	if (begins_with(at, end, "UNKNOWN") && (end - at == 7 || at[7] == ' '))
		return PROXY_DONE;
	return bad(header, "the family is none of TCP4, TCP6, UNKNOWN");
}

/* ---------------------------------------------------------------- version 2: bytes */

static uint16_t
read_u16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t
read_u32(const unsigned char *at)
{
	return (uint32_t)read_u16(at) << 16 | read_u16(at + 2);
}

static void
read_v4(const unsigned char *at, struct proxy_header *header)
{
	header->peer = (struct netaddr){ .family = AF_INET, .port = read_u16(at + 8) };
	header->local = (struct netaddr){ .family = AF_INET, .port = read_u16(at + 10) };
	memcpy(&header->peer.ip.v4, at, 4);
	memcpy(&header->local.ip.v4, at + 4, 4);
}

/* The kernel's form on the way, so that a mapped IPv4 address becomes one. */
static struct netaddr
address_of_v6(const unsigned char *ip, uint16_t port)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct netaddr address = { .family = AF_UNSPEC };
	union {
		struct sockaddr any;
		struct sockaddr_in6 in6;
	} from;

	memcpy(&in6.sin6_addr, ip, sizeof(in6.sin6_addr));
	from.in6 = in6;
	(void)netaddr_from_sockaddr(&address, &from.any);
	return address;
}

static void
read_v6(const unsigned char *at, struct proxy_header *header)
{
	header->peer = address_of_v6(at, read_u16(at + 32));
	header->local = address_of_v6(at + 16, read_u16(at + 34));
}

static void
read_unix(const unsigned char *at, struct proxy_header *header)
{
	(void)at; /* two paths of somebody else's machine */
	header->peer = (struct netaddr){ .family = AF_UNIX };
	header->local = header->peer;
}

/* Families with the transports that speak of a connection, and how long their addresses are. */
static const struct family {
	unsigned char code; /* family << 4 | transport */
	size_t length;
	void (*read)(const unsigned char *at,
		struct proxy_header *header); /* NULL: nothing is said */
} families[] = {
	{ 0x00, 0, NULL },
	{ 0x11, 12, read_v4 },
	{ 0x12, 12, read_v4 },
	{ 0x21, 36, read_v6 },
	{ 0x22, 36, read_v6 },
	{ 0x31, 2 * UNIX_PATH_BYTES, read_unix },
	{ 0x32, 2 * UNIX_PATH_BYTES, read_unix },
};

static const struct family *
find_family(unsigned char code)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		if (families[i].code == code)
			return &families[i];
	return NULL;
}

static uint32_t
crc_step(uint32_t crc, unsigned char byte)
{
	crc ^= byte;
	for (int bit = 0; bit < 8; bit++)
		crc = crc >> 1 ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
	return crc;
}

/* Of the whole header, with zeros where the checksum itself stands. */
static bool
has_checksum(const unsigned char *header, size_t length, size_t checksum_at)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < length; i++)
		crc = crc_step(crc, i - checksum_at < 4 ? 0 : header[i]);
	return (crc ^ UINT32_MAX) == read_u32(header + checksum_at);
}

static const char *
check_tlvs(const unsigned char *header, size_t at, size_t length)
{
	while (at < length) {
		size_t size;

		if (length - at < TLV_HEAD)
			return "a fact behind the addresses is cut short";
		size = read_u16(header + at + 1);
		if (size > length - at - TLV_HEAD)
			return "a fact behind the addresses is longer than the header";
		if (header[at] == TLV_CRC32C &&
			(size != 4 || !has_checksum(header, length, at + TLV_HEAD)))
			return "the checksum is wrong";
		at += TLV_HEAD + size;
	}
	return NULL;
}

static enum proxy_result
read_v2_body(const unsigned char *bytes, size_t length, struct proxy_header *header)
{
	const struct family *family = find_family(bytes[13]);
	size_t tlvs_at = PROXY_V2_HEAD;

	if (family == NULL)
		return bad(header, "the family or transport is unknown");
	if (family->length > length - PROXY_V2_HEAD)
		return bad(header, "the addresses are cut short");
	/* A proxy that speaks for itself (a health check): what it says besides does not count. */
	if ((bytes[12] & 0x0f) == COMMAND_LOCAL)
		return PROXY_DONE;
	tlvs_at += family->length;
	header->wrong = check_tlvs(bytes, tlvs_at, length);
	if (header->wrong != NULL)
		return PROXY_BAD;
	header->tlvs = (const char *)bytes + tlvs_at;
	header->tlv_length = length - tlvs_at;
	if (family->read != NULL) {
		family->read(bytes + PROXY_V2_HEAD, header);
		header->is_named = true;
	}
	return PROXY_DONE;
}

static enum proxy_result
read_v2(const char *bytes, size_t length, struct proxy_header *header)
{
	const unsigned char *head = (const unsigned char *)bytes;

	if (length < PROXY_V2_HEAD)
		return more(header, PROXY_V2_HEAD);
	if (head[12] != (0x20 | COMMAND_LOCAL) && head[12] != (0x20 | COMMAND_PROXY))
		return bad(header, "the version or command is unknown");
	header->length = PROXY_V2_HEAD + (size_t)read_u16(head + 14);
	if (header->length > PROXY_V2_MAX)
		return bad(header, "it is too long");
	if (length < header->length)
		return PROXY_MORE;
	return read_v2_body(head, header->length, header);
}

/* ---------------------------------------------------------------- both */

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

enum proxy_result
proxy_read(const char *bytes, size_t length, struct proxy_header *ret_header)
{
	const size_t word_length = sizeof(v1_word) - 1;

	*ret_header = (struct proxy_header){ .length = 0 };
	if (length >= word_length && memcmp(bytes, v1_word, word_length) == 0)
		return read_v1(bytes, length, ret_header);
	if (length >= SIGNATURE_LENGTH && memcmp(bytes, signature, SIGNATURE_LENGTH) == 0)
		return read_v2(bytes, length, ret_header);
	if (memcmp(bytes, v1_word, least(length, word_length)) == 0)
		return more(ret_header, word_length);
	if (memcmp(bytes, signature, least(length, SIGNATURE_LENGTH)) == 0)
		return more(ret_header, SIGNATURE_LENGTH);
	return bad(ret_header, "it does not begin like one");
}
