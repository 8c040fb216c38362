/* SPDX-License-Identifier: ISC */
/* Services: which row of the shared memory each has. A service is the same one across reloads
 * when its name is, and its place among those of that name. */
#include "supervisor/services.h"

#include "base/shared_places.h"
#include "config/banner_files.h"
#include "effects/sealed.h"
#include "supervisor/accounts.h"
#include "supervisor/error_files.h"
#include "supervisor/outfits.h"
#include "supervisor/programs.h"

#include <errno.h>
#include <string.h>

#define CONFIG_TEXT_MAX (256U << 20)

/* A service by its name; `number` counts those of one name in the table's order. */
struct key {
	const char *name;
	uint32_t number;
	uint32_t index;
	uint32_t row;
};

static int
compare_keys(const void *left, const void *right)
{
	const struct key *a = left;
	const struct key *b = right;
	int order = strcmp(a->name, b->name);

	if (order != 0)
		return order;
	return a->index < b->index ? -1 : a->index > b->index;
}

static void
sort_keys(struct key *keys, size_t count)
{
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++)
		if (strcmp(keys[i].name, keys[i - 1].name) == 0)
			keys[i].number = keys[i - 1].number + 1;
}

static size_t
collect_old_keys(const struct supervisor *supervisor, struct key *keys)
{
	size_t count = 0;

	for (uint32_t row = 0; row < supervisor->row_count; row++) {
		const struct served *served = supervisor->rows[row];

		if (served != NULL && served->index != ROW_NONE)
			keys[count++] = (struct key){
				.name = served->name, .index = served->index, .row = row
			};
	}
	sort_keys(keys, count);
	return count;
}

/* Walk both sorted lists: a name and number in both keeps its row. */
static void
match_rows(struct key *wanted, size_t wanted_count, const struct key *old, size_t old_count)
{
	size_t at = 0;

	for (size_t i = 0; i < wanted_count; i++) {
		int order = -1;

		for (; at < old_count; at++) {
			order = strcmp(old[at].name, wanted[i].name);
			if (order == 0 && old[at].number != wanted[i].number)
				order = old[at].number < wanted[i].number ? -1 : 1;
			if (order >= 0)
				break;
		}
		wanted[i].row = at < old_count && order == 0 ? old[at].row : ROW_NONE;
	}
}

/* New names take free rows. -ENOSPC: the shared memory has none left. */
static int
take_free_rows(const struct supervisor *supervisor, struct key *wanted, size_t count)
{
	uint32_t row = 0;

	for (size_t i = 0; i < count; i++) {
		if (wanted[i].row != ROW_NONE)
			continue;
		while (row < supervisor->row_count && supervisor->rows[row] != NULL)
			row++;
		if (row == supervisor->row_count)
			return -ENOSPC;
		wanted[i].row = row++;
	}
	return 0;
}

static struct served *
served_free(struct served *served)
{
	if (served == NULL)
		return NULL;
	(void)served_free(served->before);
	program_fini(served);
	free(served);
	return NULL;
}

struct served *
services_new(const char *name)
{
	size_t length = strlen(name);
	struct served *served = calloc(1, sizeof(*served) + length + 1);

	if (served != NULL)
		memcpy(served->name, name, length);
	return served;
}

static int
make_served(const struct program_maker *maker, const struct key *keys)
{
	struct service_set *set = maker->set;

	for (uint32_t i = 0; i < set->config->service_count; i++) {
		const struct service_config *service = &set->config->services[keys[i].index];
		struct served *served = services_new(service->name);
		int error;

		if (served == NULL)
			return -ENOMEM;
		set->served[keys[i].index] = served;
		served->row = keys[i].row;
		served->index = keys[i].index;
		served->number = keys[i].number;
		error = service->program != NULL ? program_init(maker, served, service) : 0;
		if (error < 0)
			return error;
	}
	return 0;
}

static int
seal(const char *name, const struct textbuf *text, int *ret_sealed_fd)
{
	auto_close int sealed_fd = -1;
	int error = sealed_make(name, text->text, text->length, &sealed_fd);

	if (error < 0)
		return error;
	*ret_sealed_fd = spawn_move_high(sealed_fd);
	if (*ret_sealed_fd < 0)
		return *ret_sealed_fd;
	(void)util_take_fd(&sealed_fd);
	return 0;
}

/* The gates read what we have checked: text again, so that there is one format and one reader. */
static int
write_config(const struct config *config, int *ret_config_fd)
{
	struct textbuf text = TEXTBUF_INIT(CONFIG_TEXT_MAX);
	int error = config_print(config, &text);

	if (error == 0)
		error = seal("reeve-config", &text, ret_config_fd);
	textbuf_fini(&text);
	return error;
}

/* What clients are told lies in files that no gate can open. */
static int
write_banners(const struct config *config, struct complaint_list *complaints, int *ret_banners_fd)
{
	struct textbuf image = TEXTBUF_INIT(BANNER_FILES_MAX);
	size_t complaints_before = complaint_count(complaints);
	int error = banner_files_make(config, complaints, &image);

	if (error == 0 && complaint_count(complaints) > complaints_before)
		error = -ENOENT;
	if (error == 0 && image.length > 0)
		error = seal("reeve-banners", &image, ret_banners_fd);
	textbuf_fini(&image);
	return error;
}

