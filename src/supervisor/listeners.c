/* SPDX-License-Identifier: ISC */
/* The sockets of all services: opened by the plan, all or none, kept over reloads, and never
 * closed while a configuration wants them. */
#include "supervisor/listeners.h"

#include "config/builtins.h"
#include "effects/leftover.h"
#include "model/plan.h"
#include "supervisor/handed.h"
#include "supervisor/store.h"
#include "supervisor/waiting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* One socket for each gate costs this many times the descriptors; above three quarters of what
 * we may hold the gates share. */
#define DESCRIPTORS_FOR_SOCKETS(limit) ((limit) / 4 * 3)

/* What the steps of one preparation have in common. */
struct opening {
	struct supervisor *supervisor;
	const struct service_set *set;
	struct listener_set *result;
	struct complaint_list *complaints;
	struct listener **by_endpoint; /* of the service at hand, for twins */
	uint32_t fds_each;             /* sockets for a listener that every gate serves */
};

static struct listener *
listener_free(struct listener *listener)
{
	if (listener == NULL)
		return NULL;
	waiting_free(listener);
	for (uint32_t i = 0; i < listener->fd_count; i++)
		(void)close(listener->fds[i]);
	free(listener->service);
	free(listener->path);
	free(listener);
	return NULL;
}

/* One that was opened for a configuration that is not taken: not even a file stays. */
static void
listener_undo(struct listener *listener)
{
	if (listener != NULL && listener->path != NULL && listener->is_ours)
		listen_remove_file(listener->path);
	(void)listener_free(listener);
}

static const char *
endpoint_text(const struct endpoint *endpoint, char *room)
{
	return endpoint->path != NULL ? endpoint->path : netaddr_format(&endpoint->address, room);
}

static struct listener *
listener_new(struct opening *opening, const struct service_config *service, uint32_t fd_count)
{
	struct listener *listener = calloc(1, sizeof(*listener) + fd_count * sizeof(int));

	if (listener == NULL)
		return NULL;
	listener->service = strdup(service->name);
	if (listener->service == NULL)
		return listener_free(listener);
	listener->id = ++opening->supervisor->next_listener;
	return listener;
}

static int
set_wanted(struct listener *listener, const struct endpoint *endpoint)
{
	listener->wanted = *endpoint;
	listener->wanted.path = NULL;
	if (endpoint->path == NULL)
		return 0;
	listener->path = strdup(endpoint->path);
	listener->wanted.path = listener->path;
	return listener->path != NULL ? 0 : -ENOMEM;
}

static int
keep_high(struct listener *listener, int listen_fd)
{
	int high_fd = spawn_move_high(listen_fd);

	if (high_fd < 0) {
		(void)close(listen_fd);
		return high_fd;
	}
	listener->fds[listener->fd_count++] = high_fd;
	return 0;
}

static int
socket_options(const struct service_config *service, struct listen_options *ret_options)
{
	const struct service_keys *keys = service->keys;
	struct identity owner;

	*ret_options = (struct listen_options){ .backlog = (int)keys->backlog,
		.mode = (mode_t)keys->mode,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1 };
	if (service->endpoints[0].path == NULL)
		return 0;
	if (keys->owner != NULL) {
		if (priv_look_up(&owner, keys->owner, NULL, NULL) < 0)
			return -ENOENT;
		ret_options->uid = owner.uid;
		priv_identity_fini(&owner);
	}
	return keys->group != NULL ? priv_look_up_group(keys->group, &ret_options->gid) : 0;
}

static int
take_handed(struct opening *opening, struct listener *listener,
	const struct service_config *service)
{
	int listen_fd = -1;
	int error = handed_take(opening->supervisor, service, &listener->wanted, &listen_fd,
		&listener->bound, &listener->is_ours);

	return error < 0 || listen_fd < 0 ? error : keep_high(listener, listen_fd);
}

