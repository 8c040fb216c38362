/* SPDX-License-Identifier: ISC */
/* The book of bans: what gates and people say, what has ended, and the memory that gates share. */
#include "supervisor/bans.h"

#include "base/log.h"
#include "model/ban_text.h"
#include "model/rate.h"

#include <errno.h>
#include <string.h>

#define SWEEP_LEAST_MS 1000
#define FULL_TOLD_MS 60000

struct shared_sources *
bans_memory(const struct bans *bans)
{
	return bans->supervisor->sources;
}

static msec
now_of(const struct bans *bans)
{
	return loop_now(bans->supervisor->loop);
}

/* ---------------------------------------------------------------- the memory */

static bool
impose(struct bans *bans, const struct ban *ban)
{
	return ban_impose(bans_memory(bans), ban->number, &ban->source, rate_clock(ban->until),
		rate_clock(now_of(bans)));
}

static void
lift(struct bans *bans, const struct ban *ban)
{
	ban_lift(bans_memory(bans), ban->number, &ban->source);
}

/* Gates look for no length that no ban has, and mostly for no ban that is not there. What the book
 * does not know may be any. */
static void
mark_anew(struct bans *bans)
{
	auto_free struct ban_marks *marks = NULL;

	if (now_of(bans) < bans->unknown_until)
		return;
	marks = calloc(1, sizeof(*marks));
	if (!marks)
		return; /* marks that nobody needs cost a look */
	for (size_t i = 0; i < ban_book_count(bans->book); i++) {
		const struct ban *ban = ban_book_at(bans->book, i);

		ban_marks_add(marks, ban->key, ban->number, &ban->source);
	}
	ban_marks_set(bans_memory(bans), marks);
}

/* ---------------------------------------------------------------- the book */

static void
wake_for(struct bans *bans, msec until)
{
	struct loop *loop = bans->supervisor->loop;

	if (bans->sweep.place == 0 || until < bans->sweep.due)
		(void)loop_set_timer(loop, &bans->sweep,
			until > now_of(bans) + SWEEP_LEAST_MS ? until
							      : now_of(bans) + SWEEP_LEAST_MS);
}

/* Those that lie in it may be in the packet filter once it is gone. */
static bool
is_network(const struct ban *ban)
{
	return ban->source.length != (ban->source.address.family == AF_INET6 ? 64 : 32);
}

static void
sweep(struct timer *timer, msec now)
{
	struct bans *bans = CONTAINER_OF(timer, struct bans, sweep);
	msec next = INT64_MAX;
	bool has_ended = false;
	bool has_network_ended = false;

	for (size_t i = 0; i < ban_book_count(bans->book);) {
		struct ban *ban = ban_book_at(bans->book, i);

		if (ban->until > now) {
			next = ban->until < next ? ban->until : next;
			i++;
			continue;
		}
		has_network_ended |= is_network(ban);
		(void)ban_free(ban_book_take(bans->book, ban));
		has_ended = true;
	}
	if (next != INT64_MAX)
		wake_for(bans, next);
	if (!has_ended)
		return;
	mark_anew(bans);
	bans_file_changed(bans);
	if (has_network_ended)
		bans_export_changed(bans, true);
}

/* It holds, but a restart will forget it. */
static void
note_full(struct bans *bans, const struct ban *ban)
{
	msec now = now_of(bans);

	bans->untold++;
	if (bans->unknown_until < ban->until)
		bans->unknown_until = ban->until;
	if (bans->full_told != 0 && now - bans->full_told < FULL_TOLD_MS)
		return;
	LOG(bans_full, .bans = (int64_t)ban_book_count(bans->book), .count = (int64_t)bans->untold);
	bans->full_told = now;
	bans->untold = 0;
}

