/* SPDX-License-Identifier: ISC */
/* Access rules: the image for the gates, and the files that it is made of. */
#include "supervisor/rules.h"

#include "config/access_rule.h"
#include "config/prefix_list.h"
#include "effects/priv.h"
#include "effects/sealed.h"
#include "model/access_build.h"
#include "supervisor/handover.h"
#include "supervisor/hosts.h"
#include "supervisor/interfaces.h"
#include "supervisor/resolver.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>

/* Whoever writes several files, or one in several steps, is waited for. */
#define CHANGES_MS 100
#define FOLDER_EVENTS (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CLOSE_WRITE)
#define FILE_EVENTS (IN_CLOSE_WRITE | IN_ATTRIB)

/* ---------------------------------------------------------------- an image */

struct making {
	const struct access *before; /* whose prefixes are taken where a file was not read anew */
	const struct rule_set *rules;
};

static struct rule_file *
find_file(struct rule_file *files, const char *path)
{
	while (files != NULL && strcmp(files->path, path) != 0)
		files = files->next;
	return files;
}

static int
find_id(void *owner, const char *name, bool is_group, uint32_t *ret_id)
{
	const struct passwd *entry;
	char *end;

	(void)owner;
	if (is_group)
		return priv_look_up_group(name, ret_id);
	*ret_id = (uint32_t)strtoul(name, &end, 10);
	if (*end == '\0')
		return 0; /* the check has seen that it fits */
	entry = getpwnam(name);
	if (entry == NULL)
		return -ENOENT;
	*ret_id = entry->pw_uid;
	return 0;
}

static const struct prefixes *
find_list(void *owner, const char *path)
{
	const struct making *making = owner;
	const struct rule_file *file = find_file(making->rules->files, path);

	if (file != NULL && file->prefixes != NULL)
		return file->prefixes;
	return making->before != NULL ? access_find_file(making->before, path) : NULL;
}

static uint32_t
find_interface(void *owner, const char *name)
{
	const struct making *making = owner;

	return interfaces_find(making->rules->interfaces, name);
}

static int
find_host(void *owner, const char *name, bool is_deny, const struct netaddr **ret_addresses)
{
	const struct making *making = owner;

	return hosts_find(making->rules->hosts, name, is_deny, ret_addresses);
}

/* What was read is in the image now. */
static void
drop_prefixes(struct rule_file *files)
{
	for (; files != NULL; files = files->next) {
		free(files->prefixes);
		files->prefixes = NULL;
	}
}

static int
seal(struct rule_set *rules, const struct access *image, size_t size)
{
	auto_close int low_fd = -1;
	const void *bytes;
	int error = sealed_make("reeve-access", image, size, &low_fd);

	if (error < 0)
		return error;
	rules->image_fd = spawn_move_high(low_fd);
	if (rules->image_fd < 0)
		return rules->image_fd;
	(void)util_take_fd(&low_fd);
	error = sealed_map(rules->image_fd, &bytes, &rules->size);
	if (error == 0)
		rules->access = bytes;
	return error;
}

/* The new image takes the place of what `rules` had none of yet. */
static int
make_image(struct rule_set *rules, const struct config *config, const struct access *before)
{
	struct making making = { .before = before, .rules = rules };
	const struct access_lookup lookup = { .owner = &making,
		.find_id = find_id,
		.find_interface = find_interface,
		.find_host = find_host,
		.find_list = find_list };
	struct access *image;
	size_t size;
	int error = access_build(config, rules->generation, &lookup, &image, &size);

	drop_prefixes(rules->files);
	if (error < 0 || image == NULL)
		return error;
	error = seal(rules, image, size);
	free(image);
	return error;
}

static void
give_image_back(struct rule_set *rules)
{
	sealed_unmap(rules->access, rules->size);
	if (rules->image_fd >= 0)
		(void)close(rules->image_fd);
	rules->access = NULL;
	rules->image_fd = -1;
}

void
rules_discard(struct rule_set *rules)
{
	while (rules->files != NULL) {
		struct rule_file *file = rules->files;

		rules->files = file->next;
		free(file->prefixes);
		free(file->path);
		free(file);
	}
	interfaces_free(&rules->interfaces);
	hosts_free(&rules->hosts);
	give_image_back(rules);
}

/* ---------------------------------------------------------------- files */

/* Read it, whatever is known of it. 0, or -errno with complaints. */
static int
read_file(struct rule_file *file, struct complaint_list *complaints, size_t *ret_count)
{
	size_t before = complaint_count(complaints);
	struct prefix_list list;
	int error = 0;

	prefix_list_read(&list, file->path, complaints, NULL, NULL);
	file->seen = list.status;
	*ret_count = list.count;
	if (complaint_count(complaints) > before)
		error = -EINVAL;
	else
		file->prefixes = prefixes_new(list.prefixes, list.count);
	prefix_list_fini(&list);
	if (error == 0 && file->prefixes == NULL)
		error = -ENOMEM;
	return error;
}