/* The port that the kernel picked for the IPv4 half of a "0/tcp" is that of the IPv6 half. */
static uint16_t
twin_port(const struct opening *opening, const struct listener *listener, uint32_t endpoint)
{
	const struct listener *twin = opening->by_endpoint[listener->wanted.twin];

	if (listener->wanted.twin == endpoint || twin == NULL)
		return 0;
	return twin->bound.port;
}

/* The port is in use, but by a socket of ours that is about to close (a wildcard that becomes
 * an address, or the other way round). */
static bool
takes_over(const struct opening *opening, const struct endpoint *wanted)
{
	for (size_t i = 0; i < opening->result->closing_count; i++) {
		const struct listener *closing = opening->result->closing[i];

		if (closing->path == NULL && closing->bound.port == wanted->address.port &&
			closing->wanted.protocol == wanted->protocol)
			return true;
	}
	return false;
}

static int
open_socket(struct opening *opening, struct listener *listener, uint16_t port,
	const struct listen_options *options, const char **ret_step)
{
	struct listen_options now = *options;
	int listen_fd = -1;
	int error;

	now.is_first = listener->fd_count == 0;
	error = listen_open(&listen_fd, &listener->bound, &listener->wanted, port, &now, ret_step);
	if (error == -EADDRINUSE && now.is_first && takes_over(opening, &listener->wanted)) {
		now.is_first = false;
		error = listen_open(&listen_fd, &listener->bound, &listener->wanted, port, &now,
			ret_step);
	}
	return error < 0 ? error : keep_high(listener, listen_fd);
}

/* The port is in use by a program that an earlier daemon left its socket to: share it, and have
 * every new client. A path is taken away from it instead. */
static int
join_leftovers(struct opening *opening, struct listener *listener, uint16_t port,
	const struct listen_options *options, const char **ret_step)
{
	struct listen_options now = *options;
	const struct endpoint *wanted = &listener->wanted;
	unsigned int others = leftover_sockets(listener->service, wanted,
		port != 0 ? port : wanted->address.port);
	int listen_fd = -1;
	int error;

	if (others == 0)
		return -EADDRINUSE;
	if (wanted->path != NULL) {
		listen_remove_file(wanted->path);
		return open_socket(opening, listener, port, options, ret_step);
	}
	now.is_first = false;
	error = listen_open(&listen_fd, &listener->bound, wanted, port, &now, ret_step);
	if (error < 0)
		return error;
	error = leftover_take_clients(listen_fd, others);
	if (error < 0)
		LOG(system_error, .step = "setsockopt", .error = -error);
	return keep_high(listener, listen_fd);
}

static int
open_sockets(struct opening *opening, struct listener *listener, uint32_t fd_count, uint16_t port,
	const struct listen_options *options, const char **ret_step)
{
	int error = 0;

	while (error == 0 && listener->fd_count < fd_count) {
		error = open_socket(opening, listener, port, options, ret_step);
		if (error == -EADDRINUSE && listener->fd_count == 0) {
			/* One for all gates: the leftovers are told from it by its number. */
			error = join_leftovers(opening, listener, port, options, ret_step);
			fd_count = 1;
		}
		port = listener->bound.port;
	}
	listener->is_ours = true;
	return error;
}

/* A host without IPv6 says so in one of these ways. */
static bool
is_unsupported(int error)
{
	return error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL || error == -EPROTONOSUPPORT;
}

static int
open_failed(struct opening *opening, const struct service_config *service,
	const struct listener *listener, const char *step, int error)
{
	char room[NETADDR_TEXT_MAX];
	const char *address = endpoint_text(&listener->wanted, room);
	const char *protocol = protocol_word(listener->wanted.protocol);

	if (listener->wanted.is_optional && is_unsupported(error)) {
		LOG(listen_unsupported, .service = service->name, .protocol = protocol,
			.address = address);
		return 0;
	}
	complain(opening->complaints, &service->wheres->name, service->name,
		"%s/%s cannot be opened: %s: %s", address, protocol, step, strerror(-error));
	return error;
}

static bool
is_for_one_gate(const struct service_config *service)
{
	const struct builtin_row *builtin =
		service->builtin != NULL ? builtins_find(service->builtin) : NULL;

	return builtin != NULL && builtin->is_for_one_gate;
}

