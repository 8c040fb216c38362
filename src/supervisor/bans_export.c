/* SPDX-License-Identifier: ISC */
/* Bans from all services, in sets of the packet filter: what is banned there costs neither a
 * connection nor a look. nft(8) is a program beside us that reads its commands from memory that we
 * fill in slices, so that neither it nor the number of bans ever stops the supervisor. Elements
 * have the ban's end as their time-out, which the kernel sees to. One run is one transaction: first
 * the sets are made to hold what the book does, then what is new is added to them. A run that
 * failed is told of and tried again, more and more seldom, from the beginning. */
#include "supervisor/bans.h"

#include "base/log.h"
#include "base/textbuf.h"
#include "effects/whole.h"
#include "model/ban_text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define SLICE 256
#define PAUSE_MS 1000  /* between two runs at least */
#define PAUSE_TIMES 20 /* so many times as long as the last one took */
#define PATIENCE_MS 60000
#define BACKOFF_MAX_MS 300000
#define SAID_MAX 400 /* of what nft says, for the log */
#define ROOM_MAX (SLICE * 3 * 128)
#define FILE_MAX (64 << 20)

struct export
{
	struct bans *bans;
	struct timer timer; /* the next slice or run; or our patience with the one under way */
	pid_t pid;          /* 0: none runs */
	int script_fd;      /* that is being filled; -1: none */
	int said_fd;
	size_t next;      /* ban to be looked at */
	int64_t elements; /* of this run */
	msec begun;
	msec backoff;
	bool is_all_anew; /* this run */
	bool wants_all_anew;
	bool is_wanted;       /* there is something for the next run */
	bool is_good;         /* the last run was */
	uint64_t lengths4[1]; /* that bans from all have: whoever lies in one of them is left out */
	uint64_t lengths6[3];
};

/* One of the two sets, and the elements of this slice. */
struct portion {
	const char *set;
	struct textbuf with_times;
	struct textbuf without;
};

static const struct config_daemon *
keys_of(const struct export *export)
{
	return &export->bans->supervisor->services.config->daemon;
}

static bool
is_on(const struct export *export)
{
	const struct config *config = export->bans->supervisor->services.config;

	return config && (config->daemon.nft_set4 || config->daemon.nft_set6);
}

static msec
now_of(const struct export *export)
{
	return loop_now(export->bans->supervisor->loop);
}

static void
set_timer(struct export *export, msec wait)
{
	(void)loop_set_timer(export->bans->supervisor->loop, &export->timer, now_of(export) + wait);
}

static void
close_files(struct export *export)
{
	if (export->script_fd >= 0)
		(void)close(util_take_fd(&export->script_fd));
	if (export->said_fd >= 0)
		(void)close(util_take_fd(&export->said_fd));
}

static void
fail(struct export *export, const char *complaint)
{
	export->backoff = export->backoff == 0 ? PAUSE_MS : export->backoff * 2;
	if (export->backoff > BACKOFF_MAX_MS)
		export->backoff = BACKOFF_MAX_MS;
	export->is_good = false;
	export->is_wanted = export->wants_all_anew = true;
	LOG(bans_not_exported, .complaint = complaint, .retry_ms = export->backoff);
	close_files(export);
	set_timer(export, export->backoff);
}

/* ---------------------------------------------------------------- which, and how */

static void
note_length(struct export *export, const struct ban *ban)
{
	uint32_t length = ban->source.length;
	uint64_t *words =
		ban->source.address.family == AF_INET ? export->lengths4 : export->lengths6;

	words[length / 64] |= UINT64_C(1) << length % 64;
}

static bool
has_length(const struct export *export, const struct ban_source *source, uint32_t length)
{
	const uint64_t *words =
		source->address.family == AF_INET ? export->lengths4 : export->lengths6;

	return (words[length / 64] >> length % 64 & 1) != 0;
}

/* The filter wants no element inside of another. */
static bool
lies_in_another(const struct export *export, const struct ban *ban)
{
	const struct bans *bans = export->bans;

	for (uint32_t length = 0; length < ban->source.length; length++) {
		struct ban outer = { .number = BAN_OF_ALL };

		if (!has_length(export, &ban->source, length))
			continue;
		ban_source_of(&outer.source, &ban->source.address, length, length, BAN_NO_USER);
		if (ban_book_find(bans->book, ban_key(bans_memory(bans), BAN_OF_ALL, &outer.source),
			    &outer))
			return true;
	}
	return false;
}

/* A service's ban is the service's: the filter would keep the source out of everything. Of a link,
 * addresses say nothing to it. */
static bool
is_for_export(const struct ban *ban)
{
	return ban->number == BAN_OF_ALL && ban->source.address.family != AF_UNIX &&
		ban->source.address.scope == 0;
}

