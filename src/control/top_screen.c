/* SPDX-License-Identifier: ISC */
/* The full screen, by curses. Every line is cut to the width before it is written, and texts from
 * outside are harmless by then. */
#include "control/top.h"

#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define LINES_FOR_STATE 8    /* smaller screens do without the line of what is chosen */
#define LINES_FOR_KEYS 10    /* ... and the line of keys */
#define COLUMNS_FOR_WORDS 60 /* ... and narrower ones without the time */
#define LINE_BYTES_MAX 16384

struct top_screen {
	SCREEN *curses;
	struct output output;
	bool has_colour;
};

/* ---------------------------------------------------------------- the terminal */

struct top_screen *
top_screen_open(const struct output *output)
{
	struct top_screen *screen = calloc(1, sizeof(*screen));

	if (screen == NULL)
		return NULL;
	screen->output = *output;
	screen->output.has_colour = false; /* of the text: curses has its own */
	screen->output.is_json = false;
	screen->curses = newterm(NULL, stdout, stdin);
	if (screen->curses == NULL) {
		control_complain("top: the terminal \"%s\" is not known; set TERM",
			getenv("TERM") != NULL ? getenv("TERM") : "");
		free(screen);
		return NULL;
	}
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)intrflush(stdscr, FALSE);
	(void)keypad(stdscr, TRUE);
	(void)nodelay(stdscr, TRUE);
	(void)set_escdelay(50);
	(void)curs_set(0);
	screen->has_colour = output->has_colour && has_colors() && start_color() == OK;
	if (screen->has_colour && use_default_colors() == OK) {
		(void)init_pair(TONE_GOOD, COLOR_GREEN, -1);
		(void)init_pair(TONE_WARN, COLOR_YELLOW, -1);
		(void)init_pair(TONE_BAD, COLOR_RED, -1);
	}
	return screen;
}

struct top_screen *
top_screen_close(struct top_screen *screen)
{
	if (screen == NULL)
		return NULL;
	(void)curs_set(1);
	(void)endwin();
	delscreen(screen->curses);
	free(screen);
	return NULL;
}

void
top_screen_resize(struct top_screen *screen)
{
	struct winsize size;

	(void)screen;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0)
		(void)resizeterm(size.ws_row, size.ws_col);
	(void)clearok(stdscr, TRUE);
}

int
top_screen_key(struct top_screen *screen)
{
	static const struct {
		int curses;
		int ours;
	} keys[] = {
		{ KEY_UP, TOP_KEY_UP },
		{ KEY_DOWN, TOP_KEY_DOWN },
		{ KEY_LEFT, TOP_KEY_LEFT },
		{ KEY_RIGHT, TOP_KEY_RIGHT },
		{ KEY_PPAGE, TOP_KEY_PAGE_UP },
		{ KEY_NPAGE, TOP_KEY_PAGE_DOWN },
		{ KEY_HOME, TOP_KEY_HOME },
		{ KEY_END, TOP_KEY_END },
		{ KEY_BACKSPACE, TOP_KEY_BACKSPACE },
	};
	int key = getch();

	(void)screen;
	if (key == ERR)
		return TOP_NO_KEY;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (keys[i].curses == key)
			return keys[i].ours;
	if (key == '\f')
		(void)clearok(stdscr, TRUE);
	return key;
}

/* ---------------------------------------------------------------- lines */

static attr_t
attributes(const struct top_screen *screen, enum tone tone)
{
	switch (tone) {
	case TONE_PLAIN:
	case TONE_COUNT:
		break;
	case TONE_TITLE:
		return A_REVERSE;
	case TONE_FAINT:
		return A_DIM;
	case TONE_GOOD:
		return screen->has_colour ? (attr_t)COLOR_PAIR(TONE_GOOD) : A_NORMAL;
	case TONE_WARN:
		return screen->has_colour ? (attr_t)COLOR_PAIR(TONE_WARN) : A_BOLD;
	case TONE_BAD:
		return screen->has_colour ? (attr_t)COLOR_PAIR(TONE_BAD) | A_BOLD : A_BOLD;
	}
	return A_NORMAL;
}

/* A whole line of the screen, its rest blank. */
static void
put_line(const struct top_screen *screen, int line, enum tone tone, const char *text)
{
	struct textbuf cut = TEXTBUF_INIT(LINE_BYTES_MAX);

	output_add_cut(&screen->output, &cut, text, (size_t)COLS, false);
	if (textbuf_error(&cut) == 0 && cut.text != NULL) {
		(void)attrset((int)attributes(screen, tone));
		(void)mvaddstr(line, 0, cut.text);
		(void)attrset(A_NORMAL);
	}
	textbuf_fini(&cut);
}

