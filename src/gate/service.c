/* SPDX-License-Identifier: ISC */
/* A service: its life and its places. */
#include "gate/service.h"

#include "base/log.h"
#include "base/shared_places.h"
#include "base/shared_queue.h"
#include "effects/sealed.h"
#include "gate/listener.h"
#include "gate/outbox.h"
#include "gate/pool.h"
#include "gate/queue.h"
#include "gate/tarpit.h"
#include "model/proxies.h"

#define RELIEF_MS 1000

struct generation *
generation_new(struct config *config)
{
	struct generation *generation = calloc(1, sizeof(*generation));

	if (!generation)
		return NULL;
	generation->config = config;
	generation->users = 1;
	return generation;
}

void
generation_return(struct generation *generation)
{
	if (!generation || --generation->users > 0)
		return;
	config_free(generation->config);
	sealed_unmap(generation->banners, generation->banners_size);
	free(generation);
}

static void
link_service(struct service *service)
{
	struct gate *gate = service->gate;

	service->next = gate->first_service;
	if (service->next)
		service->next->previous = service;
	gate->first_service = service;
}

static void
unlink_service(struct service *service)
{
	if (service->next)
		service->next->previous = service->previous;
	if (service->previous)
		service->previous->next = service->next;
	else
		service->gate->first_service = service->next;
}

static void
end_builtin(struct builtin *builtin)
{
	struct loop *loop = builtin->service->gate->loop;

	if (builtin->ops->stop && builtin->state)
		builtin->ops->stop(builtin);
	loop_stop_timer(loop, &builtin->tick);
	loop_stop_timer(loop, &builtin->idle);
	pool_fini(&builtin->pool);
	free(builtin->file);
	free(builtin);
}

static void
service_end(struct service *service)
{
	struct loop *loop = service->gate->loop;

	if (service->builtin)
		end_builtin(service->builtin);
	loop_stop_timer(loop, &service->relief);
	loop_stop_timer(loop, &service->pace);
	unlink_service(service);
	free(service->refusals);
	service->proxies = proxies_free(service->proxies);
	service->queue = queue_free(service->queue);
	service->tarpit = tarpit_free(service->tarpit);
	generation_return(service->generation);
	free(service);
}

struct service *
service_new(struct gate *gate, struct generation *generation, const struct service_config *config,
	uint32_t row)
{
	const struct service_ops *ops = config->builtin ? service_find(config->builtin) : NULL;
	struct builtin *builtin = ops ? calloc(1, sizeof(*builtin)) : NULL;
	struct service *service = calloc(1, sizeof(*service));

	if (!service || (ops && !builtin)) {
		free(builtin);
		free(service);
		return NULL;
	}
	if (builtin) {
		builtin->service = service;
		builtin->ops = ops;
	}
	service->builtin = builtin;
	service->gate = gate;
	service->generation = generation;
	generation->users++;
	service->config = config;
	service->row = row;
	service->access_set = ACCESS_NO_SET;
	service->users = 1;
	service->proxies = config->keys->proxy_from ? proxies_new(config->keys->proxy_from) : NULL;
	link_service(service);
	return service;
}

int
service_start(struct service *service)
{
	struct builtin *builtin = service->builtin;

	if (!builtin || !builtin->ops->start)
		return 0;
	return builtin->ops->start(builtin, &builtin->state);
}

static void
retune_builtin(struct builtin *builtin, char *file, size_t file_length)
{
	char *old_file = builtin->file;

	builtin->file = file;
	builtin->file_length = file_length;
	if (builtin->ops->retune)
		builtin->ops->retune(builtin);
	/* Now that nobody looks at it any more. */
	free(old_file);
}

void
service_retune(struct service *service, struct generation *generation,
	const struct service_config *config, char *file, size_t file_length)
{
	struct generation *old_generation = service->generation;

	service->generation = generation;
	generation->users++;
	service->config = config;
	(void)proxies_free(service->proxies);
	service->proxies = config->keys->proxy_from ? proxies_new(config->keys->proxy_from) : NULL;
	if (service->builtin)
		retune_builtin(service->builtin, file, file_length);
	generation_return(old_generation);
}

