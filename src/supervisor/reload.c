/* SPDX-License-Identifier: ISC */
/* Take a configuration: read, check, prepare everything that can fail, and only then swap. One
 * mistake and nothing has changed, at a start as at a reload. */
#include "supervisor/reload.h"

#include "base/shared_holds.h"
#include "base/shared_places.h"
#include "supervisor/announce.h"
#include "supervisor/background.h"
#include "supervisor/bans.h"
#include "supervisor/control.h"
#include "supervisor/failures.h"
#include "supervisor/gates.h"
#include "supervisor/handed.h"
#include "supervisor/handover.h"
#include "supervisor/legacy.h"
#include "supervisor/listeners.h"
#include "supervisor/logging.h"
#include "supervisor/measures.h"
#include "supervisor/mistakes.h"
#include "supervisor/rules.h"
#include "supervisor/rundir.h"
#include "supervisor/services.h"
#include "supervisor/store.h"
#include "supervisor/upgrade.h"
#include "supervisor/waiting.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define ROWS_MIN 4096 /* rows that nobody uses cost nothing */
#define DEATHS_MAX 8  /* of gates, before a reload counts as failed */

struct config *
reload_load_checked(const struct supervisor *supervisor, const struct config_override *overrides,
	uint32_t count, struct complaint_list *complaints)
{
	struct config_paths paths = supervisor->settings->paths;
	struct config_host host;

	paths.overrides = overrides;
	paths.override_count = count;

	config_host_ask(&host);
	host.descriptors = supervisor->descriptors;
	host.is_handed_in = handed_has;
	host.owner = supervisor;
	return config_load_checked(&paths, &host, complaints);
}

/* The supervisor, the gates, and those that drain beside them after an upgrade. */
static uint32_t
count_writers(const struct supervisor *supervisor)
{
	uint32_t wanted = 2 * supervisor->gate_count + 1;

	return wanted < SHARED_WRITERS_MAX ? wanted : SHARED_WRITERS_MAX;
}

/* The memory of the reeved before us, if it has the shape that this program knows. */
static bool
inherit_rows(struct supervisor *supervisor)
{
	struct legacy *legacy = supervisor->legacy;

	if (legacy == NULL || legacy->text == NULL || legacy->daemon.shared < 0)
		return false;
	if (shared_map(&supervisor->shared, legacy->daemon.shared) == 0 &&
		shared_writers(supervisor->shared) <= supervisor->gate_count)
		supervisor->shared = shared_free(supervisor->shared);
	if (supervisor->shared == NULL) {
		LOG(counters_lost, .version = legacy->daemon.version);
		(void)close(util_take_fd(&legacy->daemon.shared));
		return false;
	}
	legacy->has_counters = true;
	/* The processes that counted are no more. */
	for (uint32_t i = 0; legacy->is_stored && i < shared_writers(supervisor->shared); i++)
		shared_forget_writer(supervisor->shared, i);
	supervisor->shared_fd = util_take_fd(&legacy->daemon.shared);
	supervisor->row_count = shared_rows(supervisor->shared);
	supervisor->rows = calloc(supervisor->row_count, sizeof(struct served *));
	return true;
}

static int
make_rows(struct supervisor *supervisor, uint32_t services)
{
	uint32_t rows = services * 2 > ROWS_MIN ? services * 2 : ROWS_MIN;
	int shared_fd;
	int error;

	if (inherit_rows(supervisor))
		return supervisor->rows != NULL ? 0 : -ENOMEM;
	error = shared_create(&supervisor->shared, &shared_fd, rows, count_writers(supervisor));

	if (error < 0)
		return error;
	supervisor->shared_fd = spawn_move_high(shared_fd);
	supervisor->rows = calloc(rows, sizeof(struct served *));
	supervisor->row_count = rows;
	return supervisor->shared_fd >= 0 && supervisor->rows != NULL ? 0 : -ENOMEM;
}