static void
add_element(struct portion *portion, const struct ban *ban, msec now)
{
	char text[BAN_SOURCE_TEXT_MAX];
	const char *comma = portion->without.length > 0 ? ", " : "";
	uint32_t full = ban->source.address.family == AF_INET ? 32 : 128;

	(void)ban_source_write(&ban->source, text);
	if (ban->source.length == full) /* a set without intervals takes these */
		text[strcspn(text, "/")] = '\0';
	textbuf_addf(&portion->without, "%s%s", comma, text);
	textbuf_addf(&portion->with_times, "%s%s timeout %llds", comma, text,
		(long long)(ban->until - now + 999) / 1000);
}

/* One that is there keeps its time-out when it is added: so it is taken out in between, and added
 * before, since what is not there cannot be taken out. */
static void
write_portion(const struct portion *portion, bool is_all_anew, struct textbuf *ret_script)
{
	const char *with_times = portion->with_times.text;

	if (portion->without.length == 0)
		return;
	if (!is_all_anew)
		textbuf_addf(ret_script, "add element %s { %s }\ndelete element %s { %s }\n",
			portion->set, with_times, portion->set, portion->without.text);
	textbuf_addf(ret_script, "add element %s { %s }\n", portion->set, with_times);
}

static void
gather(struct export *export, struct portion portions[2])
{
	struct ban_book *book = export->bans->book;
	msec now = now_of(export);
	size_t end = export->next + SLICE;

	for (; export->next < end && export->next < ban_book_count(book); export->next++) {
		struct ban *ban = ban_book_at(book, export->next);
		struct portion *portion = &portions[ban->source.address.family == AF_INET6];

		if (!is_for_export(ban) || ban->until <= now || !portion->set ||
			(ban->is_exported && !export->is_all_anew))
			continue;
		ban->is_exported = true;
		if (lies_in_another(export, ban))
			continue;
		add_element(portion, ban, now);
		export->elements++;
	}
}

static int
write_script(const struct export *export, const struct textbuf *script)
{
	int error = textbuf_error(script);

	return error < 0 ? error : whole_write(export->script_fd, script->text, script->length);
}

static int
write_slice(struct export *export)
{
	struct textbuf script = TEXTBUF_INIT(ROOM_MAX);
	struct portion portions[2] = {
		{ keys_of(export)->nft_set4, TEXTBUF_INIT(ROOM_MAX), TEXTBUF_INIT(ROOM_MAX) },
		{ keys_of(export)->nft_set6, TEXTBUF_INIT(ROOM_MAX), TEXTBUF_INIT(ROOM_MAX) },
	};
	int error = 0;

	gather(export, portions);
	for (size_t i = 0; i < ARRAY_SIZE(portions); i++) {
		write_portion(&portions[i], export->is_all_anew, &script);
		if (textbuf_error(&portions[i].with_times) < 0)
			error = -ENOMEM;
		textbuf_fini(&portions[i].with_times);
		textbuf_fini(&portions[i].without);
	}
	if (error == 0)
		error = write_script(export, &script);
	textbuf_fini(&script);
	return error;
}

/* ---------------------------------------------------------------- a run */

static int
make_memory(const char *name, int *ret_fd)
{
	int low_fd = memfd_create(name, MFD_CLOEXEC);

	if (low_fd < 0)
		return -errno;
	*ret_fd = spawn_move_high(low_fd);
	if (*ret_fd >= 0)
		return 0;
	(void)close(low_fd);
	return -EMFILE;
}

static int
begin_run(struct export *export)
{
	const struct ban_book *book = export->bans->book;
	struct textbuf script = TEXTBUF_INIT(ROOM_MAX);
	int error = make_memory("reeve-nft", &export->script_fd);

	export->is_all_anew = export->wants_all_anew;
	export->is_wanted = export->wants_all_anew = false;
	export->next = 0;
	export->elements = 0;
	export->begun = now_of(export);
	memset(export->lengths4, 0, sizeof(export->lengths4));
	memset(export->lengths6, 0, sizeof(export->lengths6));
	for (size_t i = 0; i < ban_book_count(book); i++)
		if (is_for_export(ban_book_at(book, i)))
			note_length(export, ban_book_at(book, i));
	if (export->is_all_anew && keys_of(export)->nft_set4)
		textbuf_addf(&script, "flush set %s\n", keys_of(export)->nft_set4);
	if (export->is_all_anew && keys_of(export)->nft_set6)
		textbuf_addf(&script, "flush set %s\n", keys_of(export)->nft_set6);
	if (error == 0)
		error = write_script(export, &script);
	textbuf_fini(&script);
	return error;
}

