/* SPDX-License-Identifier: ISC */
/* For a person at a terminal: each open port, with a command to try it. */
#include "supervisor/announce.h"

#include <stdio.h>

/* nc's options for the protocol. */
static const char *
nc_option(enum protocol protocol)
{
	switch (protocol) {
	case PROTOCOL_TCP4:
	case PROTOCOL_TCP6:
		return "";
	case PROTOCOL_UDP4:
	case PROTOCOL_UDP6:
		return "-u ";
	case PROTOCOL_UNIX:
		return "-U ";
	case PROTOCOL_UNIX_DGRAM:
		return "-uU ";
	case PROTOCOL_UNIX_SEQPACKET:
	case PROTOCOL_COUNT:
		break;
	}
	return NULL;
}

/* A wildcard is reached under the loopback address. */
static const char *
address_to_try(const struct netaddr *bound, char *text)
{
	if (bound->family == AF_INET && bound->ip.v4.s_addr == htonl(INADDR_ANY))
		return "127.0.0.1";
	if (bound->family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&bound->ip.v6))
		return "::1";
	return netaddr_format_ip(bound, text);
}

static void
announce(const char *service, const struct listener *listener)
{
	const char *option = nc_option(listener->wanted.protocol);
	const char *word = protocol_word(listener->wanted.protocol);
	char address[NETADDR_TEXT_MAX];

	if (listener->path != NULL && option != NULL)
		(void)printf("%-10s %-14s nc %s%s\n", service, word, option, listener->path);
	else if (listener->path != NULL)
		(void)printf("%-10s %-14s socat - UNIX-CONNECT:%s,type=5\n", service, word,
			listener->path);
	else
		(void)printf("%-10s %-14s nc %s%s %u\n", service, word, option,
			address_to_try(&listener->bound, address), listener->bound.port);
}

void
announce_ports(const struct supervisor *supervisor)
{
	const struct listener_set *set = &supervisor->listeners;
	const struct config *config = supervisor->services.config;

	for (size_t i = 0; i < set->count; i++)
		announce(config->services[set->slots[i].service].name, set->slots[i].listener);
	(void)printf("Ctrl-C ends it.\n");
	(void)fflush(stdout);
}
