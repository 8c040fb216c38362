/* SPDX-License-Identifier: ISC */
/* Ports and protocols of a service. */
#include "config/ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT_MAX 65535
#define ENDPOINTS_MAX 1000000 /* of all services */
#define SHOWN_MAX 60          /* bytes of a word in a complaint */
#define NO_PROTOCOL PROTOCOL_COUNT

/* A word for one protocol or for its two halves. */
struct protocol_choice {
	const char *word;
	enum protocol first;
	enum protocol second; /* the IPv6 half, or NO_PROTOCOL */
};

static const struct protocol_choice choices[] = {
#define BOTH(word_, v4, v6) { .word = (word_), .first = PROTOCOL_##v4, .second = PROTOCOL_##v6 },
#define PROTOCOL(name, word_, family, type) \
	{ .word = (word_), .first = PROTOCOL_##name, .second = NO_PROTOCOL },
#include "config/protocols.def"
#undef PROTOCOL
#undef BOTH
};

/* What a word asks for, while it is being understood. */
struct request {
	struct reader *reader;
	const struct word *word;
	struct service_config *service;
	const struct protocol_choice *chosen[ARRAY_SIZE(choices)];
	size_t chosen_offset[ARRAY_SIZE(choices)]; /* where its word stands */
	size_t chosen_count;
	char *port;             /* the part before the last slash; NULL: left out */
	struct netaddr address; /* AF_UNSPEC: any */
	uint16_t from;
	uint16_t to;
};

static int
refuse(const struct request *request, size_t offset, size_t length, const char *problem)
{
	struct where where = word_part(request->word, offset, length);

	complain(request->reader->complaints, &where, NULL, "\"%.*s\" %s",
		(int)(length < SHOWN_MAX ? length : SHOWN_MAX), request->word->text + offset,
		problem);
	return -EINVAL;
}

static int
refuse_protocol(const struct request *request, const char *name, size_t offset)
{
	const char *words[ARRAY_SIZE(choices) + 1], *nearest;
	struct where where = word_part(request->word, offset, strlen(name));

	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		words[i] = choices[i].word;
	words[ARRAY_SIZE(choices)] = NULL;
	nearest = complaint_nearest(name, words);
	if (nearest != NULL)
		complain(request->reader->complaints, &where, NULL,
			"\"%.60s\" is no protocol; did you mean \"%s\"?", name, nearest);
	else if (request->port == NULL)
		complain(request->reader->complaints, &where, NULL,
			"\"%.60s\" is no protocol; port/protocol is wanted, like 7/tcp or "
			"7/tcp,udp",
			name);
	else
		complain(request->reader->complaints, &where, NULL,
			"\"%.60s\" is no protocol; wanted: tcp, udp, tcp4, tcp6, udp4, udp6, unix, "
			"unix-dgram, unix-seqpacket",
			name);
	return -EINVAL;
}

static bool
is_unix(const struct protocol_choice *choice)
{
	return protocol_family(choice->first) == AF_UNIX;
}

/* Bits of the protocols that a choice opens. */
static unsigned int
bits_of(const struct protocol_choice *choice)
{
	return 1U << choice->first | (choice->second != NO_PROTOCOL ? 1U << choice->second : 0U);
}

static int
choose_protocol(struct request *request, const char *name, size_t offset)
{
	const struct protocol_choice *choice = choices;

	while (choice < choices + ARRAY_SIZE(choices) && strcmp(choice->word, name) != 0)
		choice++;
	if (choice == choices + ARRAY_SIZE(choices))
		return refuse_protocol(request, name, offset);
	for (size_t i = 0; i < request->chosen_count; i++) {
		if ((bits_of(request->chosen[i]) & bits_of(choice)) != 0)
			return refuse(request, offset, strlen(name),
				"is there twice, or its half is");
		if (is_unix(request->chosen[i]) != is_unix(choice))
			return refuse(request, offset, strlen(name),
				"does not go on one line with the protocols before it");
	}
	request->chosen[request->chosen_count] = choice;
	request->chosen_offset[request->chosen_count++] = offset;
	return 0;
}

/* The words behind the last slash; `list` is changed. */
static int
choose_protocols(struct request *request, char *list, size_t offset)
{
	char *name, *rest = list;
	int error = 0;

	request->service->protocol_text = arena_intern(request->reader->arena, list, strlen(list));
	while ((name = strsep(&rest, ",")) != NULL)
		if (choose_protocol(request, name, offset + (size_t)(name - list)) < 0)
			error = -EINVAL;
	return error;
}

static const char *
transport_of(const struct protocol_choice *choice)
{
	return protocol_type(choice->first) == SOCK_DGRAM ? "udp" : "tcp";
}

/* The port that the host's table gives to a name, which has to be one for all protocols. */
static int
look_up(struct request *request, const char *name, size_t offset, size_t length)
{
	struct where where = word_part(request->word, offset, length);
	const struct reader *reader = request->reader;
	int port = -1;

	if (reader->find_port == NULL) {
		complain(reader->complaints, &where, NULL,
			"the port of \"%.63s\" is not looked up here; a number is wanted", name);
		return -EINVAL;
	}
	for (size_t i = 0; i < request->chosen_count; i++) {
		const char *transport = transport_of(request->chosen[i]);
		int found = reader->find_port(name, transport);

		if (found < 0) {
			complain(reader->complaints, &where, NULL,
				"the port of \"%.63s\" for %s is not in /etc/services; a number is "
				"wanted",
				name, transport);
			return -EINVAL;
		}
		if (port >= 0 && found != port) {
			complain(reader->complaints, &where, NULL,
				"the port of \"%.63s\" is %d for one protocol and %d for another; "
				"write two lines",
				name, port, found);
			return -EINVAL;
		}
		port = found;
	}
	request->from = request->to = (uint16_t)port;
	return 0;
}

/* Decimal digits, up to `end`: the number, or -1. */
static int32_t
read_port(const char *text, const char *end)
{
	int32_t port = 0;

	if (text == end)
		return -1;
	for (; text < end; text++) {
		if (*text < '0' || *text > '9')
			return -1;
		port = port * 10 + (*text - '0');
		if (port > PORT_MAX)
			return -1;
	}
	return port;
}

/* A number, a range or a name. */
static int
read_ports(struct request *request, const char *text, size_t offset)
{
	size_t length = strlen(text);
	const char *dash = text + strcspn(text, "-");
	int32_t from = read_port(text, dash);
	int32_t to = *dash == '-' ? read_port(dash + 1, text + length) : from;

	if (length == 0)
		return refuse(request, 0, request->word->length, "has no port");
	if (text[strspn(text, "0123456789-")] != '\0')
		return look_up(request, text, offset, length);
	if (from < 0 || to < 0)
		return refuse(request, offset, length,
			"is no port; wanted: 0..65535, or a range like 7000-7010");
	if (*dash == '-' && (from == 0 || to < from))
		return refuse(request, offset, length,
			"is no range of ports; the first is at least 1 and not above the last");
	request->from = (uint16_t)from;
	request->to = (uint16_t)to;
	return 0;
}

/* An address, scope and all. A scope that is a number is taken as it is: the gates read it, and
 * may not ask the kernel for interfaces. */
static int
read_address(struct netaddr *ret_address, char *text)
{
	char *percent = strchr(text, '%');
	int64_t scope = 0;
	int error;

	if (percent != NULL && percent[1] != '\0' &&
		percent[1 + strspn(percent + 1, "0123456789")] == '\0') {
		for (const char *at = percent + 1; *at != '\0' && scope <= UINT32_MAX; at++)
			scope = scope * 10 + (*at - '0');
		*percent = '\0';
	}
	if (scope > UINT32_MAX)
		return -EINVAL;
	error = netaddr_parse_ip(ret_address, text);
	if (error < 0 || scope == 0)
		return error;
	if (ret_address->family != AF_INET6 || !IN6_IS_ADDR_LINKLOCAL(&ret_address->ip.v6))
		return -EINVAL;
	ret_address->scope = (uint32_t)scope;
	return 0;
}

/* "[v6]:port" or "v4:port"; `*ret_ports` is what follows the colon. */
static int
take_address(struct request *request, char **ret_ports)
{
	char *text = request->port, *colon, *end;

	if (*text == '[') {
		end = strchr(text, ']');
		if (end == NULL || end[1] != ':')
			return refuse(request, 0, strlen(text), "is not [IPv6 address]:port");
		*end = '\0';
		colon = end + 1;
		text++;
	} else {
		colon = strchr(text, ':');
		if (colon == NULL)
			return 0;
		if (strchr(colon + 1, ':') != NULL)
			return refuse(request, 0, strlen(text),
				"is no address and port; an IPv6 address stands in brackets, like "
				"[::1]:7");
		*colon = '\0';
	}
	*ret_ports = colon + 1;
	if (read_address(&request->address, text) == 0)
		return 0;
	return refuse(request, (size_t)(text - request->port), strlen(text),
		"is no IP address; names of hosts are not looked up");
}

/* With an address, every protocol has to be of its family. */
static int
check_families(const struct request *request)
{
	int error = 0;

	for (size_t i = 0; request->address.family != AF_UNSPEC && i < request->chosen_count; i++) {
		const struct protocol_choice *choice = request->chosen[i];

		if (choice->second == NO_PROTOCOL &&
			protocol_family(choice->first) != request->address.family)
			error = refuse(request, request->chosen_offset[i], strlen(choice->word),
				"does not go with an address of the other family");
	}
	return error;
}

static void
add_endpoint(struct request *request, enum protocol protocol, uint16_t port, bool is_optional)
{
	struct service_config *service = request->service;
	struct endpoint *endpoint = &service->endpoints[service->endpoint_count];

	*endpoint = (struct endpoint){
		.protocol = protocol,
		.is_optional = is_optional,
		.address = request->address,
		.twin = service->endpoint_count,
	};
	endpoint->address.family = (uint16_t)protocol_family(protocol);
	endpoint->address.port = port;
	if (is_unix(request->chosen[0]))
		endpoint->path = service->port_text;
	else if (is_optional && port == 0)
		endpoint->twin = service->endpoint_count - 1;
	service->endpoint_count++;
}

/* Both halves, or the one that the address leaves. */
static void
add_endpoints(struct request *request, const struct protocol_choice *choice, uint16_t port)
{
	int family = request->address.family;

	if (choice->second == NO_PROTOCOL || family != AF_INET6)
		add_endpoint(request, choice->first, port, false);
	if (choice->second != NO_PROTOCOL && family != AF_INET)
		add_endpoint(request, choice->second, port, family == AF_UNSPEC);
}

static int
make_endpoints(struct request *request)
{
	size_t wanted = 0;

	for (size_t i = 0; i < request->chosen_count; i++)
		wanted += request->chosen[i]->second != NO_PROTOCOL &&
				request->address.family == AF_UNSPEC
			? 2
			: 1;
	wanted *= (size_t)request->to - request->from + 1;
	if (request->reader->endpoint_count + wanted > ENDPOINTS_MAX)
		return refuse(request, 0, request->word->length,
			"asks for a socket above the 1000000 that all services may have");
	request->service->endpoints =
		arena_take(request->reader->arena, wanted * sizeof(*request->service->endpoints));
	if (request->service->endpoints == NULL)
		return -ENOMEM;
	for (uint32_t port = request->from; port <= request->to; port++)
		for (size_t i = 0; i < request->chosen_count; i++)
			add_endpoints(request, request->chosen[i], (uint16_t)port);
	request->reader->endpoint_count += request->service->endpoint_count;
	return 0;
}

/* The canonical form of what stands before the slash. */
static char *
write_ports(const struct request *request)
{
	char text[NETADDR_TEXT_MAX + 32], ip[NETADDR_TEXT_MAX] = "";
	const char *before = "", *behind = "";
	int length;

	if (request->address.family != AF_UNSPEC) {
		before = request->address.family == AF_INET6 ? "[" : "";
		behind = request->address.family == AF_INET6 ? "]:" : ":";
		(void)netaddr_format_ip(&request->address, ip);
	}
	length = snprintf(text, sizeof(text), "%s%s%s%u", before, ip, behind,
		(unsigned int)request->from);
	if (request->to != request->from)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "-%u",
			(unsigned int)request->to);
	return arena_copy(request->reader->arena, text, (size_t)length);
}