/* Into the book. False: there is no room. */
static bool
write_down(struct bans *bans, struct ban *like)
{
	struct ban *dropped;
	uint64_t key;
	const struct ban *ban;

	like->number = like->service ? ban_service(bans_memory(bans), like->service) : BAN_OF_ALL;
	key = ban_key(bans_memory(bans), like->number, &like->source);
	ban = ban_book_add(bans->book, key, like, &dropped);
	if (dropped)
		lift(bans, dropped);
	(void)ban_free(dropped);
	if (ban)
		wake_for(bans, ban->until);
	return ban != NULL;
}

/* From the file: it held before. */
static void
restore(struct bans *bans, struct ban *ban)
{
	if (!write_down(bans, ban))
		note_full(bans, ban);
	(void)impose(bans, ban);
}

/* ---------------------------------------------------------------- what gates say */

/* What may have led to a ban, by the keys that the service has now. One that it had until a moment
 * ago may have been different: that is no lie. */
static bool
is_asked_for(const struct service_keys *keys, enum verdict verdict)
{
	return verdict == VERDICT_refuse_sensor ? keys->sensor != 0 : keys->ban > 0;
}

const char *
bans_told(struct supervisor *supervisor, const struct message_banned *told)
{
	struct bans *bans = supervisor->bans;
	bool is_of_all;
	const struct service_keys *keys;
	const struct served *served;
	struct ban ban;

	if (told->row >= supervisor->row_count)
		return "it names no service";
	if (told->verdict == VERDICT_ADMIT || told->verdict >= VERDICT_COUNT)
		return "it names no verdict";
	if (told->source.family != AF_INET && told->source.family != AF_INET6 &&
		told->source.family != AF_UNIX)
		return "it names no source";
	served = supervisor->rows[told->row];
	if (!served || served->index == ROW_NONE)
		return NULL;
	keys = supervisor->services.config->services[served->index].keys;
	if (!is_asked_for(keys, (enum verdict)told->verdict))
		return NULL;
	is_of_all = told->verdict == VERDICT_refuse_sensor || keys->ban_scope == CONFIG_BAN_ALL;
	ban = (struct ban){ .service = is_of_all ? NULL : served->name,
		.until = now_of(bans) + keys->ban_time,
		.span = keys->ban_time,
		.verdict = (enum verdict)told->verdict };
	ban_source_of(&ban.source, &told->source, is_of_all ? 32 : (uint32_t)keys->source_prefix4,
		is_of_all ? 64 : (uint32_t)keys->source_prefix6, told->user);
	if (!write_down(bans, &ban)) {
		note_full(bans, &ban);
		return NULL;
	}
	/* The gate has done so; but its mark of the length may have been swept away meanwhile. */
	(void)impose(bans, &ban);
	bans_file_changed(bans);
	bans_export_changed(bans, false);
	return NULL;
}

/* ---------------------------------------------------------------- what people say */

static bool
is_service(const char *name)
{
	return strlen(name) > 0 && strlen(name) <= BAN_SERVICE_MAX;
}

int
bans_add(struct supervisor *supervisor, const char *source, const char *service, msec span,
	const char **ret_problem)
{
	struct bans *bans = supervisor->bans;
	struct ban ban = { .service = service, .until = now_of(bans) + span, .span = span };
	char text[BAN_SOURCE_TEXT_MAX];

	*ret_problem = ban_source_read(&ban.source, source);
	if (!*ret_problem && (span < 1000 || span > BAN_LONGEST))
		*ret_problem = "a ban lasts from a second to a year";
	if (!*ret_problem && service && !is_service(service))
		*ret_problem = "that is no name of a service";
	if (*ret_problem)
		return -EINVAL;
	if (!write_down(bans, &ban))
		return -ENOSPC;
	if (!impose(bans, &ban)) {
		struct ban *made = ban_book_find(bans->book,
			ban_key(bans_memory(bans), ban.number, &ban.source), &ban);

		(void)ban_free(ban_book_take(bans->book, made));
		return -ENOSPC;
	}
	LOG(ban_made, .source = ban_source_write(&ban.source, text), .service = service,
		.duration_ms = span);
	bans_file_changed(bans);
	bans_export_changed(bans, is_network(&ban));
	return 0;
}

