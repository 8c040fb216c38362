/* SPDX-License-Identifier: ISC */
/* What built-ins may ask for beside connections and datagrams. */
#include "gate/builtin.h"

#include "gate/service.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>

#define TICK_MS 1000

const struct service_options *
builtin_options(const struct builtin *builtin)
{
	return &builtin->service->config->keys->options;
}

void *
builtin_state(const struct builtin *builtin)
{
	return builtin->state;
}

msec
builtin_now(const struct builtin *builtin)
{
	return loop_now(builtin->service->gate->loop);
}

int64_t
builtin_realtime(const struct builtin *builtin)
{
	(void)builtin; /* time(2) is a read of shared memory: cheaper than to keep it */
	return time(NULL);
}

static void
tick_expired(struct timer *timer, msec now)
{
	struct builtin *builtin = CONTAINER_OF(timer, struct builtin, tick);
	struct loop *loop = builtin->service->gate->loop;

	/* First the timer, so that the service may turn its ticks off. */
	(void)loop_set_timer(loop, timer, now + TICK_MS);
	if (builtin->ops->tick)
		builtin->ops->tick(builtin, now);
}

void
builtin_want_ticks(struct builtin *builtin, bool wants)
{
	struct loop *loop = builtin->service->gate->loop;

	builtin->tick.expired = tick_expired;
	if (!wants)
		loop_stop_timer(loop, &builtin->tick);
	else if (builtin->tick.place == 0)
		(void)loop_set_timer(loop, &builtin->tick, loop_now(loop) + TICK_MS);
}

const char *
builtin_file(const struct builtin *builtin, size_t *ret_length)
{
	*ret_length = builtin->file_length;
	return builtin->file;
}

void
builtin_random(void *place, size_t length)
{
	char *at = place;

	/* Does not block and does not fail once the kernel's source is up, which builtin_warm_up
	 * has waited for; signals may cut it short. */
	while (length > 0) {
		ssize_t got = getrandom(at, length, 0);

		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			at += got;
			length -= (size_t)got;
		}
	}
}

void
builtin_warm_up(void)
{
	char byte;

	builtin_random(&byte, sizeof(byte));
}

struct service *
builtin_find_target(const struct builtin *builtin, uint32_t index)
{
	const struct gate *gate = builtin->service->gate;

	return index < gate->target_count ? gate->targets[index] : NULL;
}

const char *
builtin_target(const struct builtin *builtin, uint32_t index, bool *ret_greets)
{
	const struct service *target = builtin_find_target(builtin, index);

	if (!target)
		return NULL;
	if (ret_greets)
		*ret_greets = target->config->keys->tcpmux == CONFIG_TCPMUX_PLUS;
	return service_name(target);
}
