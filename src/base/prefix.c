/* SPDX-License-Identifier: ISC */
/* Address prefixes: from and to text, and what is in them. */
#include "base/prefix.h"

#include <arpa/inet.h>
#include <endian.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static const char no_address[] = "is no address";
static const char no_length[] = "has no length from 0 to 32 (IPv4) or 128 (IPv6) behind its /";

/* Digits alone: no sign, no blank, no zero in front, which some take for octal. */
static bool
read_number(const char *text, size_t length, uint32_t max, uint32_t *ret_number)
{
	uint32_t number = 0;

	if (length == 0 || length > 3 || (length > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		number = number * 10 + (uint32_t)(text[i] - '0');
	}
	*ret_number = number;
	return number <= max;
}

static bool
read_v4(const char *text, size_t length, uint32_t *ret_address)
{
	uint32_t address = 0;

	for (unsigned part = 0; part < 4; part++) {
		const char *dot = part < 3 ? memchr(text, '.', length) : text + length;
		uint32_t octet;

		if (!dot || !read_number(text, (size_t)(dot - text), 255, &octet))
			return false;
		address = address << 8 | octet;
		length -= (size_t)(dot - text);
		text = dot;
		if (part < 3) {
			text++;
			length--;
		}
	}
	*ret_address = address;
	return true;
}

static uint64_t
read_half(const unsigned char *bytes)
{
	uint64_t half;

	memcpy(&half, bytes, sizeof(half));
	return be64toh(half);
}

static bool
read_v6(const char *text, size_t length, struct prefix *prefix)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;

	if (length >= sizeof(copy))
		return false;
	memcpy(copy, text, length);
	copy[length] = '\0';
	/* A NUL among the bytes would hide what is behind it. */
	if (memchr(copy, '\0', length) || inet_pton(AF_INET6, copy, &address) != 1)
		return false;
	prefix->high = read_half(address.s6_addr);
	prefix->low = read_half(address.s6_addr + 8);
	return true;
}

/* 255.255.0.0 is 16. */
static bool
read_mask(const char *text, size_t length, uint32_t *ret_length)
{
	uint32_t mask;

	if (!read_v4(text, length, &mask) || (~mask & (~mask + 1)) != 0)
		return false;
	*ret_length = (uint32_t)__builtin_popcount(mask);
	return true;
}

static uint32_t
length_by_zeros(uint32_t address)
{
	uint32_t length = 32;

	while (length > 0 && (address & 0xff) == 0) {
		address >>= 8;
		length -= 8;
	}
	return length;
}

static bool
has_bits_behind(const struct prefix *prefix)
{
	unsigned length = prefix->length;

	if (length < 64)
		return (prefix->high << length) != 0 || prefix->low != 0;
	return length < 128 && (prefix->low << (length - 64)) != 0;
}

/* What stands behind the address: /length, /netmask or nothing. */
static bool
read_length(const char *slash, const char *end, enum prefix_style style, struct prefix *prefix)
{
	uint32_t length = prefix->is_v4 ? 32 : 128;

	if (!slash && prefix->is_v4 && style == PREFIX_TRAILING_ZEROS)
		length = length_by_zeros((uint32_t)(prefix->high >> 32));
	if (slash && !read_number(slash + 1, (size_t)(end - slash - 1), length, &length) &&
		(!prefix->is_v4 || !read_mask(slash + 1, (size_t)(end - slash - 1), &length)))
		return false;
	prefix->length = (uint8_t)length;
	return true;
}

/* ::ffff:192.0.2.0/120 is 192.0.2.0/24. */
static void
unmap(struct prefix *prefix)
{
	if (prefix->is_v4 || prefix->length < 96 || prefix->high != 0 ||
		prefix->low >> 32 != 0xffff)
		return;
	prefix->high = prefix->low << 32;
	prefix->low = 0;
	prefix->length = (uint8_t)(prefix->length - 96);
	prefix->is_v4 = true;
}

const char *
prefix_parse(struct prefix *ret_prefix, const char *text, size_t length, enum prefix_style style)
{
	const char *end = text + length;
	const char *slash = memchr(text, '/', length);
	size_t address_length = slash ? (size_t)(slash - text) : length;
	struct prefix prefix = { .number = 0 };
	uint32_t v4;

	if (memchr(text, ':', address_length)) {
		if (!read_v6(text, address_length, &prefix))
			return no_address;
	} else {
		if (!read_v4(text, address_length, &v4))
			return no_address;
		prefix.is_v4 = true;
		prefix.high = (uint64_t)v4 << 32;
	}
	if (!read_length(slash, end, style, &prefix))
		return no_length;
	if (has_bits_behind(&prefix))
		return "has bits set behind its length";
	unmap(&prefix);
	*ret_prefix = prefix;
	return NULL;
}

const char *
prefix_format(const struct prefix *prefix, char *text)
{
	char address[INET6_ADDRSTRLEN];
	unsigned char bytes[16];

	for (unsigned i = 0; i < 8; i++) {
		bytes[i] = (unsigned char)(prefix->high >> (56 - 8 * i));
		bytes[i + 8] = (unsigned char)(prefix->low >> (56 - 8 * i));
	}
	(void)inet_ntop(prefix->is_v4 ? AF_INET : AF_INET6, bytes, address, sizeof(address));
	(void)snprintf(text, PREFIX_TEXT_MAX, "%s/%u", address, prefix->length);
	return text;
}

struct prefix
prefix_of_address(const struct netaddr *address)
{
	const unsigned char *bytes = address->ip.v6.s6_addr;

	if (address->family == AF_INET)
		return (struct prefix){ .high = (uint64_t)ntohl(address->ip.v4.s_addr) << 32,
			.length = 32,
			.is_v4 = true };
	return (struct prefix){
		.high = read_half(bytes), .low = read_half(bytes + 8), .length = 128
	};
}

/* The uppermost bits of a half. */
static uint64_t
mask_of(unsigned bits)
{
	if (bits == 0)
		return 0;
	return bits >= 64 ? UINT64_MAX : ~(UINT64_MAX >> bits);
}

bool
prefix_contains(const struct prefix *outer, const struct prefix *inner)
{
	unsigned length = outer->length;

	return outer->is_v4 == inner->is_v4 && inner->length >= length &&
		((inner->high ^ outer->high) & mask_of(length)) == 0 &&
		((inner->low ^ outer->low) & mask_of(length > 64 ? length - 64 : 0)) == 0;
}
