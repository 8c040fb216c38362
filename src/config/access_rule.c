/* SPDX-License-Identifier: ISC */
/* The words of only_from, no_access and access_times. */
#include "config/access_rule.h"

#include "base/hostname.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define NAME_BYTES_MAX 255     /* of a user, group or file */
#define INTERFACE_BYTES_MAX 15 /* IFNAMSIZ without its NUL */
#define WANTED                                                                                \
	"wanted: an address, address/length, NAME, .DOMAIN, ALL, interface:NAME, user:NAME, " \
	"group:NAME or file:PATH"

static const struct {
	const char *word;
	enum access_rule_kind kind;
} named[] = {
	{ "user:", ACCESS_RULE_USER },
	{ "group:", ACCESS_RULE_GROUP },
	{ "file:", ACCESS_RULE_FILE },
	{ "interface:", ACCESS_RULE_INTERFACE },
};

static int
mistake(struct textbuf *ret_problem, const char *word, size_t length, const char *what)
{
	textbuf_addf(ret_problem, "\"%.*s\" %s", (int)(length < 60 ? length : 60), word, what);
	return -EINVAL;
}

static bool
is_word(const char *word, size_t length, const char *wanted)
{
	return strlen(wanted) == length && strncasecmp(word, wanted, length) == 0;
}

static void
add_rule(struct textbuf *rules, const char *text, size_t length)
{
	if (rules->length > 0)
		textbuf_add(rules, ",");
	textbuf_add_bytes(rules, text, length);
}

/* Behind a dot the last label of a name does not begin with a digit; that of an address with a slip
 * in it does: 10.0.0.1o. */
static bool
ends_as_addresses_do(const char *name, bool is_domain)
{
	const char *dot = strrchr(name, '.');
	const char *last = dot != NULL ? dot + 1 : name;

	return (dot != NULL || is_domain) && *last >= '0' && *last <= '9';
}

/* A word that is no address may be the name of a host, or of a domain with its dot. */
static int
add_host(const char *word, size_t length, const char *what, struct textbuf *ret_rules,
	struct textbuf *ret_problem)
{
	char name[HOSTNAME_ROOM];
	size_t dot = length > 0 && word[0] == '.';
	bool has_letter = false;

	if (is_word(word, length, "any") || is_word(word, length, "none"))
		return mistake(ret_problem, word, length,
			"is no rule; ALL is everybody, an empty text nobody");
	if (hostname_read(word + dot, length - dot, name)) {
		if (ends_as_addresses_do(name, dot > 0))
			return mistake(ret_problem, word, length,
				"is no address, and no name has a digit behind its last "
				"dot; " WANTED);
		add_rule(ret_rules, ".", dot);
		textbuf_add(ret_rules, name);
		return 0;
	}
	if (length > 2 && word[0] == '*' && word[1] == '.' &&
		hostname_read(word + 2, length - 2, name) && !ends_as_addresses_do(name, true)) {
		textbuf_addf(ret_problem, "\"%.*s\" is not understood; did you mean \".%s\"?",
			(int)(length < 60 ? length : 60), word, name);
		return -EINVAL;
	}
	for (size_t i = 0; i < length && word[i] != '/'; i++)
		has_letter |= strchr("ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ_", word[i]) != NULL;
	if (length > 0 && (has_letter || word[0] == '.'))
		return mistake(ret_problem, word, length,
			"is neither an address nor the name of a host or of a .domain; " WANTED);
	return mistake(ret_problem, word, length, what);
}

static int
add_address(const char *word, size_t length, struct textbuf *ret_rules, struct textbuf *ret_problem)
{
	struct prefix prefix;
	char text[PREFIX_TEXT_MAX];
	const char *what = prefix_parse(&prefix, word, length, PREFIX_TRAILING_ZEROS);

	if (what != NULL)
		return add_host(word, length, what, ret_rules, ret_problem);
	(void)prefix_format(&prefix, text);
	add_rule(ret_rules, text, strlen(text));
	return 0;
}

