/* SPDX-License-Identifier: ISC */
/* Look-ups, by c-ares. */
#include "resolver/dns.h"

#include <ares.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#define TRY_MS 1000 /* for the first try of each server, twice that for the second */
#define TRIES 2
#define CONFIG_FILE "/etc/resolv.conf"
#define REVERSE_ROOM 80 /* 32 digits with their dots, and ip6.arpa */
#define CLASS_IN 1
#define TYPE_PTR 12

/* Kept when its socket is closed, for the next one. */
struct dns_socket {
	struct watch watch;
	struct dns *dns;
	struct dns_socket *next;
	bool is_used;
};

struct dns {
	struct loop *loop;
	ares_channel channel;
	ares_channel files; /* /etc/hosts alone: it answers at once */
	struct dns_socket *sockets;
	struct timer timer;
	struct stat config;
	enum dns_names names;
	bool has_own_servers;
	uint32_t open;     /* questions */
	struct dns *older; /* asked before /etc/resolv.conf changed; NULL: it is over */
};

/* --- the loop */

static void
set_timer(struct dns *dns)
{
	struct timeval room;
	const struct timeval *wait = ares_timeout(dns->channel, NULL, &room);

	if (!wait)
		loop_stop_timer(dns->loop, &dns->timer);
	else
		(void)loop_set_timer(dns->loop, &dns->timer,
			loop_now(dns->loop) + (msec)wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1);
}

static void
timer_expired(struct timer *timer, msec now)
{
	struct dns *dns = CONTAINER_OF(timer, struct dns, timer);

	(void)now;
	ares_process_fd(dns->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	set_timer(dns);
}

static void
socket_ready(struct watch *watch, uint32_t events)
{
	struct dns_socket *socket = CONTAINER_OF(watch, struct dns_socket, watch);
	struct dns *dns = socket->dns;
	bool can_read = (events & ~(uint32_t)EPOLLOUT) != 0;

	ares_process_fd(dns->channel, can_read ? watch->fd : ARES_SOCKET_BAD,
		(events & EPOLLOUT) != 0 ? watch->fd : ARES_SOCKET_BAD);
	set_timer(dns);
}

static struct dns_socket *
find_socket(struct dns *dns, int dns_fd)
{
	struct dns_socket *unused = NULL;

	for (struct dns_socket *socket = dns->sockets; socket; socket = socket->next) {
		if (socket->is_used && socket->watch.fd == dns_fd)
			return socket;
		if (!socket->is_used)
			unused = socket;
	}
	if (unused)
		return unused;
	unused = calloc(1, sizeof(*unused));
	if (!unused)
		return NULL;
	unused->dns = dns;
	unused->next = dns->sockets;
	dns->sockets = unused;
	return unused;
}

static void
socket_changed(void *owner, ares_socket_t dns_fd, int wants_read, int wants_write)
{
	struct dns *dns = owner;
	struct dns_socket *socket = find_socket(dns, dns_fd);
	uint32_t events =
		(wants_read ? (uint32_t)EPOLLIN : 0) | (wants_write ? (uint32_t)EPOLLOUT : 0);

	if (!socket)
		return; /* its time-out ends the look-up */
	if (socket->is_used && events != 0) {
		(void)loop_rewatch(dns->loop, &socket->watch, events);
		return;
	}
	if (socket->is_used)
		loop_unwatch(dns->loop, &socket->watch);
	socket->is_used = events != 0;
	if (!socket->is_used)
		return;
	socket->watch = (struct watch){ .fd = dns_fd, .events = events, .ready = socket_ready };
	if (loop_watch(dns->loop, &socket->watch) < 0)
		socket->is_used = false;
}

/* --- the whole */

static int
open_channel(struct dns *dns, const char *servers, enum dns_names names)
{
	struct ares_options options = { .flags = ARES_FLAG_NOSEARCH,
		.timeout = TRY_MS,
		.tries = TRIES,
		.sock_state_cb = socket_changed,
		.sock_state_cb_data = dns };
	int wishes = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
		(names == DNS_NAMES_WHOLE ? ARES_OPT_FLAGS | ARES_OPT_DOMAINS : 0);
	int status = ares_init_options(&dns->channel, &options, wishes);

	char files[] = "f";
	struct ares_options of_files = { .lookups = files };

	if (status != ARES_SUCCESS)
		return -ENOMEM;
	if (ares_init_options(&dns->files, &of_files, ARES_OPT_LOOKUPS) != ARES_SUCCESS) {
		ares_destroy(dns->channel);
		return -ENOMEM;
	}
	dns->has_own_servers = servers[0] != '\0';
	if (!dns->has_own_servers)
		return 0;
	status = ares_set_servers_ports_csv(dns->channel, servers);
	if (status == ARES_SUCCESS)
		return 0;
	ares_destroy(dns->channel);
	ares_destroy(dns->files);
	return -EINVAL;
}

static void
look_at_config(struct stat *ret_status)
{
	if (stat(CONFIG_FILE, ret_status) < 0)
		memset(ret_status, 0, sizeof(*ret_status));
}

struct dns *
dns_new(struct loop *loop, const char *servers, enum dns_names names)
{
	struct dns *dns = calloc(1, sizeof(*dns));

	if (!dns)
		return NULL;
	dns->loop = loop;
	dns->timer.expired = timer_expired;
	dns->names = names;
	look_at_config(&dns->config);
	if (open_channel(dns, servers, names) == 0)
		return dns;
	free(dns);
	return NULL;
}

struct dns *
dns_free(struct dns *dns)
{
	if (!dns)
		return NULL;
	(void)dns_free(dns->older);
	ares_destroy(dns->channel);
	ares_destroy(dns->files);
	loop_stop_timer(dns->loop, &dns->timer);
	while (dns->sockets) {
		struct dns_socket *socket = dns->sockets;

		dns->sockets = socket->next;
		if (socket->is_used)
			loop_unwatch(dns->loop, &socket->watch);
		free(socket);
	}
	free(dns);
	return NULL;
}

static bool
is_outdated(const struct dns *dns)
{
	struct stat now;

	look_at_config(&now);
	return !dns->has_own_servers &&
		(now.st_ino != dns->config.st_ino || now.st_size != dns->config.st_size ||
			now.st_mtim.tv_sec != dns->config.st_mtim.tv_sec ||
			now.st_mtim.tv_nsec != dns->config.st_mtim.tv_nsec);
}

/* One older one at most: its questions are over within seconds, for it gets no new ones. */
struct dns *
dns_follow(struct dns *dns)
{
	struct dns *newer;

	if (dns->older && dns->older->open == 0)
		dns->older = dns_free(dns->older);
	if (dns->older || !is_outdated(dns))
		return dns;
	newer = dns_new(dns->loop, "", dns->names);
	if (!newer)
		return dns;
	newer->older = dns->open > 0 ? dns : dns_free(dns);
	return newer;
}

/* --- look-ups */

/* Who says that there is no such name, or none of that kind, has answered. */
static enum names_error
error_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return NAMES_FINE;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
		return NAMES_NONE;
	default:
		return NAMES_NO_ANSWER;
	}
}