static bool
has_changed(const struct rule_file *file)
{
	struct stat now;

	if (stat(file->path, &now) < 0)
		memset(&now, 0, sizeof(now));
	return !prefix_list_is_same(&file->seen, &now);
}

/* One that the rules before have as it is now is not read again. */
static int
add_file(struct supervisor *supervisor, struct rule_set *rules, const char *path,
	struct complaint_list *complaints)
{
	const struct rule_file *known = find_file(supervisor->rules.files, path);
	struct rule_file *file;
	size_t count;

	if (find_file(rules->files, path) != NULL)
		return 0;
	file = calloc(1, sizeof(*file));
	if (file == NULL)
		return -ENOMEM;
	file->next = rules->files;
	rules->files = file;
	file->path = strdup(path);
	if (file->path == NULL)
		return -ENOMEM;
	if (known == NULL || has_changed(known))
		return read_file(file, complaints, &count);
	file->seen = known->seen;
	return 0;
}

/* What the rules of a list need to have been looked up. */
static int
add_needs(struct supervisor *supervisor, struct rule_set *rules, char *const *list,
	struct complaint_list *complaints)
{
	int error = 0;

	for (; list != NULL && *list != NULL && error == 0; list++) {
		struct access_rule rule = access_rule_of(*list);

		if (rule.kind == ACCESS_RULE_FILE)
			error = add_file(supervisor, rules, rule.name, complaints);
		else if (rule.kind == ACCESS_RULE_INTERFACE)
			error = interfaces_add(&rules->interfaces, rule.name);
		else if (rule.kind == ACCESS_RULE_HOST)
			error = hosts_add(&rules->hosts, supervisor->rules.hosts, rule.name);
		rules->need_resolver |=
			rule.kind == ACCESS_RULE_HOST || rule.kind == ACCESS_RULE_DOMAIN;
	}
	return error;
}

int
rules_prepare(struct supervisor *supervisor, const struct config *config,
	struct rule_set *ret_rules, struct complaint_list *complaints)
{
	struct rule_set rules = { .image_fd = -1, .generation = supervisor->generation + 1 };
	size_t complaints_before = complaint_count(complaints);
	const struct service_keys *last = NULL;
	int error = 0;

	for (uint32_t i = 0; i < config->service_count && error == 0; i++) {
		const struct service_keys *keys = config->services[i].keys;

		if (keys == last) /* most services have the keys of the one before */
			continue;
		last = keys;
		rules.need_resolver |= access_rules_wrap(&config->services[i]) != NULL;
		error = add_needs(supervisor, &rules, keys->only_from, complaints);
		if (error == 0)
			error = add_needs(supervisor, &rules, keys->no_access, complaints);
	}
	if (error == 0)
		error = make_image(&rules, config, supervisor->rules.access);
	if (error == 0) {
		*ret_rules = rules;
		return 0;
	}
	if (complaint_count(complaints) == complaints_before)
		complain(complaints, NULL, NULL, "the access rules cannot be prepared: %s",
			strerror(-error));
	rules_discard(&rules);
	return error;
}

/* ---------------------------------------------------------------- changes */

static void
tell_kept(const struct rule_file *file, const struct complaint_list *complaints, int error)
{
	const char *complaint = complaints != NULL ? complaint_message(complaints, 0) : NULL;

	LOG(access_file_kept, .file = file->path,
		.complaint = complaint != NULL ? complaint : strerror(-error));
}

/* Read those that have changed. True: there is something for a new image. */
static bool
read_changed(struct rule_set *rules)
{
	bool has_new = false;

	for (struct rule_file *file = rules->files; file != NULL; file = file->next) {
		struct complaint_list *complaints;
		size_t count = 0;
		int error = -ENOMEM;

		if (!has_changed(file))
			continue;
		complaints = complaint_list_new();
		if (complaints != NULL)
			error = read_file(file, complaints, &count);
		if (error == 0) {
			has_new = true;
			LOG(access_file_loaded, .file = file->path, .prefixes = (int64_t)count);
		} else
			tell_kept(file, complaints, error);
		(void)complaint_list_free(complaints);
	}
	return has_new;
}