static int
start_program(struct export *export)
{
	static const struct spawn_limit limit = { .step = SPAWN_STEP_RLIMIT_OF_fsize,
		.resource = RLIMIT_FSIZE,
		.limit = { FILE_MAX, FILE_MAX } };
	char name[] = "nft";
	char option[] = "-f";
	char standard_input[] = "-";
	char language[] = "LC_ALL=C";
	char *argv[] = { name, option, standard_input, NULL };
	char *environment[] = { language, NULL };
	const struct spawn_world world = { .limits = &limit, .limit_count = 1, .cwd = "/" };
	const struct spawn_plan plan = { .path = keys_of(export)->nft_program,
		.argv = argv,
		.steps = SPAWN_DO(SESSION) | SPAWN_DO(CWD) | SPAWN_DO(LIMITS),
		.world = &world };
	const int stdio[3] = { export->script_fd, export->said_fd, export->said_fd };
	const struct spawn_start start = { .fds = stdio, .fd_count = 3, .envp = environment };
	struct spawn_result result;
	int error;

	if (lseek(export->script_fd, 0, SEEK_SET) < 0)
		return -errno;
	error = spawn_run(&plan, &start, &result);
	if (error < 0)
		return error;
	export->pid = result.pid;
	set_timer(export, PATIENCE_MS);
	return 0;
}

static void
end_run(struct export *export, int error)
{
	if (error < 0)
		fail(export, strerror(-error));
}

static int
finish_script(struct export *export)
{
	int error;

	if (export->elements == 0 && !export->is_all_anew) {
		close_files(export);
		return 0;
	}
	error = make_memory("reeve-nft-said", &export->said_fd);
	return error < 0 ? error : start_program(export);
}

static void
go_on(struct timer *timer, msec now)
{
	struct export *export = CONTAINER_OF(timer, struct export, timer);
	int error = 0;

	(void)now;
	if (export->pid != 0) {
		(void)priv_kill_gate(export->pid); /* what it says of that is its end */
		return;
	}
	if (export->script_fd < 0) {
		if (!export->is_wanted || !is_on(export))
			return;
		error = begin_run(export);
	}
	if (error == 0)
		error = write_slice(export);
	if (error == 0 && export->next < ban_book_count(export->bans->book))
		set_timer(export, 1);
	else if (error == 0)
		error = finish_script(export);
	end_run(export, error);
}

/* Its first line. */
static void
read_said(const struct export *export, char said[SAID_MAX])
{
	ssize_t length = pread(export->said_fd, said, SAID_MAX - 1, 0);

	said[length > 0 ? length : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
}

bool
bans_export_reaped(struct bans *bans, pid_t pid, int status)
{
	struct export *export = bans->export;
	char said[SAID_MAX];
	msec pause;

	if (!export || export->pid != pid)
		return false;
	export->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		read_said(export, said);
		fail(export, said[0] != '\0' ? said : "nft ended without a word");
		return true;
	}
	close_files(export);
	if (!export->is_good)
		LOG(bans_exported, .elements = export->elements);
	export->is_good = true;
	export->backoff = 0;
	pause = PAUSE_TIMES * (now_of(export) - export->begun);
	set_timer(export, pause > PAUSE_MS ? pause : PAUSE_MS);
	return true;
}

/* ---------------------------------------------------------------- what is wanted */

void
bans_export_changed(struct bans *bans, bool is_all_anew)
{
	struct export *export = bans->export;

	export->is_wanted = true;
	export->wants_all_anew |= is_all_anew;
	if (is_on(export) && export->timer.place == 0)
		set_timer(export, 0);
}

void
bans_export_configured(struct bans *bans)
{
	/* Whatever the sets hold now, be they others or new: from here on it is what we know. */
	bans->export->is_good = false;
	bans->export->backoff = 0;
	if (bans->export->pid == 0 && bans->export->script_fd < 0)
		loop_stop_timer(bans->supervisor->loop, &bans->export->timer);
	bans_export_changed(bans, true);
}

int
bans_export_init(struct bans *bans)
{
	struct export *export = calloc(1, sizeof(*export));

	if (!export)
		return -ENOMEM;
	*export = (struct export){
		.bans = bans, .timer.expired = go_on, .script_fd = -1, .said_fd = -1
	};
	bans->export = export;
	return 0;
}

void
bans_export_stop(struct bans *bans)
{
	if (bans->export->pid != 0)
		(void)priv_kill_gate(bans->export->pid);
}

void
bans_export_fini(struct bans *bans)
{
	if (!bans->export)
		return;
	loop_stop_timer(bans->supervisor->loop, &bans->export->timer);
	bans_export_stop(bans);
	close_files(bans->export);
	free(bans->export);
	bans->export = NULL;
}
