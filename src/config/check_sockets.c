/* SPDX-License-Identifier: ISC */
/* The sockets that a configuration asks for: may they be opened here, and each only once? */
#include "config/check.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#define OWN_DESCRIPTORS 64 /* what the supervisor holds besides sockets of services */

/* Who wants a socket: what the maps hold. */
struct claim {
	const struct service_config *service;
	const struct endpoint *endpoint;
};

/* What must be wanted once. Filled byte by byte, for it is compared that way. */
struct port_key {
	uint8_t type;
	uint8_t family;
	uint16_t port;
	uint32_t scope;
	uint8_t ip[16];
};

struct conflicts {
	struct check *check;
	struct map *addresses; /* port_key -> claim */
	struct map *ports;     /* port_key without address -> claim on any address */
	struct map *paths;
};

static bool
is_handed_in(const struct check *check, const struct service_config *service,
	const struct endpoint *endpoint)
{
	return check->host->is_handed_in != NULL &&
		check->host->is_handed_in(check->host->owner, service, endpoint);
}

static void
check_permission(struct check *check, const struct service_config *service,
	const struct endpoint *endpoint)
{
	complain(check->complaints, &service->wheres->port, NULL,
		"no permission to bind port %u: wanted are root, CAP_NET_BIND_SERVICE, a socket "
		"that is handed in, or a port from %u on",
		(unsigned int)endpoint->address.port, (unsigned int)check->host->first_free_port);
}