/* xinetd's 10.1.{2,3}: the parts before the brace, each number inside; missing parts are any. */
static int
add_factorised(const char *word, size_t length, struct textbuf *ret_rules,
	struct textbuf *ret_problem)
{
	static const char wanted[] =
		"is not understood; wanted: up to three numbers, each with its dot, and at the end "
		"{NUMBER,NUMBER...}: 10.1.2.{3,4}";
	static const char *const tails[] = { "", ".0/24", ".0.0/16", ".0.0.0/8" };
	const char *brace = memchr(word, '{', length), *at = brace + 1;
	size_t dots = 0;

	for (const char *dot = word; dot < brace; dot++)
		dots += *dot == '.';
	if (word[length - 1] != '}' || dots > 3 || (brace > word && brace[-1] != '.') ||
		memchr(brace + 1, '{', length - (size_t)(brace + 1 - word)) != NULL)
		return mistake(ret_problem, word, length, wanted);
	while (at < word + length) {
		struct textbuf address = TEXTBUF_INIT(PREFIX_TEXT_MAX);
		size_t digits = strcspn(at, ",}");
		int error = -EINVAL;

		textbuf_add_bytes(&address, word, (size_t)(brace - word));
		textbuf_add_bytes(&address, at, digits);
		textbuf_add(&address, dots < 3 ? tails[3 - dots] : "/32");
		if (textbuf_error(&address) == 0 && strspn(at, "0123456789") == digits)
			error = add_address(address.text, address.length, ret_rules, ret_problem);
		textbuf_fini(&address);
		if (error < 0) {
			textbuf_reset(ret_problem);
			return mistake(ret_problem, word, length, wanted);
		}
		at += digits + 1;
	}
	return 0;
}

/* What the kernel would let one be called. */
static bool
is_interface(const char *name, size_t length)
{
	if (length > INTERFACE_BYTES_MAX || is_word(name, length, ".") ||
		is_word(name, length, ".."))
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] == '/' || name[i] == ':' || (unsigned char)name[i] <= ' ')
			return false;
	return true;
}

static int
add_named(const char *word, size_t length, size_t prefix_length, enum access_rule_kind kind,
	struct textbuf *ret_rules, struct textbuf *ret_problem)
{
	size_t name_length = length - prefix_length;

	if (name_length == 0 || name_length > NAME_BYTES_MAX)
		return mistake(ret_problem, word, length,
			name_length == 0 ? "has no name behind its colon" : "is too long a name");
	if (memchr(word, '{', length) != NULL || memchr(word, '}', length) != NULL)
		return mistake(ret_problem, word, length, "holds a brace, which no name may here");
	if (kind == ACCESS_RULE_FILE && word[prefix_length] != '/')
		return mistake(ret_problem, word, length,
			"is relative; an absolute path is wanted: file:/...");
	if (kind == ACCESS_RULE_INTERFACE && !is_interface(word + prefix_length, name_length))
		return mistake(ret_problem, word, length,
			"cannot be the name of an interface; wanted: up to 15 bytes without "
			"'/' and ':', as ip(8) shows it: interface:eth0");
	add_rule(ret_rules, word, length);
	return 0;
}

int
access_rule_normalise(const char *word, size_t length, struct textbuf *ret_rules,
	struct textbuf *ret_problem)
{
	if (is_word(word, length, "ALL")) {
		add_rule(ret_rules, "ALL", 3);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
		size_t prefix_length = strlen(named[i].word);

		if (length >= prefix_length && strncmp(word, named[i].word, prefix_length) == 0)
			return add_named(word, length, prefix_length, named[i].kind, ret_rules,
				ret_problem);
	}
	if (memchr(word, '{', length) != NULL)
		return add_factorised(word, length, ret_rules, ret_problem);
	return add_address(word, length, ret_rules, ret_problem);
}

