/* SPDX-License-Identifier: ISC */
/* The host's memory, looked at now and then. */
#include "gate/memory.h"

#include "base/log.h"
#include "model/memory.h"

#include <errno.h>

#define TEXT_MAX 4096 /* the first lines tell all that is asked */

void
memory_init(struct memory *memory)
{
	*memory = (struct memory){ .available_fd = -1, .pressure_fd = -1, .looked = LONG_AGO };
}

void
memory_fini(struct memory *memory)
{
	if (memory->available_fd >= 0)
		(void)close(memory->available_fd);
	if (memory->pressure_fd >= 0)
		(void)close(memory->pressure_fd);
	memory_init(memory);
}

void
memory_receive(struct memory *memory, struct message *message)
{
	memory_fini(memory);
	memory->available_fd = util_take_fd(&message->fds[0]);
	if (message->fd_count > 1)
		memory->pressure_fd = util_take_fd(&message->fds[1]);
}

bool
memory_is_complete(const struct memory *memory, const struct config *config)
{
	for (uint32_t i = 0; i < config->service_count; i++) {
		const struct service_keys *keys = config->services[i].keys;

		if ((keys->min_memory > 0 && memory->available_fd < 0) ||
			(keys->max_memory_pressure > 0 && memory->pressure_fd < 0))
			return false;
	}
	return true;
}

static int64_t
look(int file_fd, int64_t (*read_text)(const char *text))
{
	char text[TEXT_MAX];
	ssize_t length = file_fd >= 0 ? pread(file_fd, text, sizeof(text) - 1, 0) : 0;

	if (length < 0)
		LOG(system_error, .step = "memory of the host", .error = errno);
	text[length > 0 ? length : 0] = '\0';
	return read_text(text);
}

static const struct memory *
look_at_host(struct gate *gate)
{
	struct memory *memory = &gate->memory;
	msec now = loop_now(gate->loop);

	if (now - memory->looked >= MEMORY_LOOKED_MS) {
		memory->available = look(memory->available_fd, memory_available_of);
		memory->pressure = look(memory->pressure_fd, memory_pressure_of);
		memory->looked = now;
	}
	return memory;
}

bool
memory_is_short(const struct service *service)
{
	const struct service_keys *keys = service->config->keys;
	const struct memory *memory;

	if (keys->min_memory == 0 && keys->max_memory_pressure == 0)
		return false;
	memory = look_at_host(service->gate);
	if (keys->min_memory > 0 && memory->available < keys->min_memory)
		return true;
	return keys->max_memory_pressure > 0 &&
		(memory->pressure < 0 || memory->pressure > keys->max_memory_pressure);
}
