/* SPDX-License-Identifier: ISC */
/* HTTP/1.1 (RFC 9112) requests for one page. What is not asked of us is not looked at, but a head
 * that others might read differently is refused: control bytes, folded lines, names with blanks. */
#include "services/metrics_request.h"

#include <string.h>
#include <strings.h>

#define PATH "/metrics"
#define Q_MAX 1000 /* a weight of 1, in thousandths */

/* A piece of the head. */
struct span {
	const char *at;
	size_t length;
};

size_t
metrics_request_length(const char *bytes, size_t length)
{
	const char *at = bytes;
	const char *end = bytes + length;

	/* Lines end with CR LF, and with LF for those who type. */
	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));

		if (!feed)
			return 0;
		if (feed > bytes && (feed == at || (feed == at + 1 && *at == '\r')))
			return (size_t)(feed + 1 - bytes);
		at = feed + 1;
	}
	return 0;
}

static bool
is_word(struct span span, const char *word)
{
	return span.length == strlen(word) && strncasecmp(span.at, word, span.length) == 0;
}

static struct span
trim(struct span span)
{
	while (span.length > 0 && (*span.at == ' ' || *span.at == '\t')) {
		span.at++;
		span.length--;
	}
	while (span.length > 0 &&
		(span.at[span.length - 1] == ' ' || span.at[span.length - 1] == '\t'))
		span.length--;
	return span;
}

/* Cut off what stands before the next `separator`, and skip that. False: nothing is left. */
static bool
take(struct span *rest, char separator, struct span *ret_part)
{
	const char *found;

	if (!rest->at)
		return false;
	found = memchr(rest->at, separator, rest->length);
	*ret_part = (struct span){ rest->at, found ? (size_t)(found - rest->at) : rest->length };
	if (found)
		*rest = (struct span){ found + 1, rest->length - ret_part->length - 1 };
	else
		*rest = (struct span){ NULL, 0 };
	return true;
}

/* ---------------------------------------------------------------- which form */

/* The weight of each form: -1 if it was not named. */
struct wishes {
	int openmetrics;
	int plain;
	int anything;
};

static int
read_weight(struct span value)
{
	int weight = 0;
	int scale = Q_MAX;

	if (value.length == 0 || (value.at[0] != '0' && value.at[0] != '1'))
		return Q_MAX;
	if (value.at[0] == '1')
		return Q_MAX;
	for (size_t i = 2; i < value.length && value.at[i] >= '0' && value.at[i] <= '9'; i++) {
		scale /= 10;
		weight += (value.at[i] - '0') * scale;
	}
	return weight;
}

static void
wish(int *weight, int wanted)
{
	if (wanted > *weight)
		*weight = wanted;
}

/* One of the types that are accepted, with its parameters. */
static void
read_type(struct wishes *wishes, struct span element)
{
	struct span type = { 0 };
	struct span parameter;
	struct span version = { 0 };
	int weight = Q_MAX;

	(void)take(&element, ';', &type);
	type = trim(type);
	while (take(&element, ';', &parameter)) {
		struct span name = { 0 };

		parameter = trim(parameter);
		(void)take(&parameter, '=', &name);
		if (is_word(name, "q") && parameter.at)
			weight = read_weight(parameter);
		else if (is_word(name, "version") && parameter.at)
			version = parameter;
	}
	if (is_word(type, "application/openmetrics-text")) {
		if (!version.at || is_word(version, "1.0.0"))
			wish(&wishes->openmetrics, weight);
	} else if (is_word(type, "text/plain")) {
		if (!version.at || is_word(version, "0.0.4"))
			wish(&wishes->plain, weight);
	} else if (is_word(type, "text/*") || is_word(type, "*/*")) {
		wish(&wishes->anything, weight);
	}
}

/* The older form is what everybody reads, people too. */
static bool
prefers_openmetrics(const struct wishes *wishes)
{
	int plain = wishes->plain >= 0 ? wishes->plain : wishes->anything;

	return wishes->openmetrics > 0 && wishes->openmetrics >= plain;
}

/* ---------------------------------------------------------------- the head */

static bool
is_clean(struct span head)
{
	for (size_t i = 0; i < head.length; i++) {
		unsigned char byte = (unsigned char)head.at[i];

		if ((byte < ' ' && byte != '\t') || byte == 0x7f)
			return false;
	}
	return true;
}

/* The next line without its end. */
static bool
take_line(struct span *head, struct span *ret_line)
{
	if (!take(head, '\n', ret_line))
		return false;
	if (ret_line->length > 0 && ret_line->at[ret_line->length - 1] == '\r')
		ret_line->length--;
	return true;
}

/* "/metrics", or the whole of a URL that ends so; a query changes nothing. */
static bool
is_our_page(struct span target)
{
	static const char scheme[] = "http://";
	const char *slash;

	if (target.length > strlen(scheme) && strncasecmp(target.at, scheme, strlen(scheme)) == 0) {
		target.at += strlen(scheme);
		target.length -= strlen(scheme);
		slash = memchr(target.at, '/', target.length);
		if (!slash)
			return false;
		target.length -= (size_t)(slash - target.at);
		target.at = slash;
	}
	(void)take(&(struct span){ target.at, target.length }, '?', &target);
	return target.length == strlen(PATH) && memcmp(target.at, PATH, target.length) == 0;
}

static int
read_request_line(struct span line, struct metrics_request *request, bool *ret_is_1_1)
{
	struct span method = { 0 };
	struct span target = { 0 };

	if (!take(&line, ' ', &method) || method.length == 0 || !take(&line, ' ', &target) ||
		target.length == 0 || line.length < strlen("HTTP/1.1") ||
		memcmp(line.at, "HTTP/", strlen("HTTP/")) != 0)
		return 400;
	*ret_is_1_1 = is_word(line, "HTTP/1.1");
	if (!*ret_is_1_1 && !is_word(line, "HTTP/1.0"))
		return memcmp(line.at, "HTTP/1.", strlen("HTTP/1.")) == 0 ? 400 : 505;
	if (!is_our_page(target))
		return 404;
	request->is_head = method.length == 4 && memcmp(method.at, "HEAD", 4) == 0;
	if (!request->is_head && (method.length != 3 || memcmp(method.at, "GET", 3) != 0))
		return 405;
	return 200;
}

/* False: it is none. */
static bool
read_field(struct span line, struct wishes *wishes, unsigned int *hosts)
{
	struct span name = { 0 };
	struct span element;

	(void)take(&line, ':', &name);
	if (!line.at || name.length == 0 || memchr(name.at, ' ', name.length) ||
		memchr(name.at, '\t', name.length))
		return false;
	*hosts += is_word(name, "host");
	if (is_word(name, "accept"))
		while (take(&line, ',', &element))
			read_type(wishes, element);
	return true;
}

struct metrics_request
metrics_request_read(const char *head, size_t length)
{
	struct metrics_request request = { .status = 400 };
	struct wishes wishes = { -1, -1, -1 };
	struct span rest = { head, length };
	struct span line;
	unsigned int hosts = 0;
	bool is_1_1 = false;

	if (!take_line(&rest, &line) || !is_clean(line))
		return request;
	request.status = read_request_line(line, &request, &is_1_1);
	while (take_line(&rest, &line) && line.length > 0)
		if (!is_clean(line) || !read_field(line, &wishes, &hosts)) {
			request.status = 400;
			return request;
		}
	/* One that does not say whom it means, or says so twice. */
	if (hosts > 1 || (is_1_1 && hosts == 0))
		request.status = 400;
	request.wants_openmetrics = prefers_openmetrics(&wishes);
	return request;
}
