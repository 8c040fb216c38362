/* SPDX-License-Identifier: ISC */
/* LINK: src/base/hostname.o src/base/prefix.o src/base/textbuf.o src/base/utf8.o
 * src/config/access_rule.o */
/* Any text as a word of only_from and of access_times: refused with a reason, or kept in a form
 * that is read to the same again and never means more than an address, a name or ALL. */
#include "config/access_rule.h"

#include <string.h>

#define TEXT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

typedef int (*normalise)(const char *word, size_t length, struct textbuf *ret_kept,
	struct textbuf *ret_problem);

static void
must(bool is_so)
{
	if (!is_so)
		abort();
}

/* What was kept has to be a word of its own that is kept as it is. */
static void
check_kept(const char *kept, size_t length, normalise read)
{
	struct textbuf again = TEXTBUF_INIT(TEXT_MAX);
	struct textbuf problem = TEXTBUF_INIT(TEXT_MAX);

	must(length > 0 && access_rule_word(kept) == length);
	must(read(kept, length, &again, &problem) == 0);
	must(again.length == length && memcmp(again.text, kept, length) == 0);
	textbuf_fini(&again);
	textbuf_fini(&problem);
}

static void
check_rule(const char *kept, size_t length)
{
	char *text = strndup(kept, length);
	struct access_rule rule;

	must(text != NULL);
	rule = access_rule_of(text);
	must(rule.kind != ACCESS_RULE_ALL || strcmp(text, "ALL") == 0);
	/* What was kept is understood: nothing becomes the user that there is not. */
	must(rule.kind != ACCESS_RULE_USER || strncmp(text, "user:", 5) == 0);
	must((rule.kind == ACCESS_RULE_DOMAIN) == (text[0] == '.'));
	if (rule.kind == ACCESS_RULE_PREFIX)
		must(rule.prefix.length <= (rule.prefix.is_v4 ? 32 : 128));
	free(text);
}

static void
check_word(const char *word, size_t length, normalise read)
{
	struct textbuf kept = TEXTBUF_INIT(TEXT_MAX);
	struct textbuf problem = TEXTBUF_INIT(TEXT_MAX);
	int error = read(word, length, &kept, &problem);

	if (error < 0)
		must(problem.length > 0);
	for (const char *at = kept.text; error == 0 && textbuf_error(&kept) == 0;) {
		size_t rule_length = access_rule_word(at);

		check_kept(at, rule_length, read);
		if (read == access_rule_normalise)
			check_rule(at, rule_length);
		at += rule_length;
		if (*at == '\0')
			break;
		must(*at == ',');
		at++;
	}
	textbuf_fini(&kept);
	textbuf_fini(&problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = length < TEXT_MAX / 128 ? strndup((const char *)bytes, length) : NULL;

	for (const char *at = text; at != NULL && *at != '\0';) {
		size_t word = access_rule_word(at);

		if (word > 0) {
			check_word(at, word, access_rule_normalise);
			check_word(at, word, access_hours_normalise);
		}
		at += word;
		at += *at != '\0';
	}
	free(text);
	return 0;
}
