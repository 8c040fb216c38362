/* SPDX-License-Identifier: ISC */
/* top: a live view, out of the shared memory alone: the daemon is not asked for anything, but in
 * the view of sources, of which that memory knows the refusals alone.
 *
 * A sample is what all services have counted at one moment; two of them make rates. The state
 * (struct top) changes by keys (top_keys.c); a table is made of it (top_model.c), which the screen
 * shows (top_screen.c). Only that last one knows curses. */
#ifndef REEVE_CONTROL_TOP_H
#define REEVE_CONTROL_TOP_H

#include "base/refused.h"
#include "base/shared.h"
#include "control/table.h"
#include "control/verbs.h"

#define TOP_FILTER_MAX 64
#define TOP_TICK_MS 1000

enum top_view { TOP_SERVICES, TOP_REFUSALS, TOP_SOURCES, TOP_VIEW_COUNT };

/* A row of a gate's table. */
struct top_refused {
	struct refused_row row;
	uint32_t writer;
};

struct top_refusals {
	struct top_refused *list;
	size_t count;
};

/* What the daemon has told of connections and bans, and gates have noted of refusals, at one
 * moment and the one before, which make rates; the arrays may be NULL. */
struct top_sources {
	json_t *connections;
	json_t *bans;
	json_t *before; /* connections */
	struct top_refusals refusals;
	struct top_refusals refusals_before;
	int64_t taken_us;
	int64_t span_us; /* between the two; 0: there was none before */
};

/* What rows can be sorted by, in the order of the columns. */
enum top_order {
	TOP_BY_NAME,
	TOP_BY_ACTIVE,
	TOP_BY_CONNECTIONS,
	TOP_BY_PROGRAMS,
	TOP_BY_DATAGRAMS,
	TOP_BY_RECEIVED,
	TOP_BY_SENT,
	TOP_BY_REFUSED,
	TOP_BY_WAITS,
	TOP_ORDER_COUNT
};

/* A service at one moment; an empty name is a row that nobody has. */
struct top_entry {
	char name[SHARED_NAME_MAX];
	uint32_t number;
	int64_t active;
	int64_t places;
	bool is_slowed; /* its programs fail */
	uint64_t counts[METRIC_COUNT];
};

struct top_sample {
	struct top_entry *entries; /* by row */
	uint32_t count;
	int64_t taken_us;
};

/* What is shown of a service, or of one verdict on its clients. */
struct top_row {
	const struct top_entry *entry;
	const char *verdict;
	uint64_t total;                /* of that verdict, ever */
	double rates[TOP_ORDER_COUNT]; /* a second; NAME has none, ACTIVE is how many there are */
};

struct top {
	struct top_sample before;
	struct top_sample now;
	struct top_sources sources;
	enum top_view view;
	enum top_order order;
	bool is_reversed;
	bool is_paused;
	bool is_idle_hidden;
	bool shows_help;
	bool is_typing; /* the filter */
	bool is_done;
	char filter[TOP_FILTER_MAX];
	size_t first;    /* row that is shown */
	size_t fitting;  /* rows that the screen has */
	size_t columns;  /* that it has; 0: there is no screen */
	int64_t tick_ms; /* between samples */
};

/* What a frame shows. `tones` has one for each row of the table. */
struct top_frame {
	struct table *table;
	enum tone *tones;
	size_t rows;
	size_t services;
	double rates[TOP_ORDER_COUNT]; /* of all of them */
};

/* Look at all services: 0 or -ENOMEM. Samples are given back by top_sample_fini. */
int top_sample_take(struct top_sample *ret_sample, const struct shared *view, int64_t now_us);
void top_sample_fini(struct top_sample *sample);

/* Make a frame of the two samples: 0 or -ENOMEM; given back by top_frame_fini. */
int top_frame_make(struct top_frame *ret_frame, const struct top *top);
void top_frame_fini(struct top_frame *frame);

/* What its rows are sorted by: not every view has every column. */
enum top_order top_order_of(const struct top *top);
const char *top_order_title(enum top_order order);

/* A cell with what happens in a second. */
void top_add_rate(struct table *table, double rate);

/* Ask the daemon, and look at refusals; 0 or -errno, and what was told before stays. A frame of
 * all that. */
int top_sources_ask(struct top_sources *sources, const struct control *control,
	const struct shared *view);
void top_sources_fini(struct top_sources *sources);
int top_sources_frame(struct top_frame *frame, const struct top *top);

/* A key was pressed. */
void top_take_key(struct top *top, int key);

/* --- the screen, where there is one */
struct top_screen;

/* Take over the terminal; NULL: it is none that we know, and why has been printed. */
struct top_screen *top_screen_open(const struct output *output);
struct top_screen *top_screen_close(struct top_screen *screen); /* as it was before */
void top_screen_resize(struct top_screen *screen);
int top_screen_key(struct top_screen *screen); /* TOP_NO_KEY: no more; TOP_GONE: the terminal */
int top_screen_draw(struct top_screen *screen, struct top *top);

enum top_keys {
	TOP_GONE = -2,
	TOP_NO_KEY = -1,
	TOP_KEY_UP = 0x10000,
	TOP_KEY_DOWN,
	TOP_KEY_LEFT,
	TOP_KEY_RIGHT,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_BACKSPACE,
};

int verb_top(const struct control *control);

#endif