static bool
inherit_sources(struct supervisor *supervisor)
{
	struct legacy *legacy = supervisor->legacy;

	if (legacy == NULL || legacy->text == NULL || legacy->daemon.sources < 0)
		return false;
	/* Gates want both for the same writers. */
	if (shared_sources_map(&supervisor->sources, legacy->daemon.sources) == 0 &&
		shared_sources_writers(supervisor->sources) == shared_writers(supervisor->shared)) {
		legacy->has_sources = true;
		for (uint32_t i = 0;
			legacy->is_stored && i < shared_sources_writers(supervisor->sources); i++)
			shared_holds_forget_writer(supervisor->sources, i);
		supervisor->sources_fd = util_take_fd(&legacy->daemon.sources);
		return true;
	}
	LOG(counters_lost, .version = legacy->daemon.version);
	supervisor->sources = shared_sources_free(supervisor->sources);
	(void)close(util_take_fd(&legacy->daemon.sources));
	return false;
}

/* Once, and kept over reloads: whoever is banned stays so. Its shape is as large as nobody can
 * change from outside; the secret is chance. */
static int
make_sources(struct supervisor *supervisor, const struct config *config)
{
	unsigned char seed[16];
	int sources_fd;
	int error;

	if (inherit_sources(supervisor))
		return 0;
	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -EIO;
	error = shared_sources_create(&supervisor->sources, &sources_fd,
		(uint32_t)config->daemon.sources, count_writers(supervisor), seed);
	if (error < 0)
		return error;
	supervisor->sources_fd = spawn_move_high(sources_fd);
	return supervisor->sources_fd >= 0 ? 0 : -ENOMEM;
}

/* Swap nothing unless all of it is prepared. Takes `config` over. */
static int
take_config(struct supervisor *supervisor, struct config *config, struct complaint_list *complaints)
{
	struct service_set set;
	struct listener_set listeners;
	struct rule_set rules;
	int error = services_prepare(supervisor, config, &set, complaints);

	if (error < 0)
		return error;
	error = rules_prepare(supervisor, config, &rules, complaints);
	if (error < 0) {
		services_discard(&set);
		return error;
	}
	error = listeners_prepare(supervisor, &set, &listeners, complaints);
	if (error < 0) {
		rules_discard(&rules);
		services_discard(&set);
		return error;
	}
	failures_forget(supervisor);
	services_swap(supervisor, &set);
	logging_take_wishes(supervisor);
	listeners_swap(supervisor, &listeners);
	rules_swap(supervisor, &rules);
	waiting_swap(supervisor);
	store_listeners(supervisor);
	bans_configured(supervisor);
	supervisor->generation++;
	measures_config_taken(supervisor);
	return 0;
}

/* Everything that is chosen once, from the first configuration. */
static int
start_with(struct supervisor *supervisor, const struct config *config)
{
	struct rlimit raised;
	int error = priv_raise_descriptors(config->daemon.descriptors, &supervisor->descriptors,
		&raised);

	if (error == 0)
		error = gates_init(supervisor, config);
	if (error == 0)
		error = make_rows(supervisor, config->service_count);
	if (error == 0)
		measures_started(supervisor);
	if (error == 0)
		error = make_sources(supervisor, config);
	if (error == 0)
		error = failures_init(supervisor);
	if (error == 0)
		error = rundir_enter(supervisor);
	if (error == 0)
		error = bans_init(supervisor, config);
	if (error == 0)
		error = control_open(supervisor);
	if (error == 0)
		legacy_restore(supervisor);
	if (error == 0)
		legacy_forget_stored(supervisor);
	return error;
}

/* The files that have mistakes now had none when they were read last. */
static int
take_first(struct supervisor *supervisor, struct config *config, struct complaint_list *complaints)
{
	int error;

	/* Of the files: then it is the configuration from before already. */
	if (complaint_count(complaints) > 0)
		mistakes_log(complaints);
	error = take_config(supervisor, config, complaints);
	if (error < 0 && supervisor->legacy != NULL) {
		mistakes_log(complaints);
		config = legacy_config(supervisor);
		if (config != NULL)
			error = take_config(supervisor, config, complaints);
	}
	legacy_restore_failures(supervisor);
	return error;
}

int
reload_first(struct supervisor *supervisor, struct config *config,
	struct complaint_list *complaints)
{
	int error = start_with(supervisor, config);

	if (error < 0) {
		(void)config_free(config);
		complain(complaints, NULL, NULL, "the daemon cannot start: %s",
			error == -EWOULDBLOCK ? "another one uses this run folder"
					      : strerror(-error));
	} else
		error = take_first(supervisor, config, complaints);
	if (error < 0)
		mistakes_show(complaints);
	else
		handed_close_unclaimed(supervisor);
	return error;
}