struct address_query {
	struct dns *dns;
	void (*done)(void *owner, const struct dns_addresses *found);
	void *owner;
	struct netaddr sought; /* AF_UNSPEC: all are */
};

static void
add_address(struct dns_addresses *found, const struct ares_addrinfo_node *node,
	const struct netaddr *sought)
{
	struct netaddr address;

	if (netaddr_from_sockaddr(&address, node->ai_addr) < 0)
		return;
	address = netaddr_bare(&address);
	if (sought->family != AF_UNSPEC && !netaddr_equal(&address, sought))
		return;
	if (node->ai_ttl > 0 && (found->ttl == 0 || (uint32_t)node->ai_ttl < found->ttl))
		found->ttl = (uint32_t)node->ai_ttl;
	host_addresses_add(&found->addresses, &address);
}

static void
addresses_are_known(void *argument, int status, int timeouts, struct ares_addrinfo *result)
{
	struct address_query *query = argument;
	struct dns_addresses found = { .error = error_of(status) };

	(void)timeouts;
	for (const struct ares_addrinfo_node *node = result ? result->nodes : NULL; node;
		node = node->ai_next)
		add_address(&found, node, &query->sought);
	if (found.error == NAMES_FINE && found.addresses.count == 0)
		found.error = NAMES_NONE;
	if (result)
		ares_freeaddrinfo(result);
	query->dns->open--;
	query->done(query->owner, &found);
	free(query);
}