struct access_rule
access_rule_of(const char *kept)
{
	/* What was not kept by us is nobody: the name of a user that there is not. */
	struct access_rule rule = { .kind = ACCESS_RULE_USER, .name = kept };
	char name[HOSTNAME_ROOM];

	if (strcmp(kept, "ALL") == 0)
		rule.kind = ACCESS_RULE_ALL;
	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (strncmp(kept, named[i].word, strlen(named[i].word)) == 0) {
			rule.kind = named[i].kind;
			rule.name = kept + strlen(named[i].word);
			return rule;
		}
	if (prefix_parse(&rule.prefix, kept, strlen(kept), PREFIX_EXACT) == NULL)
		rule.kind = ACCESS_RULE_PREFIX;
	else if (rule.kind != ACCESS_RULE_ALL &&
		hostname_read(kept + (kept[0] == '.'), strlen(kept) - (kept[0] == '.'), name))
		rule.kind = kept[0] == '.' ? ACCESS_RULE_DOMAIN : ACCESS_RULE_HOST;
	return rule;
}

/* H:MM or HH:MM; what is behind it, or NULL. */
static const char *
take_time(const char *text, uint16_t *ret_minute)
{
	unsigned hour = 0, minute;
	size_t digits = strspn(text, "0123456789");

	if (digits < 1 || digits > 2 || text[digits] != ':' ||
		strspn(text + digits + 1, "0123456789") != 2)
		return NULL;
	for (size_t i = 0; i < digits; i++)
		hour = hour * 10 + (unsigned)(text[i] - '0');
	minute = (unsigned)(text[digits + 1] - '0') * 10 + (unsigned)(text[digits + 2] - '0');
	if (hour > 24 || minute > 59 || (hour == 24 && minute > 0))
		return NULL;
	*ret_minute = (uint16_t)(hour * 60 + minute);
	return text + digits + 3;
}

int
access_hours_normalise(const char *word, size_t length, struct textbuf *ret_hours,
	struct textbuf *ret_problem)
{
	uint16_t from, to;
	const char *rest = take_time(word, &from);

	rest = rest != NULL && *rest == '-' ? take_time(rest + 1, &to) : NULL;
	if (rest != word + length || from == 24 * 60)
		return mistake(ret_problem, word, length,
			"is no span of hours; wanted: HH:MM-HH:MM, from 00:00 to 24:00");
	if (ret_hours->length > 0)
		textbuf_add(ret_hours, ",");
	textbuf_addf(ret_hours, "%02u:%02u-%02u:%02u", from / 60U, from % 60U, to / 60U, to % 60U);
	return 0;
}

void
access_hours_of(const char *kept, uint16_t *ret_from, uint16_t *ret_to)
{
	const char *rest = take_time(kept, ret_from);

	if (rest == NULL || *rest != '-' || take_time(rest + 1, ret_to) == NULL)
		*ret_from = *ret_to = UINT16_MAX; /* never; it was not kept by us */
}

size_t
access_rule_word(const char *text)
{
	const char *at = text;
	bool is_inside = false;

	for (; *at != '\0'; at++) {
		if (*at == '{' || *at == '}')
			is_inside = *at == '{';
		else if (!is_inside && strchr(" \t,", *at) != NULL)
			break;
	}
	return (size_t)(at - text);
}

const char *
access_rules_wrap(const struct service_config *service)
{
	const char *wrap = service->keys->libwrap;

	if (wrap == NULL || strcmp(wrap, "no") == 0)
		return NULL;
	return strcmp(wrap, "yes") == 0 ? service->name : wrap;
}

bool
access_rules_are_set(const struct service_config *service)
{
	const struct service_keys *keys = service->keys;

	return keys->only_from != NULL || keys->no_access != NULL || keys->access_times != NULL ||
		access_rules_wrap(service) != NULL;
}
