/* SPDX-License-Identifier: ISC */
/* top's life: samples, keys, signals, and the way out, on which the terminal is given back. */
#include "control/top.h"

#include "base/shared_measures.h"
#include "base/shared_view.h"
#include "control/counters.h"
#include "control/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#define SOURCES_US 2000000
#define EMPTY_READS_MAX 3 /* a terminal that is ready and has no key, so often, has gone */

/* What is watched. */
struct watched {
	const struct control *control;
	const struct shared *view;
	pid_t pid;
	struct stat memory; /* which it is: an upgrade may make another one */
};

struct life {
	struct top top;
	struct watched watched;
	struct top_screen *screen;
	int signal_fd;
	int signal;       /* that ends us, or 0 */
	int64_t asked_us; /* when sources were asked for last */
	unsigned empty_reads;
	int error; /* -ESRCH: the daemon has ended, -EIO: the terminal has gone, ... */
};

/* ---------------------------------------------------------------- what is watched */

static int
open_watched(struct watched *watched)
{
	const char *run_dir = watched->control->run_dir;
	const struct shared *view = NULL;
	int error = daemon_read_pid(run_dir, &watched->pid);

	if (error == 0)
		error = daemon_view_counters(run_dir, &view);
	/* Whoever may not open the memory may be allowed to ask for it. */
	if (error == -EACCES || error == -EPERM)
		error = counters_ask(watched->control, &view);
	else if (error == 0)
		(void)daemon_look_at_counters(run_dir, &watched->memory);
	if (error < 0)
		return error == -ENOENT ? -ESRCH : error;
	(void)shared_view_free(watched->view);
	watched->view = view;
	return 0;
}

/* Is it still that daemon? One that was upgraded may count in another memory. */
static int
check_watched(struct watched *watched)
{
	const char *run_dir = watched->control->run_dir;
	struct stat memory;
	pid_t pid;

	if (daemon_read_pid(run_dir, &pid) < 0 || pid != watched->pid ||
		(kill(pid, 0) < 0 && errno == ESRCH))
		return -ESRCH;
	if (daemon_look_at_counters(run_dir, &memory) < 0 ||
		(memory.st_ino == watched->memory.st_ino &&
			memory.st_dev == watched->memory.st_dev))
		return 0;
	return open_watched(watched);
}

/* The newest sample takes the place of the one before. */
static int
take_sample(struct life *life)
{
	struct top *top = &life->top;
	struct top_sample sample;
	int error = top_sample_take(&sample, life->watched.view, shared_clock_us());

	if (error < 0)
		return error;
	top_sample_fini(&top->before);
	top->before = top->now;
	top->now = sample;
	return 0;
}

static int
ask_sources(struct life *life)
{
	const struct watched *watched = &life->watched;

	return top_sources_ask(&life->top.sources, watched->control, watched->view);
}

/* What is not to be seen is not asked for; and not at every tick, for it costs the daemon
 * something. What goes wrong has been written over the screen, which is drawn anew. */
static void
take_sources(struct life *life)
{
	int64_t now_us = shared_clock_us();

	if (life->top.view != TOP_SOURCES || life->top.is_paused ||
		(life->asked_us != 0 && now_us - life->asked_us < SOURCES_US))
		return;
	life->asked_us = now_us;
	if (ask_sources(life) < 0)
		top_screen_resize(life->screen);
}

/* ---------------------------------------------------------------- events */

