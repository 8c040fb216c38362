/* SPDX-License-Identifier: ISC */
/* LINK: src/model/proxy.o src/model/proxy_facts.o src/base/netaddr.o src/base/utf8.o */
/* What a stranger may send instead of a PROXY header. Whatever it is: nothing is read behind its
 * end, what is asked for is more than what came and never more than the longest header, and the
 * same header in pieces gives the same answer. */
#include "base/utf8.h"
#include "model/proxy.h"
#include "model/proxy_facts.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

/* What is told of it is text, and bounded. */
static void
check_facts(const struct proxy_header *header)
{
	struct proxy_facts facts;
	uint32_t count = 0;

	proxy_facts_read(&facts, header);
	for (int i = 0; i < PROXY_FACT_COUNT; i++) {
		const char *text = proxy_fact(&facts, (enum proxy_fact)i);

		count += text != NULL;
		must(text == NULL || strlen(text) < sizeof(facts.text[i]));
		must(text == NULL || utf8_check(text, strlen(text)) == strlen(text));
	}
	must(count == facts.count);
}

static enum proxy_result
read_copy(const uint8_t *bytes, size_t length, struct proxy_header *ret_header)
{
	char *copy = malloc(length > 0 ? length : 1);
	enum proxy_result result;

	must(copy != NULL);
	if (length > 0)
		memcpy(copy, bytes, length);
	result = proxy_read(copy, length, ret_header);
	must(ret_header->tlvs == NULL ||
		ret_header->tlvs + ret_header->tlv_length == copy + ret_header->length);
	if (result == PROXY_DONE)
		check_facts(ret_header);
	free(copy);
	ret_header->tlvs = NULL;
	return result;
}

static void
check(enum proxy_result result, const struct proxy_header *header, size_t length)
{
	must((result == PROXY_BAD) == (header->wrong != NULL));
	must(result == PROXY_DONE || !header->is_named);
	if (result == PROXY_MORE)
		must(header->length > length && header->length <= PROXY_V2_MAX);
	if (result == PROXY_DONE)
		must(header->length > 0 && header->length <= length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct proxy_header whole, part;
	enum proxy_result result = read_copy(bytes, length, &whole);

	check(result, &whole, length);
	if (result == PROXY_DONE)
		must(read_copy(bytes, whole.length, &part) == PROXY_DONE &&
			memcmp(&part, &whole, sizeof(part)) == 0);
	/* No beginning of a good one is refused, none is taken for the whole. */
	for (size_t cut = 0; cut < length && cut < 300; cut++) {
		enum proxy_result so_far = read_copy(bytes, cut, &part);

		check(so_far, &part, cut);
		if (result == PROXY_DONE)
			must(so_far == (cut < whole.length ? PROXY_MORE : PROXY_DONE));
		if (so_far == PROXY_BAD)
			must(result == PROXY_BAD);
	}
	return 0;
}
