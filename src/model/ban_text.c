/* SPDX-License-Identifier: ISC */
/* Bans to text and back, strictly: what was written wrong is no ban. */
#include "model/ban_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define OF_ALL "=all"
#define BY_HAND "hand"
#define USER "user:"
#define SECONDS_MAX INT64_C(253402300799) /* the end of the year 9999 */

const char *
ban_source_write(const struct ban_source *source, char text[BAN_SOURCE_TEXT_MAX])
{
	char room[NETADDR_TEXT_MAX];

	if (source->address.family == AF_UNIX)
		(void)snprintf(text, BAN_SOURCE_TEXT_MAX, USER "%u", source->user);
	else
		(void)snprintf(text, BAN_SOURCE_TEXT_MAX, "%s/%u",
			netaddr_format_ip(&source->address, room), source->length);
	return text;
}

/* Digits alone, without leading zeros. */
static bool
read_number(const char *text, int64_t most, int64_t *ret_number)
{
	int64_t number = 0;
	size_t length = strlen(text);

	if (length == 0 || length > 18 || (text[0] == '0' && length > 1))
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (*text - '0');
	}
	*ret_number = number;
	return number <= most;
}

static const char *
read_user(struct ban_source *ret_source, const char *text)
{
	int64_t user;

	if (!read_number(text, BAN_NO_USER - 1, &user))
		return "a user is banned by number, as user:1000";
	*ret_source = (struct ban_source){ .address.family = AF_UNIX, .user = (uint32_t)user };
	return NULL;
}

static bool
has_no_more_bits(const struct netaddr *address, const struct ban_source *source)
{
	return netaddr_equal(address, &source->address);
}

const char *
ban_source_read(struct ban_source *ret_source, const char *text)
{
	char address_text[BAN_SOURCE_TEXT_MAX];
	const char *slash = strchrnul(text, '/');
	size_t length = (size_t)(slash - text);
	struct ban_source source;
	struct netaddr address;
	int64_t bits, most;

	if (strncmp(text, USER, strlen(USER)) == 0)
		return read_user(ret_source, text + strlen(USER));
	if (length >= sizeof(address_text))
		return "a source is an address, address/length or user:NUMBER";
	memcpy(address_text, text, length);
	address_text[length] = '\0';
	if (netaddr_parse_ip(&address, address_text) < 0)
		return "a source is an address, address/length or user:NUMBER";
	most = address.family == AF_INET ? 32 : 128;
	if (*slash == '\0') {
		ban_source_of(ret_source, &address, 32, 64, BAN_NO_USER);
		return NULL;
	}
	if (!read_number(slash + 1, most, &bits))
		return "the length of a prefix is a number of bits";
	ban_source_of(&source, &address, (uint32_t)bits, (uint32_t)bits, BAN_NO_USER);
	if (!has_no_more_bits(&address, &source))
		return "the address has bits set behind its length";
	*ret_source = source;
	return NULL;
}

const char *
ban_cause(const struct ban *ban)
{
	return ban->verdict == VERDICT_ADMIT ? BY_HAND : verdict_word(ban->verdict);
}

void
ban_write(const struct ban *ban, msec now, int64_t wall, struct textbuf *ret_line)
{
	time_t end = (time_t)(wall + (ban->until - now + 999) / 1000);
	char source[BAN_SOURCE_TEXT_MAX];
	char moment[32];
	struct tm utc;

	if (!gmtime_r(&end, &utc) || strftime(moment, sizeof(moment), "%FT%TZ", &utc) == 0)
		return;
	textbuf_addf(ret_line, "%s %lld %s %s %s\n", moment, (long long)(ban->span + 999) / 1000,
		ban_source_write(&ban->source, source), ban->service ? ban->service : OF_ALL,
		ban_cause(ban));
}

static bool
read_moment(const char *text, int64_t *ret_seconds)
{
	struct tm utc = { .tm_isdst = 0 };
	char again[32];
	time_t seconds;

	if (!strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc))
		return false;
	seconds = timegm(&utc);
	/* What it was taken for is what stands there, and not the 31st of February. */
	if (strftime(again, sizeof(again), "%FT%TZ", &utc) == 0 || strcmp(again, text) != 0)
		return false;
	*ret_seconds = seconds;
	return seconds >= 0 && seconds <= SECONDS_MAX;
}

static bool
read_cause(const char *word, enum verdict *ret_verdict)
{
	if (strcmp(word, BY_HAND) == 0) {
		*ret_verdict = VERDICT_ADMIT;
		return true;
	}
	for (enum verdict verdict = VERDICT_ADMIT + 1; verdict < VERDICT_COUNT; verdict++)
		if (strcmp(word, verdict_word(verdict)) == 0) {
			*ret_verdict = verdict;
			return true;
		}
	return false;
}

static bool
is_service_name(const char *word)
{
	size_t length = strlen(word);

	for (const char *byte = word; *byte != '\0'; byte++)
		if (iscntrl((unsigned char)*byte) || *byte == '/' || *byte == '=')
			return false;
	return length > 0 && length <= BAN_SERVICE_MAX;
}

enum { WORD_END, WORD_SPAN, WORD_SOURCE, WORD_SERVICE, WORD_CAUSE, WORDS };

/* As many words as there are to be, with one blank between two of them. */
static bool
cut(char *line, char *ret_words[WORDS])
{
	char *at = line;

	for (size_t i = 0; i < WORDS - 1; i++) {
		char *blank = strchr(at, ' ');

		if (!blank)
			return false;
		ret_words[i] = at;
		*blank = '\0';
		at = blank + 1;
	}
	ret_words[WORDS - 1] = at;
	return !strchr(at, ' ');
}

const char *
ban_read(struct ban *ret_ban, char *line, msec now, int64_t wall)
{
	struct ban ban = { .number = BAN_OF_ALL };
	char *words[WORDS];
	int64_t end, span;
	const char *wrong;

	if (!cut(line, words))
		return "a line has five words with one blank between them: end, seconds, source, "
		       "service, cause";
	if (!read_moment(words[WORD_END], &end))
		return "the end is no moment such as 2026-11-21T17:00:00Z";
	if (!read_number(words[WORD_SPAN], BAN_LONGEST / 1000, &span) || span == 0)
		return "the seconds of a ban are a number from 1 to 31536000";
	wrong = ban_source_read(&ban.source, words[WORD_SOURCE]);
	if (wrong)
		return wrong;
	if (strcmp(words[WORD_SERVICE], OF_ALL) != 0) {
		if (!is_service_name(words[WORD_SERVICE]))
			return "that is no name of a service";
		ban.service = words[WORD_SERVICE];
	}
	if (!read_cause(words[WORD_CAUSE], &ban.verdict))
		return "the cause is neither a verdict nor hand";
	ban.span = span * 1000;
	ban.until = end - wall >= span ? now + ban.span : now + (end - wall) * 1000;
	*ret_ban = ban;
	return NULL;
}