static bool
is_meant(const struct ban *ban, const struct ban_source *source, const char *service)
{
	if (service && (!ban->service || strcmp(service, ban->service) != 0))
		return false;
	return ban_source_holds(source, &ban->source);
}

int
bans_remove(struct supervisor *supervisor, const char *source, const char *service,
	size_t *ret_count, const char **ret_problem)
{
	struct bans *bans = supervisor->bans;
	struct ban_source meant;
	char text[BAN_SOURCE_TEXT_MAX];
	size_t count = 0;

	*ret_problem = ban_source_read(&meant, source);
	if (*ret_problem)
		return -EINVAL;
	for (size_t i = 0; i < ban_book_count(bans->book);) {
		struct ban *ban = ban_book_at(bans->book, i);

		if (!is_meant(ban, &meant, service)) {
			i++;
			continue;
		}
		lift(bans, ban);
		LOG(ban_lifted, .source = ban_source_write(&ban->source, text),
			.service = ban->service);
		(void)ban_free(ban_book_take(bans->book, ban));
		count++;
	}
	/* What the book had no room for is lifted by its own name. */
	ban_lift(bans_memory(bans), service ? ban_service(bans_memory(bans), service) : BAN_OF_ALL,
		&meant);
	*ret_count = count;
	if (count == 0)
		return 0;
	mark_anew(bans);
	bans_file_changed(bans);
	bans_export_changed(bans, true);
	return 0;
}

size_t
bans_count(const struct supervisor *supervisor)
{
	return ban_book_count(supervisor->bans->book);
}

const struct ban *
bans_at(const struct supervisor *supervisor, size_t place)
{
	return ban_book_at(supervisor->bans->book, place);
}

/* ---------------------------------------------------------------- its life */

/* The command line's word, then reeve.conf's, then what suits the place. */
static const char *
choose_folder(const struct supervisor_settings *settings, const struct config *config)
{
	if (settings->state_dir)
		return settings->state_dir;
	return config->daemon.state_dir ? config->daemon.state_dir : settings->own_state_dir;
}

int
bans_init(struct supervisor *supervisor, const struct config *config)
{
	const char *folder = choose_folder(supervisor->settings, config);
	struct bans *bans = calloc(1, sizeof(*bans));

	supervisor->bans = bans;
	if (!bans)
		return -ENOMEM;
	*bans = (struct bans){ .supervisor = supervisor,
		.book = ban_book_new((size_t)config->daemon.bans),
		.sweep.expired = sweep,
		.folder = folder ? strdup(folder) : NULL,
		.lock_fd = -1,
		.save_fd = -1 };
	if (!bans->book || (folder && !bans->folder))
		return -ENOMEM;
	bans_file_load(bans, restore);
	return bans_export_init(bans);
}

void
bans_configured(struct supervisor *supervisor)
{
	bans_export_configured(supervisor->bans);
}

bool
bans_reaped(struct supervisor *supervisor, pid_t pid, int status)
{
	return supervisor->bans && bans_export_reaped(supervisor->bans, pid, status);
}

void
bans_leave(struct supervisor *supervisor)
{
	bans_file_save(supervisor->bans, false);
	bans_export_stop(supervisor->bans);
}

void
bans_fini(struct supervisor *supervisor)
{
	struct bans *bans = supervisor->bans;

	if (!bans)
		return;
	if (bans->book)
		bans_file_save(bans, true);
	bans_export_fini(bans);
	loop_stop_timer(supervisor->loop, &bans->sweep);
	loop_stop_timer(supervisor->loop, &bans->save);
	bans->book = ban_book_free(bans->book);
	if (bans->lock_fd >= 0)
		(void)close(bans->lock_fd);
	free(bans->folder);
	free(bans);
	supervisor->bans = NULL;
}