void
dns_find_addresses(struct dns *dns, const char *name, const struct netaddr *sought,
	void (*done)(void *owner, const struct dns_addresses *found), void *owner)
{
	const struct ares_addrinfo_hints hints = { .ai_flags = ARES_AI_NOSORT,
		.ai_family = sought ? sought->family : AF_UNSPEC };
	struct address_query *query = malloc(sizeof(*query));
	const struct dns_addresses none = { .error = NAMES_NO_ANSWER };

	if (!query) {
		done(owner, &none);
		return;
	}
	*query = (struct address_query){ .dns = dns, .done = done, .owner = owner };
	dns->open++;
	if (sought)
		query->sought = netaddr_bare(sought);
	ares_getaddrinfo(dns->channel, name, NULL, &hints, addresses_are_known, query);
	set_timer(dns);
}

struct name_query {
	struct dns *dns;
	void (*done)(void *owner, enum names_error error, const struct client_names *found);
	void *owner;
	struct netaddr address;
};

static void
add_name(struct client_names *found, const char *name)
{
	char *place = found->names[found->count < DNS_NAMES_MAX ? found->count : 0];

	if (!name || found->count == DNS_NAMES_MAX || !hostname_read(name, strlen(name), place))
		return;
	for (uint32_t i = 0; i < found->count; i++)
		if (strcmp(found->names[i], place) == 0)
			return;
	found->count++;
}

static void
add_names(struct client_names *found, const struct hostent *host)
{
	add_name(found, host->h_name);
	for (char **alias = host->h_aliases; alias && *alias; alias++)
		add_name(found, *alias);
}

static void
file_is_read(void *argument, int status, int timeouts, struct hostent *host)
{
	struct client_names *found = argument;

	(void)timeouts;
	if (status == ARES_SUCCESS && host)
		add_names(found, host);
}

static int
length_of(const struct netaddr *address)
{
	return address->family == AF_INET ? (int)sizeof(address->ip.v4)
					  : (int)sizeof(address->ip.v6);
}

static void
names_are_known(void *argument, int status, int timeouts, unsigned char *answer, int length)
{
	struct name_query *query = argument;
	struct client_names found = { .count = 0 };
	enum names_error error = error_of(status);
	struct hostent *host = NULL;

	(void)timeouts;
	if (error == NAMES_FINE) {
		error = error_of(ares_parse_ptr_reply(answer, length, &query->address.ip,
			length_of(&query->address), query->address.family, &host));
		if (error == NAMES_FINE && host)
			add_names(&found, host);
		if (host)
			ares_free_hostent(host);
	}
	if (error == NAMES_FINE && found.count == 0)
		error = NAMES_NONE;
	query->dns->open--;
	query->done(query->owner, error, &found);
	free(query);
}

/* What the DNS files an address under. */
static void
write_reverse(const struct netaddr *address, char *text, size_t room)
{
	const unsigned char *bytes = address->family == AF_INET
		? (const unsigned char *)&address->ip.v4
		: address->ip.v6.s6_addr;
	size_t length = 0;

	for (int i = length_of(address) - 1; i >= 0; i--)
		length += (size_t)(address->family == AF_INET
				? snprintf(text + length, room - length, "%u.", bytes[i])
				: snprintf(text + length, room - length, "%x.%x.", bytes[i] & 15U,
					  bytes[i] >> 4));
	(void)snprintf(text + length, room - length,
		address->family == AF_INET ? "in-addr.arpa" : "ip6.arpa");
}

/* Not by ares_gethostbyaddr, to which a server that fails is one that knows of no name. */
void
dns_find_names(struct dns *dns, const struct netaddr *address,
	void (*done)(void *owner, enum names_error error, const struct client_names *found),
	void *owner)
{
	struct client_names found = { .count = 0 };
	struct name_query *query = malloc(sizeof(*query));
	char name[REVERSE_ROOM];

	if (!query) {
		done(owner, NAMES_NO_ANSWER, &found);
		return;
	}
	ares_gethostbyaddr(dns->files, &address->ip, length_of(address), address->family,
		file_is_read, &found);
	if (found.count > 0) {
		free(query);
		done(owner, NAMES_FINE, &found);
		return;
	}
	*query = (struct name_query){
		.dns = dns, .done = done, .owner = owner, .address = *address
	};
	dns->open++;
	write_reverse(address, name, sizeof(name));
	ares_query(dns->channel, name, CLASS_IN, TYPE_PTR, names_are_known, query);
	set_timer(dns);
}
