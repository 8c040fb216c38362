/* SPDX-License-Identifier: ISC */
/* Programs: from the keys of a service to the plan by which its program is started. Whatever has
 * to be looked up or compared is, here and not at a start. */
#include "supervisor/programs.h"

#include "config/key_place.h"
#include "config/keys.h"
#include "supervisor/accounts.h"
#include "supervisor/deadlines.h"
#include "supervisor/error_files.h"
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

static int
set_plan(const struct program_maker *maker, struct served *served,
	const struct service_config *service)
{
	const struct supervisor *supervisor = maker->supervisor;
	int error = 0;
	const struct account *account = account_find(&maker->set->accounts, service->keys, &error);
	const struct outfit *outfit;

	if (account == NULL)
		return error;
	/* Whoever shares a uid may stop the other for good with one signal. */
	if (account->identity.is_set && supervisor->gate_identity.is_set &&
		account->identity.uid == supervisor->gate_identity.uid) {
		complain(maker->complaints, key_place_where(service, KEY_PLACE_user), "user",
			"a program is to run as the user of the gates, which it could stop: choose "
			"another, or set daemon.gate_user");
		return -EUSERS;
	}
	outfit = outfit_find(maker, service->keys, account);
	if (outfit == NULL)
		return -ENOMEM;
	served->environment = outfit->environment;
	served->environment_count = outfit->environment_count;
	served->plan = (struct spawn_plan){ .path = service->program[0],
		.path_fd = -1,
		.steps = SPAWN_DO(SESSION) | world_steps(maker, &outfit->world, service),
		.world = &outfit->world };
	return 0;
}

static const char *
why_no_file(int error)
{
	if (error == -EINVAL)
		return "it is no regular file";
	if (error == -EMLINK)
		return "it has further names, so it may be another's";
	return strerror(-error);
}

static int
set_error_output(const struct program_maker *maker, struct served *served,
	const struct service_config *service)
{
	const char *text = service->keys->stderr;

	served->error_fd = ERROR_TO_LOG;
	/* Programs write their prompts there, and look there for a terminal. */
	if (strcmp(text, "client") == 0 ||
		(service->keys->stdio == CONFIG_STDIO_PTY && strcmp(text, "log") == 0))
		served->error_fd = ERROR_TO_CLIENT;
	else if (strcmp(text, "null") == 0)
		served->error_fd = maker->supervisor->null_fd;
	else if (*text == '/')
		served->error_fd = error_file_find(&maker->set->error_files, text);
	else
		return 0;
	if (*text != '/' || served->error_fd >= 0)
		return 0;
	complain(maker->complaints, key_place_where(service, KEY_PLACE_stderr), "stderr",
		"the file %.200s cannot be appended to: %s", text, why_no_file(served->error_fd));
	return served->error_fd;
}

int
program_init(const struct program_maker *maker, struct served *served,
	const struct service_config *service)
{
	int error = set_plan(maker, served, service);

	served->is_wait = service->keys->wait != 0;
	served->is_activated = service->keys->activation != 0;
	served->is_throttled = service->keys->throttle != 0;
	served->instances = service->keys->instances;
	served->limits = deadlines_of(service);
	if (error == 0)
		error = set_argv(served, service);
	return error < 0 ? error : set_error_output(maker, served, service);
}

void
program_fini(struct served *served)
{
	free((void *)(uintptr_t)served->plan.argv);
	served->environment = NULL;
	served->environment_count = 0;
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