static void
check_path(struct check *check, const struct service_config *service,
	const struct endpoint *endpoint)
{
	size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	size_t length = strlen(endpoint->path);
	const char *slash = strrchr(endpoint->path, '/');
	const char *folder = "/";
	struct stat status;

	if (length > most) {
		complain(check->complaints, &service->wheres->port, NULL,
			"the path has %zu bytes; a unix socket's has at most %zu", length, most);
		return;
	}
	if (slash[1] == '\0') {
		complain(check->complaints, &service->wheres->port, NULL,
			"the path ends in a slash; a file's name is wanted");
		return;
	}
	if (slash != endpoint->path)
		folder = arena_copy(check->arena, endpoint->path, (size_t)(slash - endpoint->path));
	if (folder == NULL)
		return;
	if (stat(folder, &status) < 0)
		complain(check->complaints, &service->wheres->port, NULL,
			"the socket's folder \"%s\": %s", folder, strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		complain(check->complaints, &service->wheres->port, NULL,
			"the socket's folder \"%s\" is no folder", folder);
}

void
check_service_sockets(struct check *check, const struct service_config *service)
{
	const struct config_host *host = check->host;

	for (uint32_t i = 0; i < service->endpoint_count; i++) {
		const struct endpoint *endpoint = &service->endpoints[i];

		bool is_low = !host->may_bind_low_ports && endpoint->address.port > 0 &&
			endpoint->address.port < host->first_free_port;

		/* Asked only where it matters, for all sockets are looked through. */
		if ((endpoint->path == NULL && !is_low) || is_handed_in(check, service, endpoint))
			continue;
		if (is_low)
			check_permission(check, service, endpoint);
		else
			check_path(check, service, endpoint);
		return; /* one path, whatever protocols; the first of a range tells all */
	}
}

void
check_socket_count(struct check *check)
{
	const struct config *config = check->config;
	const struct where *where = &config->daemon_where[KEY_PLACE_descriptors];
	int64_t allowed = config->daemon.descriptors;
	int64_t wanted = OWN_DESCRIPTORS;

	if (allowed > check->host->descriptors && !check->host->is_root)
		complain(check->complaints, where, "daemon.descriptors",
			"%" PRId64 " is above the hard limit of %" PRId64
			", which only root can raise",
			allowed, check->host->descriptors);
	if (allowed == 0)
		allowed = check->host->descriptors;
	for (uint32_t i = 0; i < config->service_count; i++)
		wanted += config->services[i].endpoint_count;
	if (wanted > allowed)
		complain(check->complaints, where, "daemon.descriptors",
			"the services' sockets and what reeved needs besides are %" PRId64
			" descriptors, %" PRId64 " are allowed; raise the hard limit (ulimit -Hn, "
			"LimitNOFILE=) or open fewer",
			wanted, allowed);
}

static void
complain_of_conflict(struct conflicts *conflicts, const struct claim *second,
	const struct claim *first)
{
	char second_text[NETADDR_TEXT_MAX], first_text[NETADDR_TEXT_MAX];
	const struct where *where = &first->service->wheres->port;
	const char *name = where->source != NULL ? where->source->name : "";

	if (second->endpoint->path != NULL) {
		complain(conflicts->check->complaints, &second->service->wheres->port, NULL,
			"%s is wanted twice, first by \"%s\" at %s:%u:%u", second->endpoint->path,
			first->service->name, name, where->line, where->column);
		return;
	}
	complain(conflicts->check->complaints, &second->service->wheres->port, NULL,
		"%s/%s collides with %s/%s of \"%s\" at %s:%u:%u",
		netaddr_format(&second->endpoint->address, second_text),
		protocol_word(second->endpoint->protocol),
		netaddr_format(&first->endpoint->address, first_text),
		protocol_word(first->endpoint->protocol), first->service->name, name, where->line,
		where->column);
}

static bool
is_any_address(const struct netaddr *address)
{
	if (address->family == AF_INET)
		return address->ip.v4.s_addr == htonl(INADDR_ANY);
	return IN6_IS_ADDR_UNSPECIFIED(&address->ip.v6);
}

/* Note a claim unless one is there, which `*ret_first` then is. 0 or -ENOMEM. */
static int
note_claim(struct map *map, struct arena *arena, const struct port_key *key, struct claim *claim,
	struct claim **ret_first)
{
	struct port_key *kept;

	*ret_first = map_find(map, key, sizeof(*key));
	if (*ret_first != NULL)
		return 0;
	kept = arena_take(arena, sizeof(*kept));
	if (kept == NULL)
		return -ENOMEM;
	memcpy(kept, key, sizeof(*kept));
	return map_add(map, kept, sizeof(*kept), claim);
}

/* Two sockets collide on the same address, and on a port that one has on every address: bind(2)
 * refuses the second, or shares clients between two services by chance. */
static int
claim_port(struct conflicts *conflicts, struct claim *claim, struct claim **ret_first)
{
	const struct netaddr *address = &claim->endpoint->address;
	struct arena *arena = conflicts->check->arena;
	struct claim *on_port;
	struct port_key key;
	int error;

	memset(&key, 0, sizeof(key));
	key.type = (uint8_t)protocol_type(claim->endpoint->protocol);
	key.family = (uint8_t)address->family;
	key.port = address->port;
	error = note_claim(conflicts->ports, arena, &key, claim, &on_port);
	if (error < 0)
		return error;
	if (on_port != NULL && is_any_address(address)) {
		*ret_first = on_port;
		return 0;
	}
	/* Without an address the key is that of the wildcard. */
	*ret_first = map_find(conflicts->addresses, &key, sizeof(key));
	if (*ret_first != NULL)
		return 0;
	key.scope = address->scope;
	if (address->family == AF_INET)
		memcpy(key.ip, &address->ip.v4, sizeof(address->ip.v4));
	else
		memcpy(key.ip, &address->ip.v6, sizeof(address->ip.v6));
	return note_claim(conflicts->addresses, arena, &key, claim, ret_first);
}

static int
claim_path(struct conflicts *conflicts, struct claim *claim, struct claim **ret_first)
{
	const char *path = claim->endpoint->path;

	*ret_first = map_find(conflicts->paths, path, strlen(path));
	if (*ret_first != NULL)
		return 0;
	return map_add(conflicts->paths, path, strlen(path), claim);
}

/* One complaint for each service is enough: the others follow from the same line. */
static int
claim_service(struct conflicts *conflicts, const struct service_config *service)
{
	struct claim *claims, *first = NULL;
	int error = 0;

	if (service->endpoint_count == 0)
		return 0;
	claims = arena_take(conflicts->check->arena, service->endpoint_count * sizeof(*claims));
	if (claims == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; error == 0 && first == NULL && i < service->endpoint_count; i++) {
		claims[i] = (struct claim){ service, &service->endpoints[i] };
		if (claims[i].endpoint->path != NULL)
			error = claim_path(conflicts, &claims[i], &first);
		else if (claims[i].endpoint->address.port > 0)
			error = claim_port(conflicts, &claims[i], &first);
		if (error == 0 && first != NULL)
			complain_of_conflict(conflicts, &claims[i], first);
	}
	return error;
}

int
check_conflicts(struct check *check)
{
	struct conflicts conflicts = {
		.check = check,
		.addresses = map_new(),
		.ports = map_new(),
		.paths = map_new(),
	};
	int error = -ENOMEM;

	if (conflicts.addresses != NULL && conflicts.ports != NULL && conflicts.paths != NULL)
		error = 0;
	for (uint32_t i = 0; error == 0 && i < check->config->service_count; i++)
		error = claim_service(&conflicts, &check->config->services[i]);
	(void)map_free(conflicts.addresses);
	(void)map_free(conflicts.ports);
	(void)map_free(conflicts.paths);
	return error;
}
