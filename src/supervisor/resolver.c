/* SPDX-License-Identifier: ISC */
/* The life of the resolver. */
#include "supervisor/resolver.h"

#include "supervisor/confined.h"
#include "supervisor/gates.h"
#include "supervisor/handover.h"
#include "supervisor/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#define RESOLVER_NAME "reeve-resolver"
#define PATIENCE_MS 30000 /* to say that it is ready */
#define SETTLED_MS 10000  /* one that lived so long is replaced at once */
#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 10000
#define MESSAGES_AT_ONCE 64
#define HOSTS_AT_ONCE 32

static void start(struct supervised_resolver *resolver);

/* --- what it is told */

static int
send_settings(const struct supervised_resolver *resolver)
{
	const struct config_daemon *daemon = &resolver->supervisor->services.config->daemon;
	struct message_settings body = { .generation = resolver->supervisor->rules.generation,
		.refresh_ms = (uint32_t)daemon->names_refresh };
	size_t length = 0;

	/* The check has seen that they fit. */
	for (char *const *server = daemon->names_servers; server != NULL && *server != NULL;
		server++)
		length += (size_t)snprintf(body.servers + length, sizeof(body.servers) - length,
			"%s%s", length > 0 ? "," : "", *server);
	return channel_send(resolver->channel.fd, MESSAGE_settings, &body, NULL, 0, NULL, 0);
}

/* The list goes from the highest number down. */
static int
send_hosts(struct supervised_resolver *resolver)
{
	struct message_hosts_row rows[HOSTS_AT_ONCE];
	struct message_hosts body = { .generation = resolver->supervisor->rules.generation };

	while (resolver->next != NULL) {
		struct rule_host *host = resolver->next;
		uint32_t count =
			host->number + 1 < HOSTS_AT_ONCE ? host->number + 1 : HOSTS_AT_ONCE;
		int error;

		body.first = host->number + 1 - count;
		memset(rows, 0, sizeof(rows));
		for (uint32_t i = count; i > 0; i--, host = host->next)
			(void)snprintf(rows[i - 1].name, sizeof(rows[i - 1].name), "%s",
				host->name);
		error = channel_send(resolver->channel.fd, MESSAGE_hosts, &body, rows, count, NULL,
			0);
		if (error < 0)
			return error;
		resolver->next = host;
	}
	return 0;
}