struct config *
reload_load_first(struct supervisor *supervisor, struct complaint_list *complaints)
{
	struct config *config;

	/* The check has to know how many sockets could be opened. What was allowed before is what
	 * programs get back. */
	(void)priv_raise_descriptors(0, &supervisor->descriptors, &supervisor->files_before);
	legacy_note_limits(supervisor);
	config = reload_load_checked(supervisor, NULL, 0, complaints);
	if (config == NULL)
		config = legacy_config(supervisor);
	if (config == NULL)
		mistakes_show(complaints);
	return config;
}

/* Whoever asked for it is waiting for this. */
static void
report_attempt(struct supervisor *supervisor)
{
	supervisor->attempts++;
	rundir_write_state(supervisor);
}

static void
give_to_gates(struct supervisor *supervisor)
{
	supervisor->complaints = 0;
	measures_reloaded(supervisor, 0);
	supervisor->deaths = 0;
	supervisor->is_reloading = true;
	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		if (supervisor->gates[i].phase == CHANNEL_SERVE)
			handover_begin(&supervisor->gates[i]);
	/* A gate that is being replaced gets the new state when it says hello. */
	reload_gates_changed(supervisor);
}

static void
reload(struct supervisor *supervisor, const char *cause)
{
	struct complaint_list *complaints = complaint_list_new();
	struct config *config;

	LOG(reload_started, .cause = cause);
	notify_reloading();
	control_reload_begins(supervisor);
	config = complaints != NULL ? reload_load_checked(supervisor, NULL, 0, complaints) : NULL;
	if (config != NULL) {
		mistakes_warn_of_restart(&supervisor->services.config->daemon, &config->daemon);
		control_reload_loaded(supervisor, config);
	}
	if (config == NULL || take_config(supervisor, config, complaints) < 0) {
		supervisor->complaints = complaints != NULL && complaint_count(complaints) > 0
			? complaint_count(complaints)
			: 1;
		if (complaints != NULL)
			mistakes_log(complaints);
		measures_reloaded(supervisor, supervisor->complaints);
		report_attempt(supervisor);
		control_reload_refused(supervisor, complaints);
		notify_ready("The configuration has mistakes; the running one is unchanged");
		util_trim_heap();
	} else {
		control_settings_forget(supervisor);
		give_to_gates(supervisor);
	}
	(void)complaint_list_free(complaints);
}

static bool
can_begin(const struct supervisor *supervisor)
{
	return supervisor->is_ready && !supervisor->is_stopping && !supervisor->is_reloading &&
		!supervisor->is_handing_over && !upgrade_is_under_way(supervisor);
}

int
reload_settings(struct supervisor *supervisor, const struct config_override *overrides,
	uint32_t count, struct complaint_list *complaints)
{
	struct config *config;

	if (!can_begin(supervisor))
		return -EBUSY;
	config = reload_load_checked(supervisor, overrides, count, complaints);
	if (config == NULL)
		return -EINVAL;
	LOG(reload_started, .cause = "reevectl set");
	notify_reloading();
	if (take_config(supervisor, config, complaints) < 0) {
		notify_ready("A setting cannot be taken; the running configuration is unchanged");
		return -EINVAL;
	}
	give_to_gates(supervisor);
	return 0;
}

void
reload_ask(struct supervisor *supervisor, const char *cause)
{
	logging_reopen(supervisor);
	/* One at a time; any number of requests meanwhile are one more. */
	if (supervisor->is_stopping)
		return;
	if (can_begin(supervisor))
		reload(supervisor, cause);
	else
		supervisor->wants_reload = true;
}

static void
tell_legacy(struct supervisor *supervisor)
{
	const struct legacy *legacy = supervisor->legacy;
	int64_t draining = 0;

	for (const struct supervised_gate *gate = supervisor->first_draining; gate != NULL;
		gate = gate->next_draining)
		draining++;
	if (legacy->is_stored) {
		LOG(restarted,
			.from = legacy->daemon.version != NULL ? legacy->daemon.version : "unknown",
			.version = REEVE_VERSION, .listeners = (int64_t)supervisor->listeners.count,
			.handlers = (int64_t)supervisor->handlers.count);
		return;
	}
	LOG(upgraded, .from = legacy->daemon.version != NULL ? legacy->daemon.version : "unknown",
		.version = REEVE_VERSION, .listeners = (int64_t)supervisor->listeners.count,
		.handlers = (int64_t)supervisor->handlers.count, .draining = draining);
	control_drain_goes_on(supervisor);
	for (uint32_t i = 0; i < legacy->asker_count; i++)
		control_upgrade_answer(supervisor, legacy->askers[i]);
}