static void
take_signal(struct life *life)
{
	struct signalfd_siginfo info;

	if (read(life->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH) {
		if (life->screen != NULL)
			top_screen_resize(life->screen);
		return;
	}
	life->signal = (int)info.ssi_signo;
}

static void
take_keys(struct life *life)
{
	int key = top_screen_key(life->screen);

	life->empty_reads = key == TOP_NO_KEY ? life->empty_reads + 1 : 0;
	if (life->empty_reads >= EMPTY_READS_MAX)
		life->error = -EIO;
	for (; key != TOP_NO_KEY; key = top_screen_key(life->screen))
		top_take_key(&life->top, key);
}

/* Wait until that moment for keys and signals; true if it was reached. */
static bool
await(struct life *life, int64_t until_us)
{
	struct pollfd fds[] = { { .fd = life->signal_fd, .events = POLLIN },
		{ .fd = life->screen != NULL ? STDIN_FILENO : -1, .events = POLLIN } };
	int64_t left_us = until_us - shared_clock_us();
	int count = poll(fds, ARRAY_SIZE(fds), left_us > 0 ? (int)(left_us / 1000) + 1 : 0);

	if (count <= 0)
		return shared_clock_us() >= until_us;
	if (fds[0].revents != 0)
		take_signal(life);
	if ((fds[1].revents & POLLIN) != 0)
		take_keys(life);
	else if (fds[1].revents != 0)
		life->error = -EIO;
	return false;
}

static bool
is_over(const struct life *life)
{
	return life->error < 0 || life->signal != 0 || life->top.is_done;
}

/* ---------------------------------------------------------------- the life */

static void
watch_on_screen(struct life *life)
{
	int64_t next_us = shared_clock_us();

	while (!is_over(life)) {
		bool is_due = await(life, next_us);

		if (is_due) {
			next_us = shared_clock_us() + life->top.tick_ms * 1000;
			life->error = check_watched(&life->watched);
			if (life->error == 0 && !life->top.is_paused)
				life->error = take_sample(life);
		}
		if (!is_over(life))
			take_sources(life);
		/* Who makes it quicker does not wait for what was slower. */
		if (next_us > shared_clock_us() + life->top.tick_ms * 1000)
			next_us = shared_clock_us() + life->top.tick_ms * 1000;
		if (!is_over(life))
			life->error = top_screen_draw(life->screen, &life->top);
	}
}

static int
look(struct life *life)
{
	int error = take_sample(life);

	return error == 0 && life->top.view == TOP_SOURCES ? ask_sources(life) : error;
}

/* For programs: what happened within one tick. */
static void
watch_once(struct life *life)
{
	int64_t until_us = shared_clock_us() + life->top.tick_ms * 1000;
	const struct output *output = &life->watched.control->output;
	struct top_frame frame;

	life->error = look(life);
	while (!is_over(life) && !await(life, until_us))
		;
	if (life->error == 0)
		life->error = check_watched(&life->watched);
	if (is_over(life))
		return;
	life->error = look(life);
	if (life->error < 0)
		return;
	life->error = top_frame_make(&frame, &life->top);
	if (life->error == 0)
		life->error = table_print(frame.table, output, NULL);
	top_frame_fini(&frame);
}

static int
hear_signals(sigset_t *ret_before)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH };
	sigset_t set;
	int signal_fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(&set, numbers[i]);
	(void)sigprocmask(SIG_BLOCK, &set, ret_before);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signal_fd < 0 ? -errno : signal_fd;
}

/* The signal that ended us ends us as it would have without us. */
static int
finish(const struct life *life, const sigset_t *before)
{
	(void)sigprocmask(SIG_SETMASK, before, NULL);
	if (life->signal != 0) {
		(void)signal(life->signal, SIG_DFL);
		(void)raise(life->signal);
	}
	if (life->error == 0)
		return 0;
	control_complain("top: %s",
		life->error == -ESRCH         ? "no daemon runs with this run folder (any more)"
			: life->error == -EIO ? "the terminal has gone"
					      : strerror(-life->error));
	return 1;
}

static int
watch(struct life *life, const struct output *output)
{
	bool is_json = output->is_json;

	life->error = open_watched(&life->watched);
	if (life->error < 0)
		return 0;
	if (is_json) {
		watch_once(life);
		return 0;
	}
	life->screen = top_screen_open(output);
	if (life->screen == NULL)
		return 1;
	watch_on_screen(life);
	life->screen = top_screen_close(life->screen);
	return 0;
}

int
verb_top(const struct control *control)
{
	bool is_by_source = json_is_true(json_object_get(control->arguments, "sources"));
	struct life life = { .top = { .view = is_by_source ? TOP_SOURCES : TOP_SERVICES,
				     .order = TOP_BY_CONNECTIONS,
				     .tick_ms = TOP_TICK_MS },
		.watched = { .control = control } };
	sigset_t before;
	int status;

	if (!control->output.is_json && (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)) {
		control_complain("top: wants a terminal; --json prints what happens in a second");
		return 2;
	}
	life.signal_fd = hear_signals(&before);
	life.error = life.signal_fd < 0 ? life.signal_fd : 0;
	status = life.error == 0 ? watch(&life, &control->output) : 0;
	if (status == 0)
		status = finish(&life, &before);
	if (life.signal_fd >= 0)
		(void)close(life.signal_fd);
	top_sample_fini(&life.top.before);
	top_sample_fini(&life.top.now);
	top_sources_fini(&life.top.sources);
	(void)shared_view_free(life.watched.view);
	return status;
}