void
service_borrow(struct service *service)
{
	service->users++;
}

void
service_return(struct service *service)
{
	if (--service->users == 0)
		service_end(service);
}

bool
service_try_place(struct service *service)
{
	struct gate *gate = service->gate;

	if (!service->is_held &&
		shared_admit(gate->shared, service->row, gate->writer,
			service->config->keys->instances))
		return true;
	service->is_full = true;
	return false;
}

void
service_note_siege(struct service *service, enum verdict verdict)
{
	if (service->is_held)
		return;
	/* One that the supervisor slows is not besieged, and that it is slow has been told. */
	if (shared_ceiling(service->gate->shared, service->row) >= 0) {
		service_count(service, METRIC_verdict_wait_failures, 1);
		return;
	}
	if (verdict == VERDICT_wait_instances)
		service_count(service, METRIC_verdict_wait_instances, 1);
	if (service->is_besieged)
		return;
	service->is_besieged = true;
	if (verdict == VERDICT_wait_queue)
		LOG(service_queues, .service = service_name(service),
			.instances = service->config->keys->instances,
			.queue = service->config->keys->queue);
	else
		LOG(service_full, .service = service_name(service),
			.verdict = verdict_word(verdict),
			.instances = service->config->keys->instances);
}

void
service_note_wait(struct service *service)
{
	service->is_full = true;
	service_count(service, METRIC_waits, 1);
	service_note_siege(service, VERDICT_wait_instances);
}

bool
service_admit(struct service *service)
{
	if (service_try_place(service))
		return true;
	service_note_wait(service);
	return false;
}

bool
service_admit_or_drop(struct service *service)
{
	struct gate *gate = service->gate;

	/* Asked first: whoever is refused is noted as waiting, and would be woken for nothing. */
	return !service->is_held && !service_has_no_place(service) &&
		shared_admit(gate->shared, service->row, gate->writer,
			service->config->keys->instances);
}

void
service_keep_place(struct service *service)
{
	shared_keep(service->gate->shared, service->row, service->gate->writer);
}

bool
service_has_no_place(const struct service *service)
{
	return shared_is_full(service->gate->shared, service->row,
		service->config->keys->instances);
}

static void
relief_expired(struct timer *timer, msec now)
{
	struct service *service = CONTAINER_OF(timer, struct service, relief);

	(void)now;
	if (service->is_full)
		return;
	service->is_besieged = false;
	LOG(service_free, .service = service_name(service));
}

void
service_note_place(struct service *service)
{
	struct loop *loop = service->gate->loop;

	service->is_full = false;
	service->relief.expired = relief_expired;
	if (service->is_besieged && service->relief.place == 0)
		(void)loop_set_timer(loop, &service->relief, loop_now(loop) + RELIEF_MS);
}

void
service_tell_free(const struct service *service)
{
	struct gate *gate = service->gate;
	struct message_freed freed = { .row = service->row };

	if (shared_queue_has_others(gate->shared, service->row, gate->writer))
		outbox_send(gate, MESSAGE_freed, &freed, -1);
}

void
service_release(struct service *service)
{
	struct gate *gate = service->gate;

	if (shared_release(gate->shared, service->row, gate->writer))
		service_tell_free(service);
	if (service->is_full)
		listener_resume_service(service);
}

const char *
service_name(const struct service *service)
{
	return service->config->name;
}

void
service_count(const struct service *service, enum metric metric, uint64_t amount)
{
	const struct gate *gate = service->gate;

	if (amount > 0)
		shared_add(gate->shared, service->row, gate->writer, metric, amount);
}

void
service_observe(const struct service *service, enum histogram histogram, int64_t took_us)
{
	const struct gate *gate = service->gate;

	shared_observe(gate->shared, service->row, gate->writer, histogram, took_us);
}

struct service *
service_of_row(const struct gate *gate, uint32_t row)
{
	/* Adoptions are rare; a table by row would have to grow with each reload. */
	for (struct service *service = gate->first_service; service; service = service->next)
		if (service->row == row)
			return service;
	return NULL;
}
