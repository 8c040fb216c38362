/* SPDX-License-Identifier: ISC */
/* Which keys of programs clash with what. */
#include "config/clashes.h"

#include "config/keys.h"
#include "config/meaning.h"

#include <string.h>
#include <sys/socket.h>

static bool
is_unix(const struct service_config *service)
{
	return service->endpoints[0].path != NULL;
}

static bool
is_carried(const struct service_keys *keys)
{
	return keys->stdio != CONFIG_STDIO_SOCKET;
}

static bool
is_realtime(const struct service_keys *keys)
{
	return keys->cpu_scheduling_policy == CONFIG_CPU_FIFO ||
		keys->cpu_scheduling_policy == CONFIG_CPU_RR;
}

static bool
is_wait(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return keys->wait != 0;
}

static bool
carried_with_wait(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return is_carried(keys) && keys->wait != 0;
}

static bool
carried_with_activation(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return is_carried(keys) && keys->activation != 0;
}

static bool
carried_datagrams(const struct service_config *service, const struct service_keys *keys)
{
	return is_carried(keys) && config_has_type(service, SOCK_DGRAM);
}

static bool
carried_packets(const struct service_config *service, const struct service_keys *keys)
{
	return is_carried(keys) && config_has_type(service, SOCK_SEQPACKET);
}

static bool
activation_for_datagrams(const struct service_config *service, const struct service_keys *keys)
{
	return keys->activation != 0 && keys->wait == 0 && config_has_type(service, SOCK_DGRAM);
}

static bool
per_without_datagrams(const struct service_config *service, const struct service_keys *keys)
{
	(void)keys;
	return !config_has_type(service, SOCK_DGRAM);
}

static bool
tcpmux_with_wait(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return keys->tcpmux != CONFIG_TCPMUX_NO && keys->wait != 0;
}

static bool
error_with_wait(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return strcmp(keys->stderr, "client") == 0 && keys->wait != 0;
}

static bool
first_byte_with_wait(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return keys->first_byte > 0 && keys->wait != 0;
}

static bool
first_byte_of_datagrams(const struct service_config *service, const struct service_keys *keys)
{
	return keys->first_byte > 0 && !config_has_type(service, SOCK_STREAM) &&
		!config_has_type(service, SOCK_SEQPACKET);
}

static bool
is_uncounted(const struct service_config *service, const struct service_keys *keys)
{
	return is_unix(service) && config_has_type(service, SOCK_STREAM) && !is_carried(keys);
}

static bool
first_byte_uncounted(const struct service_config *service, const struct service_keys *keys)
{
	return keys->first_byte > 0 && is_uncounted(service, keys);
}

static bool
first_byte_of_packets(const struct service_config *service, const struct service_keys *keys)
{
	return keys->first_byte > 0 && config_has_type(service, SOCK_SEQPACKET);
}

static bool
idle_with_wait(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return keys->idle > 0 && keys->wait != 0;
}

static bool
idle_uncounted(const struct service_config *service, const struct service_keys *keys)
{
	return keys->idle > 0 && is_uncounted(service, keys);
}

static bool
idle_of_packets(const struct service_config *service, const struct service_keys *keys)
{
	return keys->idle > 0 && config_has_type(service, SOCK_SEQPACKET);
}

static bool
priority_without_realtime(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return keys->cpu_scheduling_priority != 0 && !is_realtime(keys);
}

static bool
io_priority_without_class(const struct service_config *service, const struct service_keys *keys)
{
	(void)service;
	return keys->io_scheduling_class != CONFIG_IO_REALTIME &&
		keys->io_scheduling_class != CONFIG_IO_BEST_EFFORT;
}

#define WITH_WAIT "with wait the program itself takes the clients, whom nobody else sees"