static void
tell_all(struct supervised_resolver *resolver)
{
	struct loop *loop = resolver->supervisor->loop;
	int error = 0;

	if (!resolver->is_ready)
		return;
	if (resolver->owes_hosts) {
		error = send_settings(resolver);
		if (error == 0) {
			resolver->owes_hosts = false;
			resolver->next = resolver->supervisor->rules.hosts;
		}
	}
	if (error == 0)
		error = send_hosts(resolver);
	/* One that is gone shows as the end of its channel. */
	(void)loop_rewatch(loop, &resolver->channel,
		error == -EAGAIN ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

int
resolver_join(struct supervised_gate *gate)
{
	struct supervised_resolver *resolver = &gate->supervisor->resolver;
	const struct message_asker asker = { .gate = gate->number };
	const struct message_resolver body = { .instance = resolver->instance };
	auto_close int asker_fd = -1;
	auto_close int gate_fd = -1;
	int error;

	if (!resolver->is_ready || gate->resolver == resolver->instance || gate->is_foreign ||
		gate->phase == CHANNEL_HELLO)
		return 0;
	error = channel_pair(&asker_fd, &gate_fd);
	if (error < 0)
		return error;
	error = channel_send(gate->channel.fd, MESSAGE_resolver, &body, NULL, 0, &gate_fd, 1);
	if (error < 0)
		return error;
	error = channel_send(resolver->channel.fd, MESSAGE_asker, &asker, NULL, 0, &asker_fd, 1);
	/* A gate that has no other end is told so by its own, and gets another one in a moment. */
	if (error == -EAGAIN)
		return -ENOBUFS;
	gate->resolver = resolver->instance;
	return 0;
}

static void
join_all(struct supervisor *supervisor)
{
	for (struct supervised_gate *gate = NULL; (gate = gates_next(supervisor, gate)) != NULL;)
		if (gate->channel.fd >= 0 && gate->phase != CHANNEL_HELLO)
			handover_continue(gate);
}

/* --- what it says */

/* Nothing more is heard of it, nor told to it. */
static void
give_up(struct supervised_resolver *resolver)
{
	resolver->is_ready = false;
	loop_unwatch(resolver->supervisor->loop, &resolver->channel);
	if (resolver->pid > 0)
		(void)priv_kill_gate(resolver->pid);
}

static void
lied(struct supervised_resolver *resolver, const char *message, const char *rule)
{
	LOG(resolver_lied, .pid = resolver->pid, .message = message, .rule = rule);
	give_up(resolver);
}

static void
is_ready_now(struct supervised_resolver *resolver)
{
	struct supervisor *supervisor = resolver->supervisor;

	resolver->is_ready = true;
	loop_stop_timer(supervisor->loop, &resolver->timer);
	LOG(resolver_started, .pid = resolver->pid);
	resolver->owes_hosts = true;
	tell_all(resolver);
	join_all(supervisor);
}

/* NULL, or the rule that it broke. */
static const char *
obey(struct supervised_resolver *resolver, const struct message *message)
{
	if (message->type == MESSAGE_addresses)
		return resolver->is_ready ? hosts_take(resolver->supervisor, message)
					  : "it is not ready";
	if (message->body.ready.version != CHANNEL_VERSION || resolver->is_ready)
		return "it is of another version, or ready twice";
	is_ready_now(resolver);
	return NULL;
}

/* 1: there may be more, 0: not now, -errno: the channel is no use any more. */
static int
receive_one(struct supervised_resolver *resolver)
{
	struct message *message = resolver->supervisor->message;
	const char *rule = NULL;
	int got = channel_receive(resolver->channel.fd, CHANNEL_FROM_RESOLVER, CHANNEL_SERVE,
		message, &rule);

	if (got == 1) {
		rule = obey(resolver, message);
		channel_done(message);
	}
	if (rule == NULL)
		return got;
	lied(resolver, channel_message_name(message->type), rule);
	return -EPROTO;
}

static void
channel_is_ready(struct watch *watch, uint32_t events)
{
	struct supervised_resolver *resolver =
		CONTAINER_OF(watch, struct supervised_resolver, channel);
	int got = 1;

	if ((events & EPOLLOUT) != 0)
		tell_all(resolver);
	for (int i = 0; i < MESSAGES_AT_ONCE && got > 0; i++)
		got = receive_one(resolver);
	/* Its death is told by SIGCHLD; what has closed its channel and lives on is of no use. */
	if (got < 0 && got != -EPROTO)
		give_up(resolver);
}

/* --- start and end */

static void
start_later(struct supervised_resolver *resolver)
{
	struct loop *loop = resolver->supervisor->loop;

	(void)loop_set_timer(loop, &resolver->timer, loop_now(loop) + resolver->backoff);
	resolver->backoff = resolver->backoff == 0 ? BACKOFF_FIRST_MS : resolver->backoff * 2;
	if (resolver->backoff > BACKOFF_MAX_MS)
		resolver->backoff = BACKOFF_MAX_MS;
}

static int
open_program(struct supervised_resolver *resolver)
{
	if (resolver->program_fd < 0)
		resolver->program_fd = confined_open_program(RESOLVER_NAME);
	return resolver->program_fd < 0 ? resolver->program_fd : 0;
}

static void
start(struct supervised_resolver *resolver)
{
	struct supervisor *supervisor = resolver->supervisor;
	int error = open_program(resolver);

	resolver->started = loop_now(supervisor->loop);
	resolver->is_ready = false;
	resolver->next = NULL;
	if (error == 0)
		error = confined_start(supervisor, RESOLVER_NAME, resolver->program_fd,
			&resolver->channel.fd, &resolver->pid);
	if (error < 0) {
		LOG(system_error, .step = "resolver start", .error = -error);
		start_later(resolver);
		return;
	}
	resolver->instance++;
	resolver->channel.events = EPOLLIN;
	(void)loop_watch(supervisor->loop, &resolver->channel);
	(void)loop_set_timer(supervisor->loop, &resolver->timer, resolver->started + PATIENCE_MS);
}

static void
timer_expired(struct timer *timer, msec now)
{
	struct supervised_resolver *resolver =
		CONTAINER_OF(timer, struct supervised_resolver, timer);

	(void)now;
	if (resolver->pid == 0)
		start(resolver);
	else
		lied(resolver, channel_message_name(MESSAGE_ready), "it did not answer in time");
}

/* It ends with its channel. */
static void
close_channel(struct supervised_resolver *resolver)
{
	if (resolver->channel.fd < 0)
		return;
	loop_unwatch(resolver->supervisor->loop, &resolver->channel);
	channel_close(util_take_fd(&resolver->channel.fd));
	resolver->is_ready = false;
}

void
resolver_swap(struct supervisor *supervisor)
{
	struct supervised_resolver *resolver = &supervisor->resolver;

	if (!supervisor->rules.need_resolver) {
		loop_stop_timer(supervisor->loop, &resolver->timer);
		close_channel(resolver);
		/* One gone bad would stay, and keep the next one from being started. */
		if (resolver->pid > 0)
			(void)priv_kill_gate(resolver->pid);
		return;
	}
	resolver->owes_hosts = true;
	resolver->next = NULL;
	if (resolver->pid == 0 && resolver->timer.place == 0)
		start(resolver);
	else
		tell_all(resolver);
}

bool
resolver_reaped(struct supervisor *supervisor, pid_t pid, int status)
{
	struct supervised_resolver *resolver = &supervisor->resolver;
	bool was_wanted;

	if (resolver->pid == 0 || pid != resolver->pid)
		return false;
	was_wanted = resolver->channel.fd >= 0;
	resolver->pid = 0;
	close_channel(resolver);
	loop_stop_timer(supervisor->loop, &resolver->timer);
	if (loop_now(supervisor->loop) - resolver->started >= SETTLED_MS)
		resolver->backoff = 0;
	if (was_wanted)
		LOG(resolver_ended, .pid = pid,
			.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
			.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
			.restart_ms = resolver->backoff);
	if (supervisor->rules.need_resolver && !supervisor->is_stopping)
		start_later(resolver);
	return true;
}

void
resolver_init(struct supervisor *supervisor)
{
	supervisor->resolver = (struct supervised_resolver){ .supervisor = supervisor,
		.program_fd = -1,
		.channel = { .fd = -1, .ready = channel_is_ready },
		.timer = { .expired = timer_expired } };
}

void
resolver_fini(struct supervisor *supervisor)
{
	struct supervised_resolver *resolver = &supervisor->resolver;

	close_channel(resolver);
	if (resolver->program_fd >= 0)
		(void)close(resolver->program_fd);
}
