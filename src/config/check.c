/* SPDX-License-Identifier: ISC */
/* Check a configuration that was read against this host and this release: handlers, and keys of
 * all of them. Programs, files, accounts and sockets have files of their own. */
#include "config/check.h"

#include "base/name.h"
#include "base/prefix.h"
#include "config/builtins.h"
#include "config/meaning.h"
#include "config/reader.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* What reads it depends on the service's sockets: nothing can be said where those are a mistake. */
static bool
is_for_sockets(const struct key *key)
{
	return key->reader == KEY_READER_SOCKET_FILE || key->reader == KEY_READER_STREAMS ||
		key->reader == KEY_READER_DATAGRAMS;
}

/* Keys that nobody would read are mistakes: better said now than wondered about later. */
static void
check_readers(struct check *check, const struct service_config *service)
{
	if (service->program == NULL &&
		(service->builtin == NULL || builtins_find(service->builtin) == NULL))
		return;
	for (const struct key_where *set = key_place_next(service, 0); set != NULL;
		set = key_place_next(service, set->place + 1)) {
		const struct key *key = keys_find_service(set->place);

		if (layer_fits(key, service) ||
			(service->endpoint_count == 0 && is_for_sockets(key)))
			continue;
		complain(check->complaints, &set->where, key->name,
			"is a key for %s, which \"%s\" is not", key_reader_name(key->reader),
			service->name);
	}
}

static void
check_program(struct check *check, const struct service_config *service)
{
	check_service_program(check, service);
	check_service_rights(check, service);
}

static void
check_builtin(struct check *check, const struct service_config *service)
{
	const struct builtin_row *row = builtins_find(service->builtin);

	if (row == NULL) {
		const char *nearest = complaint_nearest(service->builtin, builtins_names());

		complain(check->complaints, &service->wheres->handler, NULL,
			"there is no built-in \"%.63s\"%s%s%s", service->builtin,
			nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
			nearest != NULL ? "\"?" : "");
		return;
	}
	for (uint32_t i = 0; i < service->endpoint_count; i++) {
		enum protocol protocol = service->endpoints[i].protocol;
		unsigned int spoken =
			protocol_type(protocol) == SOCK_DGRAM ? BUILTIN_DGRAM : BUILTIN_STREAM;

		if ((row->speaks & spoken) == 0) {
			complain(check->complaints, &service->wheres->port, NULL,
				"the built-in %s does not speak %s", row->name,
				protocol_word(protocol));
			return;
		}
	}
}

static void
check_options(struct check *check, const struct service_config *service)
{
	const struct service_options *options = &service->keys->options;
	const char *problem = NULL;

	if (options->file != NULL)
		problem = check_file(check, CHECK_READ, NULL, options->file);
	if (problem != NULL)
		complain(check->complaints, key_place_where(service, KEY_PLACE_file), "file",
			"cannot read \"%s\": %s", options->file, problem);
	problem = options->chat_room != NULL ? name_mistake(options->chat_room, NAME_ROOM_POINTS)
					     : NULL;
	if (problem != NULL)
		complain(check->complaints, key_place_where(service, KEY_PLACE_chat_room),
			"chat_room", "\"%.60s\" is no name of a room: a name %s",
			options->chat_room, problem);
}

static bool
has_stream(const struct service_config *service)
{
	return service->endpoint_count == 0 || config_has_type(service, SOCK_STREAM);
}

static void
check_tcpmux(struct check *check, const struct service_config *service)
{
	const struct where *where = key_place_where(service, KEY_PLACE_tcpmux);

	if (service->keys->tcpmux == CONFIG_TCPMUX_NO)
		return;
	if (service->builtin != NULL && strcmp(service->builtin, "tcpmux") == 0)
		complain(check->complaints, where, "tcpmux", "does not hand over to itself");
	else if (!has_stream(service))
		complain(check->complaints, where, "tcpmux",
			"hands over streams, and \"%s\" has no stream socket", service->name);
}

/* Whoever names a client must be known for sure: addresses, no names. */
static void
check_proxies(struct check *check, const struct service_config *service)
{
	const struct where *where = key_place_where(service, KEY_PLACE_proxy_from);
	struct prefix prefix;

	if (service->keys->proxy_from == NULL)
		return;
	for (char **word = service->keys->proxy_from; *word != NULL; word++) {
		const char *problem = strcmp(*word, "unix") != 0
			? prefix_parse(&prefix, *word, strlen(*word), PREFIX_EXACT)
			: NULL;

		if (problem != NULL)
			complain(check->complaints, where, "proxy_from",
				"\"%.60s\" %s; wanted: an address, address/length, or unix", *word,
				problem);
	}
	if (service->keys->wait != 0)
		complain(check->complaints, where, "proxy_from",
			"a program with wait accepts its clients itself, and reads what they say");
	else if (!has_stream(service))
		complain(check->complaints, where, "proxy_from",
			"is about streams, and \"%s\" has no stream socket", service->name);
}

/* A limit that would never be reached is none. */
static void
check_memory_pressure(struct check *check, const struct service_config *service)
{
	if (service->keys->max_memory_pressure > 0 && !check->host->tells_memory_pressure)
		complain(check->complaints, key_place_where(service, KEY_PLACE_max_memory_pressure),
			"max_memory_pressure",
			"cannot hold here: this kernel has no /proc/pressure/memory (it may be "
			"built in and want psi=1 at the boot); min_memory needs none");
}

static void
check_service(struct check *check, const struct service_config *service)
{
	check_readers(check, service);
	check_proxies(check, service);
	check_memory_pressure(check, service);
	if (service->program != NULL)
		check_program(check, service);
	if (service->builtin != NULL)
		check_builtin(check, service);
	check_options(check, service);
	check_tcpmux(check, service);
	check_service_accounts(check, service);
	check_service_access(check, service);
	check_service_log(check, service);
	check_service_lint(check, service);
	check_service_banners(check, service);
	check_service_sockets(check, service);
}

void
config_check(const struct config *config, const struct config_host *host,
	struct complaint_list *complaints)
{
	struct check check = { .config = config, .host = host, .complaints = complaints };

	check.arena = arena_new();
	check.answers = map_new();
	if (check.arena != NULL && check.answers != NULL) {
		keys_set_service_defaults(&check.defaults, check.arena);
		check_daemon_accounts(&check);
		check_daemon_filter(&check);
		check_daemon_log(&check);
		check_daemon_names(&check);
		check_socket_count(&check);
		for (uint32_t i = 0; i < config->service_count; i++)
			check_service(&check, &config->services[i]);
	}
	if (check.arena == NULL || check.answers == NULL || check_conflicts(&check) < 0 ||
		arena_error(check.arena) < 0)
		complain(complaints, NULL, NULL, "not enough memory to check the configuration");
	(void)map_free(check.answers);
	(void)arena_free(check.arena);
}

struct config *
config_load_checked(const struct config_paths *paths, const struct config_host *host,
	struct complaint_list *complaints)
{
	struct config *config = config_load(paths, complaints);

	if (config != NULL)
		config_check(config, host, complaints);
	if (complaint_count(complaints) > 0)
		return config_free(config);
	return config;
}