static void
renew(struct supervisor *supervisor)
{
	struct rule_set *rules = &supervisor->rules;
	struct rule_set renewed = *rules;
	int error;

	renewed.image_fd = -1;
	renewed.access = NULL;
	error = make_image(&renewed, supervisor->services.config, rules->access);
	if (error < 0) {
		give_image_back(&renewed);
		for (struct rule_file *file = rules->files; file != NULL; file = file->next)
			memset(&file->seen, 0, sizeof(file->seen)); /* as if nobody had looked */
		LOG(system_error, .step = "access rules", .error = -error);
		return;
	}
	give_image_back(rules);
	*rules = renewed;
	for (uint32_t i = 0; i < supervisor->gate_count; i++)
		handover_rules(&supervisor->gates[i]);
}

static void
watch_folder(int watch_fd, const char *path)
{
	auto_free char *folder = strdup(path);
	char *slash = folder != NULL ? strrchr(folder, '/') : NULL;

	if (slash == NULL)
		return;
	slash[slash == folder] = '\0';
	/* What cannot be watched is looked at when it is asked for: by a reload. */
	if (inotify_add_watch(watch_fd, folder, FOLDER_EVENTS) < 0)
		LOG(system_error, .step = "inotify_add_watch", .error = errno);
	/* By a link, the file may lie elsewhere. */
	(void)inotify_add_watch(watch_fd, path, FILE_EVENTS);
}

/* The file of that name may be another one each time, so watching begins anew. */
static void
watch_files(struct supervisor *supervisor)
{
	struct watch *watch = &supervisor->rule_watch;
	int low_fd;

	if (watch->fd >= 0) {
		loop_unwatch(supervisor->loop, watch);
		(void)close(watch->fd);
		watch->fd = -1;
	}
	if (supervisor->rules.files == NULL)
		return;
	low_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	watch->fd = low_fd >= 0 ? spawn_move_high(low_fd) : -1;
	if (watch->fd < 0) {
		LOG(system_error, .step = "inotify_init", .error = errno);
		return;
	}
	for (const struct rule_file *file = supervisor->rules.files; file != NULL;
		file = file->next)
		watch_folder(watch->fd, file->path);
	watch->events = EPOLLIN;
	if (loop_watch(supervisor->loop, watch) < 0)
		LOG(system_error, .step = "epoll_ctl", .error = errno);
}

static void
changes_are_over(struct timer *timer, msec now)
{
	struct supervisor *supervisor = CONTAINER_OF(timer, struct supervisor, rule_timer);

	(void)now;
	watch_files(supervisor); /* before looking: what happens from here on is told */
	if (read_changed(&supervisor->rules) || supervisor->is_renewal_due)
		renew(supervisor);
	supervisor->is_renewal_due = false;
}

/* What exactly happened in the folder does not matter: the files are looked at themselves. And
 * however much happens there, they are looked at ten times a second at most. */
static void
folder_changed(struct watch *watch, uint32_t events)
{
	struct supervisor *supervisor = CONTAINER_OF(watch, struct supervisor, rule_watch);
	msec now = loop_now(supervisor->loop);

	(void)events;
	loop_unwatch(supervisor->loop, watch);
	if (loop_set_timer(supervisor->loop, &supervisor->rule_timer, now + CHANGES_MS) < 0)
		changes_are_over(&supervisor->rule_timer, now);
}

void
rules_ask_renewal(struct supervisor *supervisor)
{
	msec now = loop_now(supervisor->loop);

	supervisor->is_renewal_due = true;
	if (supervisor->rule_timer.place == 0 &&
		loop_set_timer(supervisor->loop, &supervisor->rule_timer, now + CHANGES_MS) < 0)
		changes_are_over(&supervisor->rule_timer, now);
}

void
rules_renew(struct supervisor *supervisor)
{
	if (!supervisor->is_renewal_due)
		return;
	loop_stop_timer(supervisor->loop, &supervisor->rule_timer);
	changes_are_over(&supervisor->rule_timer, loop_now(supervisor->loop));
}

void
rules_swap(struct supervisor *supervisor, struct rule_set *rules)
{
	bool is_first = supervisor->rule_timer.expired == NULL;

	if (is_first) {
		supervisor->rule_watch = (struct watch){ .fd = -1, .ready = folder_changed };
		supervisor->rule_timer.expired = changes_are_over;
	} else
		rules_discard(&supervisor->rules);
	supervisor->rules = *rules;
	watch_files(supervisor);
	interfaces_swap(supervisor);
	hosts_swap(supervisor);
	resolver_swap(supervisor);
}

void
rules_fini(struct supervisor *supervisor)
{
	if (supervisor->rule_timer.expired == NULL)
		return;
	loop_stop_timer(supervisor->loop, &supervisor->rule_timer);
	interfaces_fini(supervisor);
	hosts_fini(supervisor);
	resolver_fini(supervisor);
	if (supervisor->rule_watch.fd >= 0) {
		loop_unwatch(supervisor->loop, &supervisor->rule_watch);
		(void)close(supervisor->rule_watch.fd);
	}
	rules_discard(&supervisor->rules);
}