static const struct clash clashes[] = {
	{ KEY_PLACE_stdio, carried_with_wait, WITH_WAIT "; stdio=socket is wanted" },
	{ KEY_PLACE_stdio, carried_with_activation,
		"activation hands over the socket, and a pipe or a terminal would hide it; "
		"stdio=socket is wanted" },
	{ KEY_PLACE_stdio, carried_datagrams,
		"a pipe or a terminal does not keep datagrams apart; stdio=socket is wanted" },
	{ KEY_PLACE_stdio, carried_packets,
		"a pipe or a terminal does not keep packets apart; stdio=socket is wanted" },
	{ KEY_PLACE_activation, activation_for_datagrams,
		"without wait no program gets a datagram socket; wait is wanted beside it" },
	{ KEY_PLACE_per, is_wait, "says for whom programs are started; with wait one is, for all" },
	{ KEY_PLACE_per, per_without_datagrams,
		"is for datagram sockets, and the service has none" },
	{ KEY_PLACE_tcpmux, tcpmux_with_wait,
		"hands over a client, and with wait the program wants the listening socket" },
	{ KEY_PLACE_per_source, is_wait, WITH_WAIT },
	{ KEY_PLACE_cps, is_wait, WITH_WAIT },
	{ KEY_PLACE_cps_burst, is_wait, WITH_WAIT },
	{ KEY_PLACE_cps_per_source, is_wait, WITH_WAIT },
	{ KEY_PLACE_cps_per_source_burst, is_wait, WITH_WAIT },
	{ KEY_PLACE_pps_per_source, is_wait, WITH_WAIT },
	{ KEY_PLACE_pps_per_source_burst, is_wait, WITH_WAIT },
	{ KEY_PLACE_max_load, is_wait, WITH_WAIT },
	{ KEY_PLACE_max_memory_pressure, is_wait, WITH_WAIT },
	{ KEY_PLACE_min_memory, is_wait, WITH_WAIT },
	{ KEY_PLACE_at_limit, is_wait, WITH_WAIT },
	{ KEY_PLACE_refuse_with, is_wait, WITH_WAIT },
	{ KEY_PLACE_queue, is_wait, WITH_WAIT },
	{ KEY_PLACE_queue_time, is_wait, WITH_WAIT },
	{ KEY_PLACE_tarpit_instances, is_wait, WITH_WAIT },
	{ KEY_PLACE_tarpit_pause, is_wait, WITH_WAIT },
	{ KEY_PLACE_banner, is_wait, WITH_WAIT },
	{ KEY_PLACE_banner_success, is_wait, WITH_WAIT },
	{ KEY_PLACE_banner_fail, is_wait, WITH_WAIT },
	{ KEY_PLACE_banner_queue, is_wait, WITH_WAIT },
	{ KEY_PLACE_ban, is_wait, WITH_WAIT },
	{ KEY_PLACE_ban_time, is_wait, WITH_WAIT },
	{ KEY_PLACE_sensor, is_wait, WITH_WAIT },
	{ KEY_PLACE_loop_guard, is_wait, WITH_WAIT },
	{ KEY_PLACE_reply_budget, is_wait, WITH_WAIT },
	{ KEY_PLACE_reply_budget_rate, is_wait, WITH_WAIT },
	{ KEY_PLACE_source_prefix4, is_wait, WITH_WAIT },
	{ KEY_PLACE_source_prefix6, is_wait, WITH_WAIT },
	{ KEY_PLACE_stderr, error_with_wait, WITH_WAIT "; wanted: log, null or a path" },
	{ KEY_PLACE_first_byte, first_byte_with_wait, WITH_WAIT "; max_time bounds the program" },
	{ KEY_PLACE_first_byte, first_byte_of_datagrams,
		"is for connections; a datagram is there before its program" },
	{ KEY_PLACE_first_byte, first_byte_uncounted,
		"the kernel counts no bytes of a unix socket; stdio=pipe is wanted beside it" },
	{ KEY_PLACE_first_byte, first_byte_of_packets,
		"the kernel counts no bytes of a unix socket; wanted: unix and stdio=pipe, or "
		"max_time" },
	{ KEY_PLACE_idle, idle_with_wait, WITH_WAIT "; max_time bounds the program" },
	{ KEY_PLACE_idle, idle_uncounted,
		"the kernel counts no bytes of a unix socket; stdio=pipe is wanted beside it" },
	{ KEY_PLACE_idle, idle_of_packets,
		"the kernel counts no bytes of a unix socket; wanted: unix and stdio=pipe, or "
		"max_time" },
	{ KEY_PLACE_cpu_scheduling_priority, priority_without_realtime,
		"is for cpu_scheduling_policy=fifo and rr; the urgency of others is nice" },
	{ KEY_PLACE_io_scheduling_priority, io_priority_without_class,
		"is for io_scheduling_class=realtime and best-effort" },
};

const struct clash *
clashes_all(size_t *ret_count)
{
	*ret_count = ARRAY_SIZE(clashes);
	return clashes;
}
