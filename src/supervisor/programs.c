/* SPDX-License-Identifier: ISC */
/* Programs: from the keys of a service to the plan by which its program is started. Whatever has
 * to be looked up or compared is, here and not at a start. */
#include "supervisor/programs.h"

#include "supervisor/outfits.h"
#include "supervisor/world.h"

#include <errno.h>
#include <string.h>

static int
set_argv(struct served *served, const struct service_config *service)
{
	size_t count = 0;
	char **argv;

	while (service->program[count] != NULL)
		count++;
	argv = calloc(count + 1, sizeof(char *));
	if (argv == NULL)
		return -ENOMEM;
	memcpy(argv, service->program, count * sizeof(char *));
	if (service->keys->argv0 != NULL)
		argv[0] = service->keys->argv0;
	else if (strrchr(argv[0], '/') != NULL)
		argv[0] = strrchr(argv[0], '/') + 1;
	served->plan.argv = argv;
	return 0;
}

int
program_init(const struct program_maker *maker, struct served *served,
	const struct service_config *service)
{
	const struct outfit *outfit = NULL;
	int error = outfit_find(maker, service, &outfit);

	if (error < 0)
		return error;
	served->outfit = outfit;
	served->stop_timeout = service->keys->stop_timeout;
	served->plan = (struct spawn_plan){ .path = service->program[0],
		.path_fd = -1,
		.steps = SPAWN_DO(SESSION) | world_steps(maker, &outfit->world, service),
		.world = &outfit->world };
	return set_argv(served, service);
}

void
program_fini(struct served *served)
{
	free((void *)(uintptr_t)served->plan.argv);
	served->outfit = NULL;
	served->plan = (struct spawn_plan){ .path_fd = -1 };
}

int
program_maker_init(struct program_maker *ret_maker, const struct supervisor *supervisor,
	struct service_set *set, struct complaint_list *complaints)
{
	struct config_host host;

	*ret_maker = (struct program_maker){
		.supervisor = supervisor, .set = set, .complaints = complaints
	};
	config_host_ask(&host);
	ret_maker->host_rights = host.host_rights;
	ret_maker->outfits = map_new();
	return ret_maker->outfits != NULL ? self_read(&ret_maker->self) : -ENOMEM;
}

void
program_maker_fini(struct program_maker *maker)
{
	maker->outfits = map_free(maker->outfits);
	self_fini(&maker->self);
}
