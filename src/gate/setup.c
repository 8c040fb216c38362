/* SPDX-License-Identifier: ISC */
/* Gathering a configuration. The channel has checked the form of each message; here it is
 * checked that they fit together. */
#include "gate/setup.h"

#include "config/banner_files.h"
#include "effects/sealed.h"
#include "effects/whole.h"
#include "gate/memory.h"
#include "gate/rules.h"
#include "gate/service.h"

#include <errno.h>

#define TEXT_MAX (256 << 20)
#define FILE_MAX (16 << 20) /* of a built-in */
#define CONFIG_BANNERS 3    /* the descriptor of a message that they come by */

static int
broken(const char **ret_rule, const char *rule)
{
	*ret_rule = rule;
	return -EPROTO;
}

static int
no_memory(const char **ret_rule)
{
	*ret_rule = "no memory for it";
	return -ENOMEM;
}

static int
read_config(struct setup *setup, int text_fd, const char **ret_rule)
{
	struct complaint_list *complaints = complaint_list_new();
	struct config *config = NULL;
	auto_free char *text = NULL;
	size_t length;
	int result = complaints ? 0 : -ENOMEM;

	if (result == 0)
		result = whole_read(text_fd, TEXT_MAX, &text, &length);
	if (result == 0) {
		config = config_load_bare("configuration", text, length, complaints);
		if (!config || complaint_count(complaints) > 0)
			result = -EPROTO;
	}
	complaint_list_free(complaints);
	if (result == 0)
		setup->generation = generation_new(config);
	if (setup->generation)
		return 0;
	config_free(config);
	*ret_rule = "the text is no correct configuration";
	return result < 0 ? result : -ENOMEM;
}

/* The last descriptor, if there is one. */
static int
map_banners(struct generation *generation, const struct message *message, const char **ret_rule)
{
	if (message->fd_count <= CONFIG_BANNERS)
		return 0;
	if (sealed_map(message->fds[CONFIG_BANNERS], &generation->banners,
		    &generation->banners_size) < 0 ||
		!banner_files_are_whole(generation->banners, generation->banners_size))
		return broken(ret_rule, "no files of banners");
	return 0;
}

int
setup_begin(struct gate *gate, struct message *message, const char **ret_rule)
{
	const struct message_config *asked = &message->body.config;
	struct setup *setup = calloc(1, sizeof(*setup));
	int result;

	if (!setup)
		return no_memory(ret_rule);
	memory_init(&setup->memory);
	gate->setup = setup_free(gate->setup);
	gate->setup = setup;
	setup->asked = *asked;
	result = read_config(setup, message->fds[0], ret_rule);
	if (result < 0)
		return result;
	result = map_banners(setup->generation, message, ret_rule);
	if (result < 0)
		return result;
	if (setup->generation->config->service_count != asked->service_count)
		return broken(ret_rule, "another number of services than the text has");
	if (shared_map(&setup->shared, message->fds[1]) < 0)
		return broken(ret_rule, "no shared memory");
	if (shared_sources_map(&setup->sources, message->fds[2]) < 0)
		return broken(ret_rule, "no memory of sources");
	if (shared_sources_writers(setup->sources) != shared_writers(setup->shared))
		return broken(ret_rule, "a memory of sources for others");
	if (asked->gate >= asked->gate_count)
		return broken(ret_rule, "a gate beyond the number of gates");
	if (asked->writer == SHARED_SUPERVISOR || asked->writer >= shared_writers(setup->shared))
		return broken(ret_rule, "a writer that the shared memory has no room for");
	setup->services = calloc((size_t)asked->service_count + 1, sizeof(*setup->services));
	setup->listeners = calloc((size_t)asked->listener_count + 1, sizeof(*setup->listeners));
	return setup->services && setup->listeners ? 0 : no_memory(ret_rule);
}

int
setup_add_services(struct gate *gate, const struct message *message, const char **ret_rule)
{
	struct setup *setup = gate->setup;
	const struct message_services_row *rows = message->rows;

	if (message->body.services.first != setup->rows_known ||
		message->body.services.count != message->row_count ||
		message->row_count > setup->asked.service_count - setup->rows_known)
		return broken(ret_rule, "rows out of order");
	for (uint32_t i = 0; i < message->row_count; i++) {
		if (rows[i].row >= shared_rows(setup->shared))
			return broken(ret_rule, "a row beyond the shared memory");
		setup->services[setup->rows_known].is_held = rows[i].is_held != 0;
		setup->services[setup->rows_known++].row = rows[i].row;
	}
	return 0;
}

