/* SPDX-License-Identifier: ISC */
/* The resolver's life: confinement, the supervisor's messages. */
#include "resolver/resolver.h"

#include "effects/confinement.h"
#include "effects/sandbox.h"
#include "resolver/askers.h"
#include "resolver/hosts.h"
#include "resolver/inquiries.h"

#include <ares.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* --- the supervisor */

static int
take_settings(struct resolver *resolver, const struct message_settings *settings)
{
	int error;

	resolver->settings = *settings;
	resolver->settings.servers[sizeof(settings->servers) - 1] = '\0';
	error = inquiries_begin(resolver->inquiries);
	return error < 0 ? error : hosts_begin(resolver->hosts);
}

static int
obey(struct resolver *resolver, struct message *message)
{
	switch ((unsigned)message->type) {
	case MESSAGE_asker:
		return askers_add(resolver, util_take_fd(&message->fds[0]));
	case MESSAGE_settings:
		return take_settings(resolver, &message->body.settings);
	case MESSAGE_hosts:
		return hosts_add(resolver->hosts, message);
	default: /* the channel lets none of the others through */
		return -EPROTO;
	}
}

static void
channel_ready(struct watch *watch, uint32_t events)
{
	struct resolver *resolver = CONTAINER_OF(watch, struct resolver, channel);
	struct message *message = &resolver->message;
	const char *rule = "it cannot be obeyed";
	int got;

	(void)events;
	got = channel_receive(watch->fd, CHANNEL_TO_RESOLVER, CHANNEL_SERVE, message, &rule);
	if (got == 1) {
		got = obey(resolver, message);
		channel_done(message);
	}
	if (got >= 0)
		return;
	if (got != -EPIPE)
		LOG(resolver_rejected, .message = channel_message_name(message->type), .rule = rule,
			.error = -got);
	loop_quit(resolver->loop);
}

/* --- the whole */

static void
turn_ends(struct after *after, msec now)
{
	(void)after;
	(void)now;
	log_flush();
}

static int
init(struct resolver *resolver, int channel_fd)
{
	resolver->loop = loop_new(NULL);
	if (!resolver->loop)
		return -errno;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		return -ENOMEM;
	resolver->hosts = hosts_new(resolver);
	resolver->inquiries = inquiries_new(resolver);
	if (!resolver->hosts || !resolver->inquiries)
		return -ENOMEM;
	resolver->after.turn_ends = turn_ends;
	loop_add_after(resolver->loop, &resolver->after);
	resolver->channel =
		(struct watch){ .fd = channel_fd, .events = EPOLLIN, .ready = channel_ready };
	return loop_watch(resolver->loop, &resolver->channel);
}

static void
fini(struct resolver *resolver)
{
	(void)hosts_free(resolver->hosts);
	(void)inquiries_free(resolver->inquiries);
	askers_free(resolver);
	ares_library_cleanup();
	(void)loop_free(resolver->loop);
}

int
resolver_main(int channel_fd, enum log_sink sink, enum log_level level)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));
	const struct message_ready ready = { .version = CHANNEL_VERSION,
		.pid = (uint32_t)getpid() };
	int result = resolver ? confinement_prepare(sink, level, "reeve-resolver") : -ENOMEM;

	if (result == 0)
		result = init(resolver, channel_fd);
	if (result == 0)
		result = confinement_shut(sandbox_enter_resolver);
	if (result == 0)
		result = channel_send(channel_fd, MESSAGE_ready, &ready, NULL, 0, NULL, 0);
	if (result == 0)
		result = loop_run(resolver->loop);
	if (result < 0)
		LOG(system_error, .step = "resolver", .error = -result);
	if (resolver)
		fini(resolver);
	log_flush();
	free(resolver);
	return result < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