static int
prepare_rows(const struct program_maker *maker)
{
	const struct supervisor *supervisor = maker->supervisor;
	struct service_set *set = maker->set;
	size_t count = set->config->service_count;
	auto_free struct key *keys = calloc(count + 1, sizeof(*keys));
	auto_free struct key *old = calloc(supervisor->row_count + 1, sizeof(*old));
	size_t old_count;
	int error;

	if (keys == NULL || old == NULL || set->served == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		keys[i] = (struct key){ .name = set->config->services[i].name, .index = i };
	sort_keys(keys, count);
	old_count = collect_old_keys(supervisor, old);
	match_rows(keys, count, old, old_count);
	error = take_free_rows(supervisor, keys, count);
	return error < 0 ? error : make_served(maker, keys);
}

int
services_prepare(struct supervisor *supervisor, struct config *config, struct service_set *ret_set,
	struct complaint_list *complaints)
{
	struct service_set set = { .config = config, .config_fd = -1, .banners_fd = -1 };
	struct program_maker maker;
	size_t complaints_before = complaint_count(complaints);
	int error;

	set.served = calloc((size_t)config->service_count + 1, sizeof(struct served *));
	error = program_maker_init(&maker, supervisor, &set, complaints);
	if (error == 0)
		error = prepare_rows(&maker);
	program_maker_fini(&maker);
	if (error == 0)
		error = write_config(config, &set.config_fd);
	if (error == 0)
		error = write_banners(config, complaints, &set.banners_fd);
	if (error == -ENOSPC)
		complain(complaints, NULL, NULL,
			"the running daemon has room for %u services; more are wanted: restart it",
			supervisor->row_count);
	else if (error < 0 && complaint_count(complaints) == complaints_before)
		complain(complaints, NULL, NULL, "the services cannot be prepared: %s",
			strerror(-error));
	if (error < 0) {
		services_discard(&set);
		return error;
	}
	*ret_set = set;
	return 0;
}

void
services_discard(struct service_set *set)
{
	for (uint32_t i = 0; set->served != NULL && i < set->config->service_count; i++)
		(void)served_free(set->served[i]);
	free(set->served);
	set->config = config_free(set->config);
	set->accounts = accounts_free(set->accounts);
	set->error_files = error_files_free(set->error_files);
	set->outfits = outfits_free(set->outfits);
	if (set->config_fd >= 0)
		(void)close(set->config_fd);
	if (set->banners_fd >= 0)
		(void)close(set->banners_fd);
	*set = (struct service_set){ .config_fd = -1, .banners_fd = -1 };
}

/* A service that is gone keeps its row, without a plan, until its last connection ends. What we
 * count ourselves decides with what gates can write. */
static void
retire_row(struct supervisor *supervisor, uint32_t row)
{
	struct served *served = supervisor->rows[row];

	program_fini(served);
	if (served->handler_count > 0 || shared_active(supervisor->shared, row) > 0)
		return;
	supervisor->rows[row] = served_free(served);
	shared_name_row(supervisor->shared, row, "");
}

void
services_swap(struct supervisor *supervisor, struct service_set *set)
{
	struct service_set old = supervisor->services;

	services_retire(supervisor);
	for (uint32_t row = 0; row < supervisor->row_count; row++)
		if (supervisor->rows[row] != NULL && supervisor->rows[row]->index != ROW_NONE) {
			supervisor->rows[row]->index = ROW_NONE;
			shared_describe_row(supervisor->shared, row, 0, 0);
		}
	for (uint32_t i = 0; i < set->config->service_count; i++) {
		struct served *served = set->served[i];
		struct served *before = supervisor->rows[served->row];

		if (before == NULL)
			shared_name_row(supervisor->shared, served->row, served->name);
		else {
			served->handler_count = before->handler_count;
			served->hold = before->hold;
		}
		shared_describe_row(supervisor->shared, served->row, served->number + 1,
			set->config->services[i].keys->instances);
		served->before = before;
		supervisor->rows[served->row] = served;
	}
	supervisor->services = *set;
	*set = (struct service_set){ .config_fd = -1, .banners_fd = -1 };
	/* The rows own what was served before; their plans borrow from this. */
	free(old.served);
	old.served = NULL;
	supervisor->retired = old;
}

void
services_retire(struct supervisor *supervisor)
{
	for (uint32_t row = 0; row < supervisor->row_count; row++)
		if (supervisor->rows[row] != NULL) {
			supervisor->rows[row]->before = served_free(supervisor->rows[row]->before);
			if (supervisor->rows[row]->index == ROW_NONE)
				retire_row(supervisor, row);
		}
	services_discard(&supervisor->retired);
}

void
services_fini(struct supervisor *supervisor)
{
	services_discard(&supervisor->retired);
	free(supervisor->services.served);
	supervisor->services.served = NULL;
	services_discard(&supervisor->services);
	for (uint32_t row = 0; row < supervisor->row_count; row++)
		(void)served_free(supervisor->rows[row]);
	free(supervisor->rows);
}