static int
read_unix(struct request *request)
{
	if (request->port == NULL || request->port[0] != '/')
		return refuse(request, 0, request->word->length,
			"has no absolute path; a unix socket is wanted like /run/x.sock/unix");
	request->service->port_text =
		arena_copy(request->reader->arena, request->port, strlen(request->port));
	return 0;
}

/* What stands before the slash: address, port, range, name. */
static int
read_address_and_ports(struct request *request)
{
	char *ports = request->port;

	if (*ports == '/')
		return refuse(request, 0, strlen(ports),
			"is a path, which is for unix, unix-dgram and unix-seqpacket");
	if (take_address(request, &ports) < 0)
		return -EINVAL;
	return read_ports(request, ports, (size_t)(ports - request->port));
}

static int
read_internet(struct request *request)
{
	int error;

	if (request->port != NULL)
		error = read_address_and_ports(request);
	else
		error = look_up(request, request->service->name, 0, request->word->length);
	if (error == 0)
		error = check_families(request);
	if (error == 0)
		request->service->port_text = write_ports(request);
	return error;
}

int
ports_read(struct reader *reader, const struct word *word, struct service_config *service)
{
	struct request request = { .reader = reader, .word = word, .service = service };
	auto_free char *text = strdup(word->text);
	char *slash = text != NULL ? strrchr(text, '/') : NULL;
	char *protocols = text;
	int error;

	if (text == NULL)
		return -ENOMEM;
	if (slash != NULL) {
		*slash = '\0';
		request.port = text;
		protocols = slash + 1;
	}
	error = choose_protocols(&request, protocols, (size_t)(protocols - text));
	if (request.chosen_count == 0)
		return 0;
	if ((is_unix(request.chosen[0]) ? read_unix(&request) : read_internet(&request)) < 0)
		return 0;
	if (error == 0)
		(void)make_endpoints(&request); /* has complained, or the arena knows */
	return 0;
}