static int
compare_ids(const void *a, const void *b)
{
	uint32_t id = *(const uint32_t *)a;
	const struct listener *const *listener = b;

	return (id > (*listener)->id) - (id < (*listener)->id);
}

static struct listener *
find_listener(const struct gate *gate, uint32_t id)
{
	struct listener **place = gate->listener_count == 0
		? NULL
		: bsearch(&id, gate->listeners, gate->listener_count, sizeof(*gate->listeners),
			  compare_ids);

	return place ? *place : NULL;
}

/* *next_fd is the next descriptor of the message that is not taken. */
static int
add_listener(const struct gate *gate, const struct message_listeners_row *row,
	struct message *message, uint32_t *next_fd, const char **ret_rule)
{
	struct setup *setup = gate->setup;
	const struct config *config = setup->generation->config;
	struct setup_listener *staged = &setup->listeners[setup->listeners_known];
	const struct service_config *service;

	if (row->service >= config->service_count)
		return broken(ret_rule, "a listener of no service");
	service = &config->services[row->service];
	if (row->endpoint >= service->endpoint_count)
		return broken(ret_rule, "a listener of no endpoint");
	*staged = (struct setup_listener){ .row = *row, .listen_fd = -1 };
	if (row->has_fd == 0) {
		staged->listener = find_listener(gate, row->listener);
		if (!staged->listener ||
			staged->listener->protocol != service->endpoints[row->endpoint].protocol)
			return broken(ret_rule, "a listener that this gate does not have");
	} else {
		if (*next_fd == message->fd_count)
			return broken(ret_rule, "a listener without descriptor");
		if (find_listener(gate, row->listener))
			return broken(ret_rule, "a listener's number used twice");
		staged->listen_fd = util_take_fd(&message->fds[(*next_fd)++]);
	}
	setup->listeners_known++;
	return 0;
}

int
setup_add_listeners(struct gate *gate, struct message *message, const char **ret_rule)
{
	const struct setup *setup = gate->setup;
	const struct message_listeners_row *rows = message->rows;
	uint32_t next_fd = 0;

	if (message->body.listeners.count != message->row_count ||
		message->row_count > setup->asked.listener_count - setup->listeners_known)
		return broken(ret_rule, "more listeners than announced");
	for (uint32_t i = 0; i < message->row_count; i++) {
		int result = add_listener(gate, &rows[i], message, &next_fd, ret_rule);

		if (result < 0)
			return result;
	}
	if (next_fd != message->fd_count)
		return broken(ret_rule, "a descriptor without listener");
	return 0;
}

int
setup_add_file(struct gate *gate, struct message *message, const char **ret_rule)
{
	struct setup *setup = gate->setup;
	uint32_t index = message->body.file.service;
	struct setup_service *service;

	if (index >= setup->asked.service_count ||
		!setup->generation->config->services[index].builtin)
		return broken(ret_rule, "a file of no built-in");
	service = &setup->services[index];
	if (service->file)
		return broken(ret_rule, "two files of one service");
	if (whole_read(message->fds[0], FILE_MAX, &service->file, &service->file_length) < 0)
		return broken(ret_rule, "a file that cannot be read");
	return 0;
}

int
setup_check(const struct gate *gate, const struct message_commit *commit, const char **ret_rule)
{
	const struct setup *setup = gate->setup;

	if (commit->generation != setup->asked.generation)
		return broken(ret_rule, "another generation than began");
	if (setup->rows_known != setup->asked.service_count)
		return broken(ret_rule, "a service without row");
	if (!memory_is_complete(&setup->memory, setup->generation->config))
		return broken(ret_rule, "a service without the files that tell of memory");
	if (!rules_are_complete(setup))
		return broken(ret_rule, "a service without its access rules");
	return 0;
}

/* Services and listeners that setup_commit made are its own to take back. */
struct setup *
setup_free(struct setup *setup)
{
	if (!setup)
		return NULL;
	for (uint32_t i = 0; setup->services && i < setup->asked.service_count; i++)
		free(setup->services[i].file);
	for (uint32_t i = 0; i < setup->listeners_known; i++)
		if (setup->listeners[i].listen_fd >= 0)
			(void)close(setup->listeners[i].listen_fd);
	free(setup->services);
	free(setup->listeners);
	shared_free(setup->shared);
	shared_sources_free(setup->sources);
	rules_fini(&setup->rules);
	memory_fini(&setup->memory);
	generation_return(setup->generation);
	free(setup);
	return NULL;
}