static int
open_listener(struct opening *opening, const struct service_config *service, uint32_t endpoint,
	struct listener **ret_listener)
{
	bool is_for_one = is_for_one_gate(service);
	bool is_single = is_for_one || service->keys->wait != 0;
	const struct endpoint *wanted = &service->endpoints[endpoint];
	uint32_t fd_count = wanted->path != NULL || is_single ? 1 : opening->fds_each;
	struct listener *listener = listener_new(opening, service, fd_count);
	struct listen_options options;
	const char *step = "look-up";
	int error = listener == NULL ? -ENOMEM : set_wanted(listener, wanted);

	if (error == 0)
		error = take_handed(opening, listener, service);
	if (error == 0)
		error = socket_options(service, &options);
	if (error == 0 && listener->fd_count == 0)
		error = open_sockets(opening, listener, fd_count,
			twin_port(opening, listener, endpoint), &options, &step);
	if (error == -EADDRINUSE && wanted->twin != endpoint)
		/* The port that was free for IPv4 is not for IPv6: any other will do. */
		error = open_sockets(opening, listener, fd_count, 0, &options, &step);
	if (error < 0) {
		error = listener == NULL ? -ENOMEM
					 : open_failed(opening, service, listener, step, error);
		(void)listener_free(listener);
		*ret_listener = NULL;
		return error;
	}
	listener->is_for_one = is_for_one;
	listener->backlog = options.backlog;
	*ret_listener = listener;
	return 0;
}

/* A kept socket takes the options of now; one that does not stays as it was and is reported. */
static void
retune(struct listener *listener, const struct service_config *service)
{
	struct listen_options options;
	int error = socket_options(service, &options);

	listener->backlog = options.backlog;
	for (uint32_t i = 0; error == 0 && listener->is_ours && i < listener->fd_count; i++)
		error = listen_retune(listener->fds[i], &listener->wanted, &options);
	if (error < 0)
		LOG(system_error, .step = "listen", .error = -error);
}

static int
take_step(struct opening *opening, const struct plan_step *step)
{
	const struct service_config *service = &opening->set->config->services[step->service];
	bool is_new = step->action == PLAN_OPEN;
	struct listener *listener = NULL;
	int error = 0;

	if (is_new)
		error = open_listener(opening, service, step->endpoint, &listener);
	else
		listener = opening->supervisor->listeners.slots[step->listener].listener;
	opening->by_endpoint[step->endpoint] = listener;
	if (error == 0 && listener != NULL && service->keys->wait != 0)
		error = waiting_prepare(opening->supervisor, listener);
	if (listener != NULL)
		opening->result->slots[opening->result->count++] =
			(struct listener_slot){ .listener = listener,
				.service = step->service,
				.endpoint = step->endpoint,
				.is_new = is_new };
	return error;
}

/* All steps are taken even after one has failed: every complaint in one run. */
static int
take_steps(struct opening *opening, const struct plan *plan)
{
	const struct listener_set *before = &opening->supervisor->listeners;
	uint32_t most = 0;
	int error = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *step = &plan->steps[i];

		if (step->action == PLAN_CLOSE)
			opening->result->closing[opening->result->closing_count++] =
				before->slots[step->listener].listener;
		else if (step->endpoint >= most)
			most = step->endpoint + 1;
	}
	opening->by_endpoint = calloc((size_t)most + 1, sizeof(struct listener *));
	if (opening->by_endpoint == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < plan->count; i++) {
		int failed = plan->steps[i].action == PLAN_CLOSE
			? 0
			: take_step(opening, &plan->steps[i]);

		error = error < 0 ? error : failed;
	}
	free(opening->by_endpoint);
	return error;
}

static void
discard_set(struct listener_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->slots[i].is_new)
			listener_undo(set->slots[i].listener);
	free(set->slots);
	free(set->closing);
	*set = (struct listener_set){ .count = 0 };
}