/* Who has started us, a person or a service manager; not whom an upgrade found there. */
static void
tell_starter(const struct supervisor *supervisor)
{
	const struct supervisor_settings *settings = supervisor->settings;

	if (settings->announces) {
		log_flush(); /* the prompt to try is the last thing on the screen */
		announce_ports(supervisor);
	}
	if (settings->ready_fd >= 0)
		notify_ready_fd((int)settings->ready_fd);
}

static void
report_ready(struct supervisor *supervisor)
{
	char status[128];
	uint32_t services = supervisor->services.config->service_count;

	(void)snprintf(status, sizeof(status), "Serving %u service%s on %zu port%s with %u gate%s",
		services, PLURAL(services), supervisor->listeners.count,
		PLURAL(supervisor->listeners.count), supervisor->gate_count,
		PLURAL(supervisor->gate_count));
	if (!supervisor->is_ready && supervisor->legacy != NULL)
		tell_legacy(supervisor);
	if (!supervisor->is_ready && !legacy_is_of_upgrade(supervisor))
		LOG(started, .version = REEVE_VERSION, .services = services,
			.listeners = (int64_t)supervisor->listeners.count,
			.gates = supervisor->gate_count);
	if (supervisor->is_ready && supervisor->is_reloading)
		LOG(reloaded, .services = services, .kept = supervisor->kept,
			.opened = supervisor->opened, .closed = supervisor->closed);
	else if (supervisor->is_ready)
		return; /* a gate came back: nothing has changed for the manager */
	report_attempt(supervisor);
	control_reload_ends(supervisor, NULL);
	notify_ready(status);
	if (!supervisor->is_ready && !legacy_is_of_upgrade(supervisor))
		tell_starter(supervisor);
	background_ready(supervisor);
	legacy_free(supervisor);
	store_state(supervisor);
}

/* Gates die of the new configuration: say so, keep starting them, and listen to the next SIGHUP,
 * which may bring the mend. */
static void
report_failure(struct supervisor *supervisor)
{
	LOG(gates_failing, .deaths = supervisor->deaths);
	supervisor->complaints = 1;
	report_attempt(supervisor);
	control_reload_ends(supervisor, "the gates die of the new configuration, see the log");
	notify_ready("The gates cannot serve the new configuration");
}

static void
hand_over(struct supervisor *supervisor)
{
	supervisor->is_handing_over = true;
	supervisor->deaths = 0;
	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		handover_begin(&supervisor->gates[i]);
}

void
reload_hand_over(struct supervisor *supervisor)
{
	/* Else it is looked at again when what is under way has come to its end. */
	if (!supervisor->is_stopping && supervisor->is_ready && gates_all_serve(supervisor) &&
		!upgrade_is_under_way(supervisor) && waiting_gates_serve(supervisor))
		hand_over(supervisor);
}

void
reload_gates_changed(struct supervisor *supervisor)
{
	bool all_serve = gates_all_serve(supervisor);
	bool is_under_way = supervisor->is_reloading || supervisor->is_handing_over;
	bool has_failed = is_under_way && supervisor->deaths >= DEATHS_MAX;

	measures_gates_changed(supervisor);
	if (supervisor->is_stopping || upgrade_is_under_way(supervisor) ||
		(!all_serve && !has_failed))
		return;
	services_retire(supervisor);
	if (has_failed)
		report_failure(supervisor);
	else
		report_ready(supervisor);
	util_trim_heap(); /* of the configuration before, and what reading this one has taken */
	supervisor->is_ready = true;
	supervisor->is_reloading = supervisor->is_handing_over = false;
	if (all_serve && waiting_gates_serve(supervisor))
		hand_over(supervisor);
	else if (supervisor->wants_reload) {
		supervisor->wants_reload = false;
		reload(supervisor, "SIGHUP");
	} else {
		upgrade_continue(supervisor);
	}
}
