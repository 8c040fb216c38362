/* SPDX-License-Identifier: ISC */
/* What keys do. */
#include "control/top.h"

#include <string.h>

#define ESCAPE 27
#define TICK_LEAST_MS 125
#define TICK_MOST_MS 64000

static void
type(struct top *top, int key)
{
	size_t length = strlen(top->filter);

	if (key == '\n' || key == '\r') {
		top->is_typing = false;
	} else if (key == ESCAPE) {
		top->filter[0] = '\0';
		top->is_typing = false;
	} else if (key == TOP_KEY_BACKSPACE || key == '\b' || key == 127) {
		/* A letter may be several bytes. */
		while (length > 0 && (top->filter[--length] & 0xc0) == 0x80)
			;
		top->filter[length] = '\0';
	} else if (key >= ' ' && key <= UINT8_MAX && length + 1 < sizeof(top->filter)) {
		top->filter[length] = (char)key;
		top->filter[length + 1] = '\0';
	}
	top->first = 0;
}

static void
scroll(struct top *top, int key)
{
	size_t page = top->fitting > 1 ? top->fitting - 1 : 1;

	switch (key) {
	case TOP_KEY_UP:
		top->first -= top->first > 0;
		break;
	case TOP_KEY_DOWN:
		top->first++;
		break;
	case TOP_KEY_PAGE_UP:
		top->first -= top->first < page ? top->first : page;
		break;
	case TOP_KEY_PAGE_DOWN:
		top->first += page;
		break;
	case TOP_KEY_HOME:
		top->first = 0;
		break;
	case TOP_KEY_END:
		top->first = SIZE_MAX / 2; /* the screen shows the last ones */
		break;
	default:
		break;
	}
}

static void
order_by_next(struct top *top, int steps)
{
	int next = (int)top->order + steps;

	top->order = (enum top_order)((next + TOP_ORDER_COUNT) % TOP_ORDER_COUNT);
	top->first = 0;
}

static void
change_view(struct top *top)
{
	top->view = (enum top_view)((top->view + 1) % TOP_VIEW_COUNT);
	top->first = 0;
}

static void
set_tick(struct top *top, int64_t tick_ms)
{
	if (tick_ms >= TICK_LEAST_MS && tick_ms <= TICK_MOST_MS)
		top->tick_ms = tick_ms;
}

/* The keys that switch something; the others scroll. */
static void
switch_by(struct top *top, int key)
{
	switch (key) {
	case 'q':
		top->is_done = true;
		break;
	case ' ':
	case 'p':
		top->is_paused = !top->is_paused;
		break;
	case 'r':
		top->is_reversed = !top->is_reversed;
		break;
	case 'z':
		top->is_idle_hidden = !top->is_idle_hidden;
		break;
	case '?':
	case 'h':
		top->shows_help = true;
		break;
	case '/':
		top->is_typing = true;
		break;
	case ESCAPE:
		top->filter[0] = '\0';
		break;
	default:
		scroll(top, key);
	}
}

void
top_take_key(struct top *top, int key)
{
	if (top->is_typing) {
		type(top, key);
		return;
	}
	if (top->shows_help && key != 'q') {
		top->shows_help = false;
		return;
	}
	switch (key) {
	case '<':
	case TOP_KEY_LEFT:
		order_by_next(top, -1);
		break;
	case '>':
	case TOP_KEY_RIGHT:
		order_by_next(top, 1);
		break;
	case '\t':
	case 'v':
		change_view(top);
		break;
	case '+':
		set_tick(top, top->tick_ms / 2);
		break;
	case '-':
		set_tick(top, top->tick_ms * 2);
		break;
	default:
		switch_by(top, key);
	}
}