int
listeners_plan(const struct supervisor *supervisor, const struct config *config,
	struct plan *ret_plan)
{
	const struct listener_set *set = &supervisor->listeners;
	auto_free struct plan_socket *sockets = calloc(set->count + 1, sizeof(*sockets));

	if (sockets == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < set->count; i++)
		sockets[i] = (struct plan_socket){ .listener = (uint32_t)i,
			.service = set->slots[i].listener->service,
			.wanted = set->slots[i].listener->wanted };
	return plan_make(ret_plan, sockets, set->count, config);
}

static uint32_t
sockets_for_each(const struct supervisor *supervisor, size_t listeners)
{
	int64_t wanted = (int64_t)listeners * supervisor->gate_count;

	return wanted <= DESCRIPTORS_FOR_SOCKETS(supervisor->descriptors) ? supervisor->gate_count
									  : 1;
}

int
listeners_prepare(struct supervisor *supervisor, const struct service_set *set,
	struct listener_set *ret_listeners, struct complaint_list *complaints)
{
	struct listener_set result = { .count = 0 };
	struct plan plan = { .count = 0 };
	struct opening opening = {
		.supervisor = supervisor, .set = set, .result = &result, .complaints = complaints
	};
	int error = listeners_plan(supervisor, set->config, &plan);

	result.slots = calloc(plan.count + 1, sizeof(*result.slots));
	result.closing = calloc(supervisor->listeners.count + 1, sizeof(struct listener *));
	if (result.slots == NULL || result.closing == NULL)
		error = -ENOMEM;
	opening.fds_each = sockets_for_each(supervisor, plan.count);
	if (error == 0)
		error = take_steps(&opening, &plan);
	plan_fini(&plan);
	if (error < 0) {
		discard_set(&result);
		return error;
	}
	*ret_listeners = result;
	return 0;
}

static void
log_listener(const struct listener *listener, const char *service)
{
	char room[NETADDR_TEXT_MAX];

	LOG(listening, .service = service, .protocol = protocol_word(listener->wanted.protocol),
		.address = listener->path != NULL ? listener->path
						  : netaddr_format(&listener->bound, room));
}

static void
close_listener(struct supervisor *supervisor, struct listener *listener)
{
	char room[NETADDR_TEXT_MAX];

	store_forget_listener(supervisor, listener);
	LOG(listen_closed, .service = listener->service,
		.protocol = protocol_word(listener->wanted.protocol),
		.address = listener->path != NULL ? listener->path
						  : netaddr_format(&listener->bound, room));
	if (listener->path != NULL && listener->is_ours)
		listen_remove_file(listener->path);
	(void)listener_free(listener);
}

void
listeners_swap(struct supervisor *supervisor, struct listener_set *listeners)
{
	const struct config *config = supervisor->services.config;
	struct listener_set old = supervisor->listeners;

	supervisor->opened = 0;
	for (size_t i = 0; i < listeners->count; i++) {
		const struct listener_slot *slot = &listeners->slots[i];
		const struct service_config *service = &config->services[slot->service];

		supervisor->opened += slot->is_new;
		if (slot->is_new)
			log_listener(slot->listener, service->name);
		else
			retune(slot->listener, service);
	}
	supervisor->kept = (uint32_t)listeners->count - supervisor->opened;
	supervisor->closed = (uint32_t)listeners->closing_count;
	for (size_t i = 0; i < listeners->closing_count; i++)
		close_listener(supervisor, listeners->closing[i]);
	free(listeners->closing);
	listeners->closing = NULL;
	listeners->closing_count = 0;
	free(old.slots);
	supervisor->listeners = *listeners;
	*listeners = (struct listener_set){ .count = 0 };
}

void
listeners_close_all(struct supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->listeners.count; i++) {
		struct listener *listener = supervisor->listeners.slots[i].listener;

		if (listener->stored_as != 0) /* it stays open for the next of us */
			(void)listener_free(listener);
		else
			close_listener(supervisor, listener);
	}
	free(supervisor->listeners.slots);
	supervisor->listeners = (struct listener_set){ .count = 0 };
}
