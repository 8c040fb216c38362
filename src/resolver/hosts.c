/* SPDX-License-Identifier: ISC */
/* Hosts that rules name. */
#include "resolver/hosts.h"

#include "resolver/dns.h"

#include <errno.h>
#include <string.h>

#define RETRY_FIRST_MS 1000
#define REFRESH_MIN_MS 1000
#define HOSTS_MAX 65536

struct host {
	struct timer timer;
	struct hosts *hosts;
	struct host *next;
	uint32_t number;
	uint32_t failures; /* one after another */
	bool is_asked;
	char name[HOSTNAME_ROOM];
};

struct hosts {
	struct resolver *resolver;
	struct dns *dns;
	struct host *first;
	uint32_t count;
};

static void look_up(struct timer *timer, msec now);

static msec
pause_of(const struct host *host, const struct dns_addresses *found)
{
	msec refresh = host->hosts->resolver->settings.refresh_ms;
	msec wait = refresh;

	if (found->error == NAMES_FINE && found->ttl > 0)
		wait = (msec)found->ttl * 1000;
	if (found->error != NAMES_FINE)
		wait = (msec)RETRY_FIRST_MS << (host->failures < 16 ? host->failures - 1 : 15);
	if (wait < REFRESH_MIN_MS)
		wait = REFRESH_MIN_MS;
	return wait < refresh ? wait : refresh;
}

static int
tell(const struct host *host, const struct dns_addresses *found)
{
	const struct resolver *resolver = host->hosts->resolver;
	const struct host_addresses *addresses = &found->addresses;
	const struct message_addresses body = { .generation = resolver->settings.generation,
		.host = host->number,
		.error = found->error,
		.is_cut = addresses->is_cut };
	struct message_addresses_row rows[HOST_ADDRESSES_MAX];

	for (uint32_t i = 0; i < addresses->count; i++)
		rows[i].address = addresses->list[i];
	return channel_send(resolver->channel.fd, MESSAGE_addresses, &body, rows, addresses->count,
		NULL, 0);
}

static void
host_is_known(void *owner, const struct dns_addresses *found)
{
	struct host *host = owner;
	struct loop *loop = host->hosts->resolver->loop;
	msec wait;

	if (!host->hosts->dns)
		return; /* it is being forgotten: its number may be another host's by now */
	host->is_asked = false;
	host->failures = found->error == NAMES_FINE ? 0 : host->failures + 1;
	wait = pause_of(host, found);
	/* A supervisor that is behind is told by and by. */
	if (tell(host, found) < 0)
		wait = REFRESH_MIN_MS;
	(void)loop_set_timer(loop, &host->timer, loop_now(loop) + wait);
}

static void
look_up(struct timer *timer, msec now)
{
	struct host *host = CONTAINER_OF(timer, struct host, timer);

	(void)now;
	if (host->is_asked)
		return;
	host->hosts->dns = dns_follow(host->hosts->dns);
	host->is_asked = true;
	dns_find_addresses(host->hosts->dns, host->name, NULL, host_is_known, host);
}

static void
forget(struct hosts *hosts)
{
	struct dns *dns = hosts->dns;

	/* What is under way ends, and nobody is told. */
	hosts->dns = NULL;
	(void)dns_free(dns);
	while (hosts->first) {
		struct host *host = hosts->first;

		hosts->first = host->next;
		loop_stop_timer(hosts->resolver->loop, &host->timer);
		free(host);
	}
	hosts->count = 0;
}

struct hosts *
hosts_new(struct resolver *resolver)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));

	if (hosts)
		hosts->resolver = resolver;
	return hosts;
}

struct hosts *
hosts_free(struct hosts *hosts)
{
	if (hosts)
		forget(hosts);
	free(hosts);
	return NULL;
}

int
hosts_begin(struct hosts *hosts)
{
	forget(hosts);
	hosts->dns = dns_new(hosts->resolver->loop, hosts->resolver->settings.servers,
		DNS_NAMES_SEARCHED);
	return hosts->dns ? 0 : -EINVAL;
}

static int
add(struct hosts *hosts, const char *name, uint32_t number)
{
	struct loop *loop = hosts->resolver->loop;
	struct host *host = hosts->count < HOSTS_MAX ? calloc(1, sizeof(*host)) : NULL;

	if (!host)
		return -ENOMEM;
	host->hosts = hosts;
	host->number = number;
	host->timer.expired = look_up;
	memcpy(host->name, name, sizeof(host->name));
	host->name[sizeof(host->name) - 1] = '\0';
	host->next = hosts->first;
	hosts->first = host;
	hosts->count++;
	return loop_set_timer(loop, &host->timer, loop_now(loop));
}

int
hosts_add(struct hosts *hosts, const struct message *message)
{
	const struct message_hosts_row *rows = message->rows;
	int error = 0;

	if (!hosts->dns || message->body.hosts.generation != hosts->resolver->settings.generation)
		return -EPROTO;
	for (uint32_t i = 0; i < message->row_count && error == 0; i++)
		error = add(hosts, rows[i].name, message->body.hosts.first + i);
	return error;
}
