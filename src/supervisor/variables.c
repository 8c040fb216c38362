/* SPDX-License-Identifier: ISC */
/* Variables that name the peer. */
#include "supervisor/variables.h"

#include <string.h>
#include <sys/socket.h>

struct list {
	struct variables *room;
	char **place; /* of the next variable */
};

static void
add_bytes(struct list *list, const char *bytes, size_t length)
{
	struct variables *room = list->room;

	/* The room holds every variable at its longest; this is for whoever adds one. */
	if (length >= sizeof(room->text) - room->length)
		return;
	memcpy(room->text + room->length, bytes, length);
	room->length += length;
}

static void
end_variable(struct list *list, size_t begin)
{
	list->room->text[list->room->length++] = '\0';
	*list->place++ = list->room->text + begin;
}

static void
add_text(struct list *list, const char *name, const char *value, size_t value_length)
{
	size_t begin = list->room->length;

	if (begin + strlen(name) + value_length + 1 > sizeof(list->room->text))
		return;
	add_bytes(list, name, strlen(name));
	add_bytes(list, value, value_length);
	end_variable(list, begin);
}

static void
add_number(struct list *list, const char *name, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	add_text(list, name, digits + at, sizeof(digits) - at);
}

/* UCSPI's names begin with the protocol's. */
struct ucspi {
	const char *proto;
	const char *local_ip;
	const char *local_port;
	const char *remote_ip;
	const char *remote_port;
};

static const struct ucspi tcp = { "TCP",
	"TCPLOCALIP=", "TCPLOCALPORT=", "TCPREMOTEIP=", "TCPREMOTEPORT=" };
static const struct ucspi udp = { "UDP",
	"UDPLOCALIP=", "UDPLOCALPORT=", "UDPREMOTEIP=", "UDPREMOTEPORT=" };

/* IPv4 is always written as IPv4. */
static void
add_addresses(struct list *list, const struct start *start, const struct ucspi *ucspi)
{
	char ip[NETADDR_TEXT_MAX];
	size_t length;

	(void)netaddr_format_ip(&start->local, ip);
	add_text(list, ucspi->local_ip, ip, strlen(ip));
	add_number(list, ucspi->local_port, start->local.port);
	if (start->peer.family == AF_UNSPEC)
		return;
	(void)netaddr_format_ip(&start->peer, ip);
	length = strlen(ip);
	add_text(list, ucspi->remote_ip, ip, length);
	add_number(list, ucspi->remote_port, start->peer.port);
	add_text(list, "REMOTE_ADDR=", ip, length);
	add_number(list, "REMOTE_PORT=", start->peer.port);
	add_text(list, "REMOTE_HOST=", ip, length);
}

char **
variables_make(const struct start *start, struct variables *room)
{
	const struct served *served = start->served;
	const struct outfit *outfit = served->outfit;
	struct list list = { .room = room,
		.place = outfit->environment + outfit->environment_count };
	const struct ucspi *ucspi = protocol_type(start->protocol) == SOCK_DGRAM ? &udp : &tcp;
	/* A proxy on a unix socket may speak for a client that is elsewhere. */
	bool is_unix = protocol_family(start->protocol) == AF_UNIX &&
		start->peer.family != AF_INET && start->peer.family != AF_INET6;
	const char *proto = is_unix ? "UNIX" : ucspi->proto;

	room->length = 0;
	add_text(&list, "REEVE_SERVICE=", served->name, strnlen(served->name, 64));
	add_number(&list, "REEVE_CONNECTION=", start->connection);
	add_text(&list, "PROTO=", proto, strlen(proto));
	if (!is_unix)
		add_addresses(&list, start, ucspi);
	for (size_t i = 0; start->listen_variables != NULL && i < ACTIVATION_VARIABLES; i++)
		*list.place++ = start->listen_variables[i];
	*list.place = NULL;
	return outfit->environment;
}