static void
put_summary(const struct top_screen *screen, const struct top *top, const struct top_frame *frame)
{
	time_t now = time(NULL);
	struct tm local = { .tm_hour = 0 };
	struct textbuf text = TEXTBUF_INIT(LINE_BYTES_MAX);

	(void)localtime_r(&now, &local);
	if (COLS >= COLUMNS_FOR_WORDS)
		textbuf_addf(&text, "%02d:%02d:%02d%s  %zu service%s, ", local.tm_hour,
			local.tm_min, local.tm_sec, top->is_paused ? " PAUSED" : "",
			frame->services, PLURAL(frame->services));
	else if (top->is_paused)
		textbuf_add(&text, "PAUSED ");
	textbuf_addf(&text, "%.0f active, %.1f conn/s, %.1f refused/s, %.1f datagrams/s",
		frame->rates[TOP_BY_ACTIVE], frame->rates[TOP_BY_CONNECTIONS],
		frame->rates[TOP_BY_REFUSED], frame->rates[TOP_BY_DATAGRAMS]);
	put_line(screen, 0, top->is_paused ? TONE_WARN : TONE_PLAIN,
		text.text != NULL ? text.text : "");
	textbuf_fini(&text);
}

static void
put_choices(const struct top_screen *screen, const struct top *top, const struct top_frame *frame)
{
	static const char *const views[] = {
		[TOP_SERVICES] = "services", [TOP_REFUSALS] = "refusals", [TOP_SOURCES] = "sources"
	};
	struct textbuf text = TEXTBUF_INIT(LINE_BYTES_MAX);

	textbuf_addf(&text, "%s by %s%s, every %g s", views[top->view],
		top_order_title(top_order_of(top)), top->is_reversed ? " reversed" : "",
		(double)top->tick_ms / 1000);
	if (top->is_idle_hidden)
		textbuf_add(&text, ", without the idle");
	if (top->is_typing || top->filter[0] != '\0') {
		textbuf_add(&text, ", filter: ");
		output_add_harmless(&screen->output, &text, top->filter);
		textbuf_add(&text, top->is_typing ? "_" : "");
	}
	if (top->first > 0)
		textbuf_addf(&text, ", from %zu of %zu", top->first + 1, frame->rows);
	put_line(screen, 1, TONE_FAINT, text.text != NULL ? text.text : "");
	textbuf_fini(&text);
}

static void
put_help(const struct top_screen *screen, int from, int lines)
{
	static const char *const help[] = {
		"q           leave",
		"space, p    pause and go on",
		"< >, arrows sort by another column",
		"r           reverse the order",
		"v, tab      services, refusals by verdict, sources (asks the daemon)",
		"/           show names that have a text in them; escape: all",
		"z           hide services on which nothing happens",
		"+ -         look more often, less often",
		"up, down, page up, page down, home, end",
		"h, ?        this; any key leaves it",
	};

	for (int i = 0; i < (int)ARRAY_SIZE(help) && i < lines; i++)
		put_line(screen, from + i, TONE_PLAIN, help[i]);
}

/* The table's lines, cut to the screen's width by the table itself. */
static int
lay_out(const struct top_screen *screen, const struct top_frame *frame, char **ret_text)
{
	struct output output = screen->output;
	size_t length;
	int error;

	output.columns = (uint32_t)COLS;
	output.file = open_memstream(ret_text, &length);
	if (output.file == NULL)
		return -ENOMEM;
	error = table_print(frame->table, &output, NULL);
	(void)fclose(output.file);
	return *ret_text != NULL ? error : -ENOMEM;
}

static int
put_table(const struct top_screen *screen, struct top *top, const struct top_frame *frame, int from,
	int lines)
{
	auto_free char *text = NULL;
	char *rest;
	int error = lay_out(screen, frame, &text);

	if (error < 0)
		return error;
	top->fitting = lines > 1 ? (size_t)lines - 1 : 0;
	if (top->first + top->fitting > frame->rows)
		top->first = frame->rows > top->fitting ? frame->rows - top->fitting : 0;
	rest = text;
	put_line(screen, from, TONE_TITLE, strsep(&rest, "\n"));
	for (size_t i = 0; i < frame->rows && i < top->first + top->fitting && rest != NULL; i++) {
		const char *line = strsep(&rest, "\n");

		if (i >= top->first)
			put_line(screen, from + 1 + (int)(i - top->first), frame->tones[i], line);
	}
	return 0;
}

int
top_screen_draw(struct top_screen *screen, struct top *top)
{
	int from = LINES >= LINES_FOR_STATE ? 2 : 1;
	int lines = LINES - from - (LINES >= LINES_FOR_KEYS);
	struct top_frame frame;
	int error;

	top->columns = (size_t)COLS;
	error = top_frame_make(&frame, top);
	if (error == 0) {
		(void)erase();
		put_summary(screen, top, &frame);
		if (from == 2)
			put_choices(screen, top, &frame);
		if (top->shows_help)
			put_help(screen, from, lines);
		else
			error = put_table(screen, top, &frame, from, lines);
		if (LINES >= LINES_FOR_KEYS)
			put_line(screen, LINES - 1, TONE_FAINT,
				"q leave  space pause  <> sort  r reverse  v view  / filter  z "
				"idle  "
				"h help");
		(void)refresh();
	}
	top_frame_fini(&frame);
	return error;
}
