/* SPDX-License-Identifier: ISC */
/* Which connections are meant. */
#include "model/census.h"

#include <string.h>

const char *
census_read_peer(struct census_filter *filter, const char *text)
{
	const char *wrong;

	if (strcmp(text, "unix") == 0) {
		filter->peer = CENSUS_PEER_UNIX;
		return NULL;
	}
	wrong = prefix_parse(&filter->prefix, text, strlen(text), PREFIX_EXACT);
	if (wrong == NULL)
		filter->peer = CENSUS_PEER_IN_PREFIX;
	return wrong;
}

static bool
is_in_prefix(const struct prefix *prefix, const struct netaddr *peer)
{
	const struct prefix alone = prefix_of_address(peer);

	return prefix_contains(prefix, &alone);
}

bool
census_is_meant(const struct census_filter *filter, uint64_t connection, uint32_t row,
	const struct netaddr *peer)
{
	if (filter->connection != 0 && filter->connection != connection)
		return false;
	if (filter->row != CENSUS_ANY_ROW && filter->row != row)
		return false;
	if (filter->peer == CENSUS_PEER_UNIX)
		return peer->family == AF_UNIX;
	if (filter->peer == CENSUS_PEER_IN_PREFIX)
		return (peer->family == AF_INET || peer->family == AF_INET6) &&
			is_in_prefix(&filter->prefix, peer);
	return true;
}

bool
census_is_sound(const struct census_row *row, uint32_t rows)
{
	int family = row->peer.family;

	return row->kind < CENSUS_PROGRAM && row->row < rows &&
		(row->connection != 0) == (row->kind != CENSUS_WAITING) && row->age_ms >= 0 &&
		row->idle_ms >= 0 &&
		(family == AF_INET || family == AF_INET6 || family == AF_UNIX ||
			family == AF_UNSPEC);
}

const char *
census_kind_word(enum census_kind kind)
{
	switch (kind) {
	case CENSUS_BUILTIN:
		return "builtin";
	case CENSUS_WAITING:
		return "waiting";
	case CENSUS_RELAY:
	case CENSUS_CARRY:
	case CENSUS_PROGRAM:
	case CENSUS_KINDS:
		break;
	}
	return "program";
}
