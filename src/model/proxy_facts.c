/* SPDX-License-Identifier: ISC */
/* Facts behind a PROXY header's addresses. */
#include "model/proxy_facts.h"

#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

#define TLV_HEAD 3
#define TLV_SSL 0x20
#define SSL_HEAD 5 /* a byte of flags, four of a verdict on the certificate; then TLVs again */

struct tlvs {
	const unsigned char *at;
	const unsigned char *end;
};

struct tlv {
	unsigned int type;
	const unsigned char *bytes;
	size_t length;
};

/* Which fact a type is; the same number means another thing inside of TLV_SSL. */
static const struct {
	unsigned int type;
	bool is_ssl;
	enum proxy_fact fact;
} facts_by_type[] = {
	{ 0x01, false, PROXY_FACT_ALPN },
	{ 0x02, false, PROXY_FACT_AUTHORITY },
	{ 0x05, false, PROXY_FACT_UNIQUE_ID },
	{ 0x21, true, PROXY_FACT_SSL_VERSION },
	{ 0x22, true, PROXY_FACT_SSL_CN },
};

/* Those inside of TLV_SSL nobody has checked yet: a broken one ends them. */
static bool
next_tlv(struct tlvs *tlvs, struct tlv *ret_tlv)
{
	size_t left = (size_t)(tlvs->end - tlvs->at);

	if (left < TLV_HEAD)
		return false;
	ret_tlv->type = tlvs->at[0];
	ret_tlv->length = (size_t)tlvs->at[1] << 8 | tlvs->at[2];
	ret_tlv->bytes = tlvs->at + TLV_HEAD;
	if (ret_tlv->length > left - TLV_HEAD)
		return false;
	tlvs->at = ret_tlv->bytes + ret_tlv->length;
	return true;
}

static bool
is_harmless(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f)
			return false;
	return utf8_check(bytes, length) == length;
}

static void
write_text(const struct tlv *tlv, char text[static 2 * PROXY_FACT_MAX + 8])
{
	size_t kept = tlv->length < PROXY_FACT_MAX ? tlv->length : PROXY_FACT_MAX;
	const char *cut = kept < tlv->length ? "..." : "";
	const char *bytes = (const char *)tlv->bytes;
	char *at = text;

	/* Where it is cut, half a character may be left over. */
	if (is_harmless(bytes, tlv->length)) {
		(void)snprintf(text, 2 * PROXY_FACT_MAX + 8, "%.*s%s", (int)utf8_check(bytes, kept),
			bytes, cut);
		return;
	}
	at = stpcpy(at, "0x");
	for (size_t i = 0; i < kept; i++)
		at += sprintf(at, "%02x", (unsigned int)tlv->bytes[i]);
	(void)stpcpy(at, cut);
}

static void
keep(struct proxy_facts *facts, const struct tlv *tlv, bool is_ssl)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts_by_type); i++) {
		enum proxy_fact fact = facts_by_type[i].fact;

		if (facts_by_type[i].type != tlv->type || facts_by_type[i].is_ssl != is_ssl ||
			facts->is_there[fact] || tlv->length == 0)
			continue;
		facts->is_there[fact] = true;
		facts->count++;
		write_text(tlv, facts->text[fact]);
	}
}

static void
read_ssl(struct proxy_facts *facts, const struct tlv *ssl)
{
	struct tlvs tlvs = { .at = ssl->bytes, .end = ssl->bytes + ssl->length };
	struct tlv tlv;

	if (ssl->length < SSL_HEAD)
		return;
	tlvs.at += SSL_HEAD;
	while (next_tlv(&tlvs, &tlv))
		keep(facts, &tlv, true);
}

void
proxy_facts_read(struct proxy_facts *ret_facts, const struct proxy_header *header)
{
	const unsigned char *start = (const unsigned char *)header->tlvs;
	struct tlvs tlvs;
	struct tlv tlv;

	memset(ret_facts->is_there, 0, sizeof(ret_facts->is_there));
	ret_facts->count = 0;
	if (start == NULL)
		return;
	tlvs = (struct tlvs){ .at = start, .end = start + header->tlv_length };
	while (next_tlv(&tlvs, &tlv)) {
		keep(ret_facts, &tlv, false);
		if (tlv.type == TLV_SSL)
			read_ssl(ret_facts, &tlv);
	}
}

const char *
proxy_fact(const struct proxy_facts *facts, enum proxy_fact fact)
{
	return facts->is_there[fact] ? facts->text[fact] : NULL;
}
