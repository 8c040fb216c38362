/* SPDX-License-Identifier: ISC */
/* What a value means that its text alone does not say. */
#include "config/meaning.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define IDLE_MS 600000

#define RATE_SPAN_BITS 27
_Static_assert(CONFIG_RATE_SPAN_MAX < 1 << RATE_SPAN_BITS, "a span has room beside its count");

bool
config_has_type(const struct service_config *service, int type)
{
	for (uint32_t i = 0; i < service->endpoint_count; i++)
		if (protocol_type(service->endpoints[i].protocol) == type)
			return true;
	return false;
}

bool
config_speaks_datagrams(const struct service_config *service)
{
	return config_has_type(service, SOCK_DGRAM);
}

bool
config_speaks_streams(const struct service_config *service)
{
	for (uint32_t i = 0; i < service->endpoint_count; i++)
		if (protocol_type(service->endpoints[i].protocol) != SOCK_DGRAM)
			return true;
	return false;
}

bool
config_answers_datagrams(const struct service_config *service, enum protocol protocol)
{
	return protocol_type(protocol) == SOCK_DGRAM &&
		(service->builtin != NULL || service->keys->wait == 0);
}

int64_t
config_idle(const struct service_config *service)
{
	if (service->keys->idle >= 0)
		return service->keys->idle;
	return service->program == NULL || config_speaks_datagrams(service) ? IDLE_MS : 0;
}

struct config_rate
config_rate(int64_t value)
{
	return (struct config_rate){ .count = value >> RATE_SPAN_BITS,
		.span = value & ((INT64_C(1) << RATE_SPAN_BITS) - 1) };
}

int64_t
config_rate_value(struct config_rate rate)
{
	return rate.count == 0 ? 0 : rate.count << RATE_SPAN_BITS | rate.span;
}

/* Digits and a unit, or the word; the rest of the text, or NULL. */
static const char *
take_limit(const char *text, int64_t *ret_limit)
{
	static const char units[] = "kMG";
	const char *unit;
	char *end;
	int shift = 0;

	if (strncmp(text, "unlimited", 9) == 0) {
		*ret_limit = CONFIG_UNLIMITED;
		return text + 9;
	}
	if (*text < '0' || *text > '9')
		return NULL;
	*ret_limit = strtoimax(text, &end, 10);
	unit = *end != '\0' ? strchr(units, *end) : NULL;
	if (unit != NULL) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (*ret_limit > INT64_MAX >> shift || *ret_limit == INT64_MAX)
		return NULL;
	*ret_limit <<= shift;
	return end;
}

static bool
is_above(int64_t soft, int64_t hard)
{
	return hard != CONFIG_UNLIMITED && (soft == CONFIG_UNLIMITED || soft > hard);
}

bool
config_rlimit(const char *text, int64_t *ret_soft, int64_t *ret_hard)
{
	int64_t soft, hard;
	const char *rest = take_limit(text, &soft);

	if (rest == NULL)
		return false;
	hard = soft;
	if (*rest == ':')
		rest = take_limit(rest + 1, &hard);
	if (rest == NULL || *rest != '\0' || is_above(soft, hard))
		return false;
	*ret_soft = soft;
	*ret_hard = hard;
	return true;
}

int
config_capability(const char *name)
{
	static const char *const names[] = {
#define CAPABILITY(name, number) [number] = #name,
#include "config/capabilities.def"
#undef CAPABILITY
	};

	if (strncasecmp(name, "CAP_", 4) == 0)
		name += 4;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return (int)i;
	return -1;
}
